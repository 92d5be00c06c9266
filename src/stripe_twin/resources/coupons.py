"""Coupons: what is taken off, for how long, how often. Promotion codes, which buyers type in, lead to them."""

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    array,
    boolean,
    choice,
    decimal,
    integer,
    keyed,
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
from stripe_twin.resources.prices import currency


def usable(unit: Unit, coupon: Json) -> bool:
    """Whether it can still be redeemed."""
    late = coupon["redeem_by"] is not None and coupon["redeem_by"] <= unit.now
    spent = coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]
    return not (late or spent or coupon.get("_deleted"))


def amount_in(coupon: Json, currency: str | None) -> int | None:
    """What a coupon of a fixed amount takes off in a currency; None for one that takes a share."""
    option = coupon.get("_options", {}).get(currency)
    amount: int | None = option["amount_off"] if option else coupon["amount_off"]
    return amount


def _applies_to(_: Unit, coupon: Json) -> Json | None:
    products = coupon.get("_products")
    return {"products": products} if products is not None else None


def _compose_code(unit: Unit, code: Json) -> Json:
    coupon = unit.load("coupon", code["promotion"]["coupon"])
    return {**code, "active": code["active"] and still_good(unit, code) and usable(unit, coupon)}


def still_good(unit: Unit, code: Json) -> bool:
    """Whether the code itself has neither expired nor been used up."""
    late = code["expires_at"] is not None and code["expires_at"] <= unit.now
    spent = code["max_redemptions"] is not None and code["times_redeemed"] >= code["max_redemptions"]
    return not (late or spent)


register(
    Kind(
        "coupon",
        "coupon",
        compose=lambda unit, coupon: {**coupon, "valid": usable(unit, coupon)},
        includable={"applies_to": _applies_to, "currency_options": lambda _, coupon: coupon.get("_options", {})},
    )
)
register(Kind("promotion_code", "promotion code", compose=_compose_code))


@operation(
    "POST",
    "/v1/coupons",
    params(
        id=text(200),
        amount_off=integer(1),
        applies_to=obj(products=array(text())),
        currency=currency(),
        duration=choice("forever", "once", "repeating"),
        duration_in_months=integer(1, 120),
        max_redemptions=integer(1),
        metadata=metadata(),
        name=text(40),
        percent_off=decimal(),
        redeem_by=integer(0),
        currency_options=keyed(obj(amount_off=required(integer(1)))),
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a coupon."""
    _check(unit, args)
    products = args.get("applies_to", {}).get("products")
    for product in products or []:
        unit.load("product", product, "applies_to[products]")
    coupon = unit.save(
        {
            "id": args.get("id") or ids.token(8),
            "object": "coupon",
            "amount_off": args.get("amount_off"),
            "created": unit.now,
            "currency": args["currency"] if "amount_off" in args else None,
            "duration": args.get("duration", "once"),
            "duration_in_months": args.get("duration_in_months"),
            "livemode": False,
            "max_redemptions": args.get("max_redemptions"),
            "metadata": merge_metadata({}, args.get("metadata")),
            "name": args.get("name"),
            "percent_off": float(args["percent_off"]) if "percent_off" in args else None,
            "redeem_by": args.get("redeem_by"),
            "times_redeemed": 0,
            "valid": True,
            "_products": products,
            "_options": args.get("currency_options", {}),
        }
    )
    unit.emit("coupon.created", coupon)
    return unit.render(coupon)


def _check(unit: Unit, args: Json) -> None:
    if ("percent_off" in args) == ("amount_off" in args):
        raise invalid("You must pass exactly one of `percent_off` or `amount_off`.", param="percent_off")
    if "percent_off" in args and not 0 < float(args["percent_off"]) <= 100:
        raise invalid("Invalid percent_off: must be greater than 0 and at most 100", param="percent_off")
    if "amount_off" in args and "currency" not in args:
        raise invalid("Missing required param: currency.", param="currency", code="parameter_missing")
    if "currency_options" in args and "amount_off" not in args:
        raise invalid("`currency_options` go with `amount_off` only.", param="currency_options")
    if (args.get("duration") == "repeating") != ("duration_in_months" in args):
        raise invalid("`duration_in_months` goes with `duration` `repeating`, and only there.", param="duration")
    if args.get("redeem_by") is not None and args["redeem_by"] <= unit.now:
        raise invalid("`redeem_by` must be in the future.", param="redeem_by")
    if "id" in args and unit.store.get(args["id"]) is not None:
        raise invalid("Coupon already exists.", param="id", code="resource_already_exists")


@operation("GET", "/v1/coupons/{ident}", params())
def retrieve(unit: Unit, _: Json, ident: str) -> Json:
    """One coupon."""
    return unit.render(live(unit, ident, "id"))


def live(unit: Unit, ident: str, param: str) -> Json:
    """The coupon, if it was not deleted."""
    coupon = unit.load("coupon", ident, param)
    if coupon.get("_deleted"):
        raise invalid(f"No such coupon: '{ident}'", param=param, code="resource_missing", status=404)
    return coupon


@operation("POST", "/v1/coupons/{ident}", params(metadata=metadata(), name=text(40), unsupported="currency_options"))
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change the name or metadata of a coupon."""
    coupon = live(unit, ident, "id")
    before = unit.render(coupon)
    if "metadata" in args:
        args["metadata"] = merge_metadata(coupon["metadata"], args["metadata"])
    coupon.update(args)
    unit.updated("coupon.updated", coupon, before)
    return unit.render(coupon)


@operation("DELETE", "/v1/coupons/{ident}", params())
def delete(unit: Unit, _: Json, ident: str) -> Json:
    """Delete a coupon; who has it keeps it."""
    coupon = live(unit, ident, "id")
    coupon["_deleted"] = True
    unit.save(coupon)
    unit.emit("coupon.deleted", coupon)
    return {"id": ident, "object": "coupon", "deleted": True}


@operation("GET", "/v1/coupons", page_params(created=time_range()))
def index(unit: Unit, args: Json) -> Json:
    """List coupons."""
    return page(unit, "coupon", "/v1/coupons", args, Filter("body ->> '$._deleted' is null", ()))


# promotion codes

_RESTRICTIONS = obj(
    first_time_transaction=boolean(),
    minimum_amount=integer(1),
    minimum_amount_currency=currency(),
    currency_options=keyed(obj(minimum_amount=required(integer(1)))),
)


@operation(
    "POST",
    "/v1/promotion_codes",
    params(
        promotion=required(obj(type=required(choice("coupon")), coupon=required(text()))),
        active=boolean(),
        code=text(500),
        customer=text(),
        expires_at=integer(0),
        max_redemptions=integer(1),
        metadata=metadata(),
        restrictions=_RESTRICTIONS,
        unsupported="customer_account",
    ),
)
def create_code(unit: Unit, args: Json) -> Json:
    """Make a code for a coupon."""
    coupon = live(unit, args["promotion"]["coupon"], "promotion[coupon]")
    if "customer" in args:
        unit.load("customer", args["customer"], "customer")
    word = args.get("code") or ids.token(8).upper()
    if any(other["code"].lower() == word.lower() and unit.render(other)["active"] for other in _codes(unit)):
        raise invalid("An active promotion code with `code: " + word + "` already exists.", param="code")
    restrictions = {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None}
    told = dict(args.get("restrictions", {}))
    options = told.pop("currency_options", {})
    code = unit.save(
        {
            "id": ids.long("promo"),
            "object": "promotion_code",
            "active": args.get("active", True),
            "code": word,
            "created": unit.now,
            "customer": args.get("customer"),
            "customer_account": None,
            "expires_at": args.get("expires_at"),
            "livemode": False,
            "max_redemptions": args.get("max_redemptions"),
            "metadata": merge_metadata({}, args.get("metadata")),
            "promotion": {"coupon": coupon["id"], "type": "coupon"},
            "restrictions": {**restrictions, **told},
            "times_redeemed": 0,
            "_options": options,
        }
    )
    unit.emit("promotion_code.created", code)
    return unit.render(code)


def _codes(unit: Unit) -> list[Json]:
    return unit.find("promotion_code", equals("$.active", True))


retrieval("promotion_code", "/v1/promotion_codes/{ident}", params())


@operation(
    "POST",
    "/v1/promotion_codes/{ident}",
    params(active=boolean(), metadata=unsettable(metadata()), unsupported="restrictions"),
)
def update_code(unit: Unit, args: Json, ident: str) -> Json:
    """Switch a code on or off, or change its metadata."""
    code = unit.load("promotion_code", ident)
    before = unit.render(code)
    if "metadata" in args:
        args["metadata"] = merge_metadata(code["metadata"], args["metadata"])
    code.update(args)
    unit.updated("promotion_code.updated", code, before)
    return unit.render(code)


@operation(
    "GET",
    "/v1/promotion_codes",
    page_params(active=boolean(), code=text(), coupon=text(), customer=text(), created=time_range()),
)
def codes(unit: Unit, args: Json) -> Json:
    """List codes."""
    filters = [equals(f"$.{name}", args[name]) for name in ("active", "customer") if name in args]
    if "coupon" in args:
        filters.append(equals("$.promotion.coupon", args["coupon"]))
    if "code" in args:
        filters.append(Filter("lower(body ->> '$.code') = ?", (args["code"].lower(),)))
    return page(unit, "promotion_code", "/v1/promotion_codes", args, *filters)
