"""Plans, the older name of recurring prices: still made and read, kept as prices."""

from stripe_twin.core.json import Json
from stripe_twin.core.operations import operation
from stripe_twin.core.params import boolean, choice, decimal, first_of, integer, metadata, obj, params, required, text
from stripe_twin.core.unit import Unit
from stripe_twin.resources import prices

_PRODUCT = first_of(obj(name=required(text()), unsupported="active id metadata statement_descriptor"), text())


@operation(
    "POST",
    "/v1/plans",
    params(
        active=boolean(),
        amount=integer(0),
        amount_decimal=decimal(),
        currency=required(prices.currency()),
        interval=required(choice(*prices.INTERVALS)),
        interval_count=integer(1),
        metadata=metadata(),
        nickname=text(),
        product=_PRODUCT,
        trial_period_days=integer(0),
        unsupported="billing_scheme id meter tiers tiers_mode transform_usage usage_type",
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a plan."""
    wanted: Json = {name: args[name] for name in ("active", "currency", "metadata", "nickname") if name in args}
    names = ("interval", "interval_count", "trial_period_days")
    wanted["recurring"] = {name: args[name] for name in names if name in args}
    for old, new in (("amount", "unit_amount"), ("amount_decimal", "unit_amount_decimal")):
        if old in args:
            wanted[new] = args[old]
    if "product" in args:
        wanted["product" if isinstance(args["product"], str) else "product_data"] = args["product"]
    price = prices.make(unit, wanted)
    unit.emit("price.created", price)
    return prices.as_plan(price)


@operation("GET", "/v1/plans/{ident}", params())
def retrieve(unit: Unit, _: Json, ident: str) -> Json:
    """One plan."""
    return prices.as_plan(unit.load("price", ident))
