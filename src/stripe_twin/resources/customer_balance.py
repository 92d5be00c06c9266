"""A customer's balance and the entries that explain it. Negative is credit: it pays the next invoice."""

from stripe_twin.core import ids
from stripe_twin.core.errors import missing
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation
from stripe_twin.core.params import (
    integer,
    merge_metadata,
    metadata,
    page_params,
    params,
    required,
    text,
    time_range,
    unsettable,
)
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources.prices import currency

register(Kind("customer_balance_transaction", "customer balance transaction"))


def enter(unit: Unit, customer: Json, amount: int, kind: str, money: str, **links: object) -> Json:
    """Note a change of the balance that the caller has made; `links` override any field."""
    return unit.save(
        {
            "id": ids.long("cbtxn"),
            "object": "customer_balance_transaction",
            "amount": amount,
            "checkout_session": None,
            "created": unit.now,
            "credit_note": None,
            "currency": money,
            "customer": customer["id"],
            "customer_account": None,
            "description": None,
            "ending_balance": customer["balance"],
            "invoice": None,
            "livemode": False,
            "metadata": {},
            "type": kind,
            **links,
        }
    )


def change(unit: Unit, ident: str, amount: int, kind: str, money: str, **links: object) -> Json:
    """Add to the balance (negative gives credit), report it, and return the entry."""
    customer = unit.load("customer", ident, "customer")
    before = unit.render(customer)
    customer.update(balance=customer["balance"] + amount, currency=customer["currency"] or money)
    unit.updated("customer.updated", customer, before)
    return enter(unit, customer, amount, kind, money, **links)


@operation(
    "POST",
    "/v1/customers/{ident}/balance_transactions",
    params(
        amount=required(integer()),
        currency=required(currency()),
        description=unsettable(text(350)),
        metadata=metadata(),
    ),
)
def create(unit: Unit, args: Json, ident: str) -> Json:
    """Change a customer's balance by hand."""
    more = {"description": args.get("description"), "metadata": merge_metadata({}, args.get("metadata"))}
    return unit.render(change(unit, ident, args["amount"], "adjustment", args["currency"], **more))


def _entry(unit: Unit, customer: str, ident: str) -> Json:
    entry = unit.load("customer_balance_transaction", ident)
    if entry["customer"] != customer:
        raise missing("customer balance transaction", ident, "id")
    return entry


@operation("GET", "/v1/customers/{ident}/balance_transactions/{entry}", params())
def retrieve(unit: Unit, _: Json, ident: str, entry: str) -> Json:
    """One entry."""
    return unit.render(_entry(unit, ident, entry))


@operation(
    "POST",
    "/v1/customers/{ident}/balance_transactions/{entry}",
    params(description=unsettable(text(350)), metadata=metadata()),
)
def update(unit: Unit, args: Json, ident: str, entry: str) -> Json:
    """Change the words of an entry."""
    found = _entry(unit, ident, entry)
    if "metadata" in args:
        args["metadata"] = merge_metadata(found["metadata"], args["metadata"])
    found.update(args)
    return unit.render(unit.save(found))


@operation(
    "GET",
    "/v1/customers/{ident}/balance_transactions",
    page_params(invoice=text(), created=time_range()),
)
def index(unit: Unit, args: Json, ident: str) -> Json:
    """List entries."""
    filters = [equals("$.customer", ident)]
    if "invoice" in args:
        filters.append(equals("$.invoice", args["invoice"]))
    return page(unit, "customer_balance_transaction", f"/v1/customers/{ident}/balance_transactions", args, *filters)
