"""The `automatic_tax` switch. No tax is worked out here: it says whether the customer's place would be known."""

from stripe_twin.core.json import Json
from stripe_twin.core.params import boolean, choice, obj, required

AUTOMATIC_TAX = obj(enabled=required(boolean()), liability=obj(type=required(choice("self")), unsupported="account"))


def _located(customer: Json) -> bool:
    return bool((customer["address"] or {}).get("country"))


def of_invoice(customer: Json, *, enabled: bool) -> Json:
    """The field of an invoice or a checkout session."""
    status = ("complete" if _located(customer) else "requires_location_inputs") if enabled else None
    return {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": status,
    }


def of_subscription(customer: Json, *, enabled: bool) -> Json:
    """The field of a subscription; without a place it is switched off with the reason."""
    known = _located(customer)
    return {
        "disabled_reason": "requires_location_inputs" if enabled and not known else None,
        "enabled": enabled and known,
        "liability": {"type": "self"} if enabled and known else None,
    }
