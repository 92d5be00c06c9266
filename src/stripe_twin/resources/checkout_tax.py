"""What a checkout session asks because of tax: where the buyer is, and of a business its name and tax id."""

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customers, tax_ids
from stripe_twin.resources.checkout_lines import add_up
from stripe_twin.rules.places import kind_for

_ADDRESS = ("line1", "line2", "city", "state", "postal_code")


def check(args: Json) -> None:
    """What is asked of the buyer of a known customer must be allowed to be kept."""
    kept = args.get("customer_update", {})
    if kept and "customer" not in args:
        raise invalid("`customer_update` can only be used with `customer`.", param="customer_update")
    if "customer" in args and args.get("tax_id_collection", {}).get("enabled") and kept.get("name") != "auto":
        raise invalid(
            "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an "
            "existing customer, please set `customer_update[name]` to `auto`.",
            param="customer_update[name]",
        )


def kept(args: Json) -> Json:
    """What a new session keeps of it; it shows the collection only where it was asked for."""
    enabled = args.get("tax_id_collection", {}).get("enabled", False)
    shown = {"tax_id_collection": {"enabled": True, "required": "never"}} if enabled else {}
    return {**shown, "_customer_update": args.get("customer_update", {}), "_said": {}}


def asks_address(session: Json) -> bool:
    """Whether the whole address is wanted."""
    return bool(session["automatic_tax"]["enabled"] or session["billing_address_collection"] == "required")


def asks_tax_id(session: Json) -> bool:
    """Whether a business may name itself."""
    return bool(session.get("tax_id_collection", {}).get("enabled"))


def hear(unit: Unit, session: Json, values: dict[str, str]) -> dict[str, str]:
    """Take in what was typed and work the sums out with it; what is wrong comes back by field.

    A known customer whose form says nothing is taken to live where they did.
    """
    if not asks_address(session):
        return {}
    typed = {**known_address(unit, session), **{name: value for name, value in values.items() if value}}
    wrong: dict[str, str] = {}
    country = str(typed.get("country") or "").upper()
    if session["automatic_tax"]["enabled"] and (len(country), country.isalpha()) != (2, True):
        wrong["country"] = "Enter the two letters of your country, such as DE."
    number = values.get("tax_id", "") if asks_tax_id(session) else ""
    kind = kind_for(country, number) if number else None
    if number and kind is None:
        wrong["tax_id"] = "Enter a tax ID of your country, such as DE123456789."
    if not wrong:
        session["_said"] = {
            "address": {**{name: typed.get(name) or None for name in _ADDRESS}, "country": country or None},
            "business": values.get("business", "") if asks_tax_id(session) else "",
            "tax_id": _number(kind, number) if kind else None,
        }
        add_up(unit, session)
        unit.save(session)
    return wrong


def _number(kind: str, value: str) -> Json:
    """A tax id as typed, with what verifying it will come to: the tax goes by that."""
    return {"type": kind, "value": value, "verification": {"status": tax_ids.outcome(kind, value)}}


def known_address(unit: Unit, session: Json) -> dict[str, str]:
    """The address that is known already, to fill the form with."""
    said = session["_said"].get("address")
    held = unit.load("customer", session["customer"])["address"] if session["customer"] else None
    return {name: value for name, value in (said or held or {}).items() if value}


def keep(unit: Unit, session: Json) -> None:
    """Write down with the customer what the buyer said of themselves, as far as the session allows it."""
    said, allowed = session["_said"], session["_customer_update"]
    if not said or not session["customer"]:
        return
    customer = unit.load("customer", session["customer"])
    before = unit.render(customer)
    fresh = session["customer_creation"] == "always"
    if said["address"]["country"] and (fresh or allowed.get("address") == "auto"):
        customer["address"] = {**customers.NO_ADDRESS, **said["address"]}
    if said["business"] and (fresh or allowed.get("name") == "auto"):
        customer["name"] = said["business"]
    unit.updated("customer.updated", customer, before)
    number = said["tax_id"]
    held = {(each["type"], each["value"]) for each in unit.of("tax_id", customer=customer["id"])}
    if number and (number["type"], number["value"]) not in held:
        tax_ids.make(unit, customer, number["type"], number["value"])


def details(session: Json) -> Json:
    """The part of `customer_details` that was said because of tax."""
    said = session["_said"]
    if not said:
        return {}
    number = said["tax_id"]
    return {
        "address": {**customers.NO_ADDRESS, **said["address"]},
        "business_name": said["business"] or None,
        "tax_ids": [{"type": number["type"], "value": number["value"]}] if number else [],
    }
