"""Customers' tax ids. A European one counts as verified a moment later unless its test value says otherwise."""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid, missing
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation
from stripe_twin.core.params import page_params, params, required, text
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import customers
from stripe_twin.rules.places import TAX_IDS, fits

_VERIFIED = ("eu_vat", "gb_vat", "au_abn")
# Stripe's test values; every other one is verified.
_OUTCOMES = {"000000000": "verified", "111111111": "unverified", "222222222": "pending"}


register(Kind("tax_id", "tax ID"))


def outcome(kind: str, value: str) -> str:
    """What verifying the id comes to."""
    digits = "".join(letter for letter in value if letter.isdigit())
    return _OUTCOMES.get(digits[-9:], "verified") if kind in _VERIFIED else "unavailable"


def make(unit: Unit, customer: Json, kind: str, value: str) -> Json:
    """A new tax id of the customer, reported; one that has not the form of its kind is refused."""
    if kind not in TAX_IDS:
        raise invalid(
            f"Invalid type: must be one of {', '.join(sorted(TAX_IDS))} (this test double knows no others).",
            param="type",
        )
    if not fits(kind, value):
        raise invalid("Invalid value for tax ID type.", param="value", code="tax_id_invalid")
    status = outcome(kind, value)
    name = customer["name"] if status == "verified" else None
    owner = {"account": None, "application": None, "customer": customer["id"], "customer_account": None}
    tax_id = unit.save(
        {
            "id": ids.long("txi"),
            "object": "tax_id",
            "country": value[:2].upper() if value[:2].isalpha() else kind[:2].upper(),
            "created": unit.now,
            "customer": customer["id"],
            "customer_account": None,
            "livemode": False,
            "owner": {**owner, "type": "customer"},
            "type": kind,
            "value": value,
            "verification": {"status": status, "verified_address": None, "verified_name": name},
        }
    )
    unit.emit("customer.tax_id.created", tax_id)
    return tax_id


@operation("POST", "/v1/customers/{ident}/tax_ids", params(type=required(text(40)), value=required(text(100))))
def create(unit: Unit, args: Json, ident: str) -> Json:
    """Give a customer a tax id."""
    return unit.render(make(unit, customers.live(unit, ident), args["type"], args["value"]))


def _of(unit: Unit, customer: str, ident: str) -> Json:
    found = unit.load("tax_id", ident)
    if found["customer"] != customer:
        raise missing("tax ID", ident, "id")
    return found


@operation("GET", "/v1/customers/{ident}/tax_ids/{tax_id}", params())
def retrieve(unit: Unit, _: Json, ident: str, tax_id: str) -> Json:
    """One tax id."""
    return unit.render(_of(unit, ident, tax_id))


@operation("DELETE", "/v1/customers/{ident}/tax_ids/{tax_id}", params())
def delete(unit: Unit, _: Json, ident: str, tax_id: str) -> Json:
    """Take a tax id away."""
    found = _of(unit, ident, tax_id)
    unit.store.remove(tax_id)
    unit.emit("customer.tax_id.deleted", found)
    return {"id": tax_id, "object": "tax_id", "deleted": True}


@operation("GET", "/v1/customers/{ident}/tax_ids", page_params())
def index(unit: Unit, args: Json, ident: str) -> Json:
    """List a customer's tax ids."""
    return page(unit, "tax_id", f"/v1/customers/{ident}/tax_ids", args, equals("$.customer", ident))
