"""Customers. A deleted one leaves a stub that says so; its subscriptions end with it."""

from collections.abc import Callable

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid, missing
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import listing, page, search
from stripe_twin.core.operations import operation
from stripe_twin.core.params import (
    Field,
    array,
    choice,
    integer,
    merge_metadata,
    metadata,
    obj,
    page_params,
    params,
    required,
    text,
    time_range,
    unsettable,
)
from stripe_twin.core.store import Filter, equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import discounts, payment_methods
from stripe_twin.rules.places import place_of

# Lists leave out what lives on a test clock, unless that clock is named.
NO_CLOCK = Filter("body ->> '$.test_clock' is null", ())

# Called with the customer's id when it is deleted, before its own event: higher resources end what hangs on it.
ON_DELETE: list[Callable[[Unit, str], None]] = []


def _compose(unit: Unit, customer: Json) -> Json:
    if customer.get("deleted"):
        return {"id": customer["id"], "object": "customer", "deleted": True}
    held = customer.get("_discount")
    return {**customer, "discount": unit.render(unit.load("discount", held)) if held else None}


def _subscriptions(unit: Unit, customer: Json) -> Json:
    found = unit.find(
        "subscription", equals("$.customer", customer["id"]), Filter("body ->> '$.status' != 'canceled'", ())
    )
    return listing(
        f"/v1/customers/{customer['id']}/subscriptions", [unit.render(item) for item in found], total=len(found)
    )


def _tax_ids(unit: Unit, customer: Json) -> Json:
    found = unit.find("tax_id", equals("$.customer", customer["id"]))
    return listing(f"/v1/customers/{customer['id']}/tax_ids", [unit.render(item) for item in found], total=len(found))


def _tax(customer: Json) -> Json:
    """Where the customer is taxed, as far as the address tells."""
    address = customer.get("address") or {}
    country, state = address.get("country"), address.get("state")
    collected = place_of(country, state) is not None
    known = {"country": country, "source": "billing_address", "state": state} if country else None
    return {
        "automatic_tax": ("supported" if collected else "not_collecting") if country else "unrecognized_location",
        "ip_address": None,
        "location": known,
        "provider": "stripe",
    }


register(
    Kind(
        "customer",
        "customer",
        compose=_compose,
        includable={
            "subscriptions": _subscriptions,
            "sources": lambda _, customer: listing(f"/v1/customers/{customer['id']}/sources", [], total=0),
            "tax_ids": _tax_ids,
            "tax": lambda _, customer: _tax(customer),
            "invoice_credit_balance": lambda _, __: {},
            "cash_balance": lambda _, __: None,
        },
    )
)


def address() -> Field:
    """A postal address; parts not given are null."""
    parts = obj(
        city=unsettable(text()),
        country=unsettable(text(2)),
        line1=unsettable(text()),
        line2=unsettable(text()),
        postal_code=unsettable(text()),
        state=unsettable(text()),
    )
    return unsettable(Field(lambda value, where: {**NO_ADDRESS, **parts.check(value, where)}))


def delivery() -> Field:
    """Where the goods of a payment go; parts not given are null."""
    names = ("carrier", "phone", "tracking_number")
    parts = obj(
        address=required(address()), name=required(text()), carrier=text(), phone=text(), tracking_number=text()
    )
    return unsettable(Field(lambda value, where: {**dict.fromkeys(names), **parts.check(value, where)}))


NO_ADDRESS: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_DETAILS = {
    "address": address(),
    "balance": integer(),
    "coupon": unsettable(text()),
    "description": unsettable(text()),
    "email": unsettable(text(512)),
    "invoice_prefix": text(12),
    "invoice_settings": obj(
        default_payment_method=unsettable(text()),
        footer=unsettable(text()),
        unsupported="custom_fields rendering_options",
    ),
    "metadata": metadata(),
    "name": unsettable(text(256)),
    "next_invoice_sequence": integer(1),
    "phone": unsettable(text(20)),
    "preferred_locales": array(text()),
    "promotion_code": unsettable(text()),
    "shipping": unsettable(obj(address=required(address()), name=required(text()), phone=unsettable(text()))),
    "source": text(),
    "tax_exempt": unsettable(choice("exempt", "none", "reverse")),
}
_UNSUPPORTED = "business_name cash_balance individual_name tax tax_id_data validate"


def live(unit: Unit, ident: str, param: str | None = "customer") -> Json:
    """The customer, if it exists and was not deleted."""
    customer = unit.load("customer", ident, param)
    if customer.get("deleted"):
        raise missing("customer", ident, param)
    return customer


def make(unit: Unit, args: Json) -> Json:
    """A new customer, reported."""
    customer = unit.save(
        {
            "id": ids.short("cus"),
            "object": "customer",
            "address": args.get("address"),
            "balance": args.get("balance", 0),
            "created": unit.now,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": args.get("description"),
            "discount": None,
            "email": args.get("email"),
            "invoice_prefix": args.get("invoice_prefix") or ids.token(8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": merge_metadata({}, args.get("metadata")),
            "name": args.get("name"),
            "next_invoice_sequence": args.get("next_invoice_sequence", 1),
            "phone": args.get("phone"),
            "preferred_locales": args.get("preferred_locales", []),
            "shipping": args.get("shipping"),
            "tax_exempt": args.get("tax_exempt") or "none",
            "test_clock": args.get("test_clock"),
        }
    )
    unit.emit("customer.created", customer)
    _set_discount(unit, customer, args)
    return customer


def _set_discount(unit: Unit, customer: Json, args: Json) -> None:
    """A coupon or code among the parameters becomes the customer's discount; an empty one takes it away."""
    wanted: Json = {name: args.pop(name) for name in ("coupon", "promotion_code") if name in args}
    if not wanted:
        return
    held = customer.get("_discount")
    entry: Json = {name: value for name, value in wanted.items() if value is not None}
    if not entry:
        drop_discount(unit, customer)
        return
    made = discounts.attach(unit, [entry], customer["id"], customer["currency"], report=held is None)[0]
    if held:
        before, after = unit.load("discount", held), unit.load("discount", made)
        unit.save({**before, "_over": True})
        unit.emit("customer.discount.updated", after, unit.render(before))
    customer["_discount"] = made
    unit.save(customer)


def drop_discount(unit: Unit, customer: Json) -> None:
    """The customer has no discount any more."""
    held = customer.pop("_discount", None)
    if held:
        discounts.drop(unit, held)
    unit.save(customer)


@operation(
    "POST", "/v1/customers", params(payment_method=text(), test_clock=text(), unsupported=_UNSUPPORTED, **_DETAILS)
)
def create(unit: Unit, args: Json) -> Json:
    """Make a customer."""
    if "test_clock" in args:
        unit.load("test_helpers.test_clock", args["test_clock"], "test_clock")
        unit.enter(args["test_clock"])
    customer = make(unit, args)
    settings: Json = dict(args.get("invoice_settings", {}))
    for name in ("payment_method", "source"):
        if name in args:
            method = payment_methods.resolve(unit, args[name], name)
            payment_methods.attach(unit, method, customer["id"])
            # A name such as pm_card_visa stands for what was just attached; a token pays from now on.
            if name == "source" or settings.get("default_payment_method") == args[name]:
                settings["default_payment_method"] = method["id"]
    if settings:
        _set_invoice_settings(unit, customer, settings)
        unit.save(customer)
    return unit.render(customer)


@operation("GET", "/v1/customers/{ident}", params())
def retrieve(unit: Unit, _: Json, ident: str) -> Json:
    """One customer; a deleted one is a stub."""
    return unit.render(unit.load("customer", ident))


@operation("POST", "/v1/customers/{ident}", params(unsupported=_UNSUPPORTED, **_DETAILS))
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change a customer."""
    customer = live(unit, ident, "id")
    before = unit.render(customer)
    _set_discount(unit, customer, args)
    if "source" in args:
        method = payment_methods.resolve(unit, args.pop("source"), "source")
        payment_methods.attach(unit, method, ident)
        _set_invoice_settings(unit, customer, {"default_payment_method": method["id"]})
    if "invoice_settings" in args:
        _set_invoice_settings(unit, customer, args.pop("invoice_settings"))
    if "metadata" in args:
        args["metadata"] = merge_metadata(customer["metadata"], args["metadata"])
    customer.update(args)
    unit.updated("customer.updated", customer, before)
    return unit.render(customer)


def _set_invoice_settings(unit: Unit, customer: Json, settings: Json) -> None:
    default = settings.get("default_payment_method")
    if default is not None:
        where = "invoice_settings[default_payment_method]"
        if unit.load("payment_method", default, where)["customer"] != customer["id"]:
            raise invalid(
                f"The customer does not have a payment method with the ID {default}. "
                "The payment method must be attached to the customer.",
                param=where,
                code="resource_missing",
            )
    customer["invoice_settings"] = {**customer["invoice_settings"], **settings}


@operation("DELETE", "/v1/customers/{ident}/discount", params())
def delete_discount(unit: Unit, _: Json, ident: str) -> Json:
    """Take a customer's discount away."""
    customer = live(unit, ident)
    held = customer.get("_discount")
    if held is None:
        raise missing("discount", ident, "id")
    shown = unit.render(unit.load("discount", held))
    drop_discount(unit, customer)
    return {**shown, "deleted": True}


@operation("DELETE", "/v1/customers/{ident}", params())
def delete(unit: Unit, _: Json, ident: str) -> Json:
    """Delete a customer and end its subscriptions."""
    return unit.render(remove(unit, live(unit, ident, "id")))


def remove(unit: Unit, customer: Json) -> Json:
    """The customer's stub, after everything it had came to an end."""
    ident = customer["id"]
    for react in ON_DELETE:
        react(unit, ident)
    for method in unit.of("payment_method", customer=ident):
        payment_methods.detach(unit, method)
    unit.emit("customer.deleted", customer)
    return unit.save({**customer, "deleted": True, "email": None})


@operation("GET", "/v1/customers", page_params(email=text(), created=time_range(), test_clock=text()))
def index(unit: Unit, args: Json) -> Json:
    """List customers that were not deleted."""
    clock = equals("$.test_clock", args["test_clock"]) if "test_clock" in args else NO_CLOCK
    filters = [Filter("body ->> '$.deleted' is null", ()), clock]
    if "email" in args:
        filters.append(equals("$.email", args["email"]))
    return page(unit, "customer", "/v1/customers", args, *filters)


@operation("GET", "/v1/customers/search", params(query=required(text()), limit=integer(1, 100), page=text()))
def find(unit: Unit, args: Json) -> Json:
    """Search customers."""
    return search(unit, "customer", "/v1/customers/search", args, frozenset({"email", "name", "phone"}))


@operation(
    "GET",
    "/v1/customers/{ident}/payment_methods",
    page_params(type=text(), allow_redisplay=choice("always", "limited", "unspecified")),
)
def its_payment_methods(unit: Unit, args: Json, ident: str) -> Json:
    """List a customer's payment methods."""
    live(unit, ident)
    filters = [equals("$.customer", ident)]
    filters += [equals(f"$.{name}", args[name]) for name in ("type", "allow_redisplay") if name in args]
    return page(unit, "payment_method", f"/v1/customers/{ident}/payment_methods", args, *filters)


@operation("GET", "/v1/customers/{ident}/payment_methods/{method}", params())
def its_payment_method(unit: Unit, _: Json, ident: str, method: str) -> Json:
    """One of a customer's payment methods."""
    live(unit, ident)
    found = unit.load("payment_method", method)
    if found["customer"] != ident:
        raise missing("PaymentMethod", method, "id")
    return unit.render(found)
