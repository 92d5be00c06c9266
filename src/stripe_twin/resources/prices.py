"""Prices: how much of which currency, how often. A price never changes its amount; lookup keys move between prices."""

from decimal import Decimal
from typing import Any

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page, search
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    Check,
    Field,
    array,
    boolean,
    choice,
    decimal,
    first_of,
    integer,
    merge_metadata,
    metadata,
    obj,
    page_params,
    params,
    required,
    text,
    time_range,
)
from stripe_twin.core.store import Filter, equals, one_of
from stripe_twin.core.unit import Unit
from stripe_twin.resources import products

register(Kind("price", "price", includable={"tiers": lambda _, price: price.get("_tiers")}))

INTERVALS = ("day", "week", "month", "year")


def currency() -> Field:
    """A three-letter ISO code, lower-cased."""

    def check(value: Any, where: str) -> str:
        if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()):
            raise invalid(f"Invalid currency: {value}.", param=where)
        return value.lower()

    checked: Check = check
    return Field(checked)


RECURRING = obj(
    interval=required(choice(*INTERVALS)),
    interval_count=integer(1, 1095),
    meter=text(),
    trial_period_days=integer(0, 730),
    usage_type=choice("licensed", "metered"),
)
_TIER = obj(
    up_to=required(first_of(integer(1), choice("inf"))),
    unit_amount=integer(0),
    unit_amount_decimal=decimal(),
    flat_amount=integer(0),
    flat_amount_decimal=decimal(),
)
_CREATE = params(
    active=boolean(),
    billing_scheme=choice("per_unit", "tiered"),
    currency=required(currency()),
    lookup_key=text(200),
    metadata=metadata(),
    nickname=text(),
    product=text(),
    product_data=obj(
        id=text(),
        name=required(text()),
        active=boolean(),
        metadata=metadata(),
        statement_descriptor=text(22),
        tax_code=text(),
        unit_label=text(12),
    ),
    recurring=RECURRING,
    tax_behavior=choice("exclusive", "inclusive", "unspecified"),
    tiers=array(_TIER),
    tiers_mode=choice("graduated", "volume"),
    transfer_lookup_key=boolean(),
    unit_amount=integer(0, 99_999_999),
    unit_amount_decimal=decimal(),
    transform_quantity=obj(divide_by=required(integer(1)), round=required(choice("down", "up"))),
    unsupported="currency_options custom_unit_amount",
)


@operation("POST", "/v1/prices", _CREATE)
def create(unit: Unit, args: Json) -> Json:
    """Make a price."""
    price = make(unit, args)
    unit.emit("price.created", price)
    return unit.render(price)


def make(unit: Unit, args: Json) -> Json:
    """A new price, not yet reported; also for the `price_data` of other calls."""
    _check_amount(args)
    product = _product(unit, args)
    if "lookup_key" in args:
        _take_lookup_key(unit, args)
    amount = _decimal(args, "unit_amount")
    recurring = args.get("recurring")
    return unit.save(
        {
            "id": ids.long("price"),
            "object": "price",
            "active": args.get("active", True),
            "billing_scheme": args.get("billing_scheme", "per_unit"),
            "created": unit.now,
            "currency": args["currency"],
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": args.get("lookup_key"),
            "metadata": merge_metadata({}, args.get("metadata")),
            "nickname": args.get("nickname"),
            "product": product,
            "recurring": _recurring(recurring) if recurring else None,
            "tax_behavior": args.get("tax_behavior", "unspecified"),
            "tiers_mode": args.get("tiers_mode"),
            "transform_quantity": args.get("transform_quantity"),
            "type": "recurring" if recurring else "one_time",
            "unit_amount": _whole(amount),
            "unit_amount_decimal": amount,
            "_tiers": [_tier(tier) for tier in args.get("tiers", [])],
        }
    )


def of_amount(unit: Unit, amount: int, currency: str, name: str) -> Json:
    """The inactive price behind a plain amount on an invoice, the same for the same amount and name."""
    mark = f"{amount} {currency} {name}"
    known = unit.find("price", equals("$._of_amount", mark), limit=1)
    if known:
        return known[0]
    product = products.make(unit, {"name": name, "active": False}, report=False)
    price = make(unit, {"product": product["id"], "currency": currency, "unit_amount": amount, "active": False})
    return unit.save({**price, "_of_amount": mark})


def _check_amount(args: Json) -> None:
    given = [name for name in ("unit_amount", "unit_amount_decimal") if name in args]
    tiered = args.get("billing_scheme") == "tiered"
    if len(given) > 1:
        raise invalid("You may only specify one of these parameters: unit_amount, unit_amount_decimal.")
    if tiered and (given or not args.get("tiers") or "tiers_mode" not in args):
        raise invalid("Tiered prices take `tiers` and `tiers_mode`, and no `unit_amount`.", param="tiers")
    if not tiered and not given:
        raise invalid("You must specify either `unit_amount` or `unit_amount_decimal`.", code="parameter_missing")
    if not tiered and "tiers" in args:
        raise invalid("`tiers` may only be set when `billing_scheme` is `tiered`.", param="tiers")


def _product(unit: Unit, args: Json) -> str:
    if ("product" in args) == ("product_data" in args):
        raise invalid(
            "You must specify exactly one of `product` or `product_data`.", param="product", code="parameter_missing"
        )
    if "product_data" in args:
        made: str = products.make(unit, args["product_data"])["id"]
        return made
    found: str = unit.load("product", args["product"], "product")["id"]
    return found


def _take_lookup_key(unit: Unit, args: Json) -> None:
    for holder in unit.of("price", lookup_key=args["lookup_key"]):
        if not args.get("transfer_lookup_key"):
            raise invalid(
                f"A price (`{holder['id']}`) already uses that lookup key. "
                "Use `transfer_lookup_key` to take the key from the existing price.",
                param="lookup_key",
            )
        before = unit.render(holder)
        holder["lookup_key"] = None
        unit.updated("price.updated", holder, before)


def _recurring(given: Json) -> Json:
    return {
        "interval": given["interval"],
        "interval_count": given.get("interval_count", 1),
        "meter": given.get("meter"),
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": given.get("usage_type", "licensed"),
    }


def _tier(given: Json) -> Json:
    flat, each = _decimal(given, "flat_amount"), _decimal(given, "unit_amount")
    return {
        "flat_amount": _whole(flat),
        "flat_amount_decimal": flat,
        "unit_amount": _whole(each),
        "unit_amount_decimal": each,
        "up_to": None if given["up_to"] == "inf" else given["up_to"],
    }


def _decimal(args: Json, name: str) -> str | None:
    if name in args:
        return str(args[name])
    value: str | None = args.get(f"{name}_decimal")
    return value


def _whole(amount: str | None) -> int | None:
    """The amount as an integer, None when it has a fraction, as at Stripe."""
    if amount is None:
        return None
    number = Decimal(amount)
    return int(number) if number == number.to_integral_value() else None


retrieval("price", "/v1/prices/{ident}", params())


@operation(
    "POST",
    "/v1/prices/{ident}",
    params(
        active=boolean(),
        lookup_key=text(200),
        metadata=metadata(),
        nickname=text(),
        tax_behavior=choice("exclusive", "inclusive", "unspecified"),
        transfer_lookup_key=boolean(),
        unsupported="currency_options",
    ),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change what may change of a price: not its amount."""
    price = unit.load("price", ident)
    before = unit.render(price)
    if args.get("lookup_key") not in (None, price["lookup_key"]):
        _take_lookup_key(unit, args)
    args.pop("transfer_lookup_key", None)
    if "metadata" in args:
        args["metadata"] = merge_metadata(price["metadata"], args["metadata"])
    price.update(args)
    unit.updated("price.updated", price, before)
    return unit.render(price)


@operation(
    "GET",
    "/v1/prices",
    page_params(
        active=boolean(),
        currency=currency(),
        product=text(),
        type=choice("one_time", "recurring"),
        lookup_keys=array(text()),
        recurring=obj(interval=choice(*INTERVALS), meter=text(), usage_type=choice("licensed", "metered")),
        created=time_range(),
    ),
)
def index(unit: Unit, args: Json) -> Json:
    """List prices."""
    filters: list[Filter] = [
        equals(f"$.{name}", args[name]) for name in ("active", "currency", "product", "type") if name in args
    ]
    filters += [equals(f"$.recurring.{name}", value) for name, value in args.get("recurring", {}).items()]
    if "lookup_keys" in args:
        filters.append(one_of("$.lookup_key", args["lookup_keys"]))
    return page(unit, "price", "/v1/prices", args, *filters)


@operation("GET", "/v1/prices/search", params(query=required(text()), limit=integer(1, 100), page=text()))
def find(unit: Unit, args: Json) -> Json:
    """Search prices."""
    fields = frozenset({"active", "currency", "lookup_key", "product", "type"})
    return search(unit, "price", "/v1/prices/search", args, fields)


def as_plan(price: Json) -> Json:
    """The legacy plan that subscription items still carry beside their price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }
