"""The `automatic_tax` switch, and the tax it comes to by the invented table of `rules.places`."""

from stripe_twin.core import ids
from stripe_twin.core.json import Json
from stripe_twin.core.params import boolean, choice, obj, required
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.rules.places import HOME, UNION, Place, place_of

AUTOMATIC_TAX = obj(enabled=required(boolean()), liability=obj(type=required(choice("self")), unsupported="account"))


def located(customer: Json) -> bool:
    """Whether it is known where the customer is."""
    return bool((customer.get("address") or {}).get("country"))


def of_invoice(customer: Json, *, enabled: bool) -> Json:
    """The field of an invoice or a checkout session."""
    status = ("complete" if located(customer) else "requires_location_inputs") if enabled else None
    return {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": status,
    }


def of_subscription(customer: Json, *, enabled: bool) -> Json:
    """The field of a subscription; without a place it is switched off with the reason."""
    known = located(customer)
    return {
        "disabled_reason": "requires_location_inputs" if enabled and not known else None,
        "enabled": enabled and known,
        "liability": {"type": "self"} if enabled and known else None,
    }


def worked_out(unit: Unit, customer: Json, tax_ids: list[Json]) -> tuple[list[Json], str | None]:
    """The rates where the customer is, as `rules.pricing` reads them, and whether they are exempt or reversed."""
    address = customer.get("address") or {}
    place = place_of(address.get("country"), address.get("state"))
    if place is None:
        return [], customer.get("tax_exempt")
    rate = {"id": _rate(unit, place)["id"], "percentage": place.percentage, "inclusive": False}
    business = any(each["type"] == "eu_vat" and _stands(each) for each in tax_ids)
    abroad = place.country in UNION and place.country != HOME
    exempt = customer.get("tax_exempt") or "none"
    return [rate], "reverse" if abroad and business and exempt == "none" else exempt


def _stands(tax_id: Json) -> bool:
    return (tax_id.get("verification") or {}).get("status") != "unverified"


def _rate(unit: Unit, place: Place) -> Json:
    """The tax rate that stands for a place, made when it is first needed; Stripe makes such rates silently, too."""
    known = unit.find("tax_rate", equals("$._place", f"{place.country}-{place.state}"), limit=1)
    if known:
        return known[0]
    return unit.save(
        {
            "id": ids.long("txr"),
            "object": "tax_rate",
            "active": False,
            "country": place.country,
            "created": unit.now,
            "description": None,
            "display_name": place.tax,
            "effective_percentage": place.percentage,
            "flat_amount": None,
            "inclusive": False,
            "jurisdiction": place.name,
            "jurisdiction_level": "state" if place.state else "country",
            "livemode": False,
            "metadata": {},
            "percentage": place.percentage,
            "rate_type": "percentage",
            "state": place.state or None,
            "tax_type": place.tax_type,
            "_place": f"{place.country}-{place.state}",
        }
    )
