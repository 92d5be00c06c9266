"""Finding subscriptions: the list with its filters, and the search."""

from stripe_twin.core.json import Json
from stripe_twin.core.lists import page, search
from stripe_twin.core.operations import operation
from stripe_twin.core.params import choice, integer, page_params, params, required, text, time_range
from stripe_twin.core.store import Filter, equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources.customers import NO_CLOCK


@operation(
    "GET",
    "/v1/subscriptions",
    page_params(
        customer=text(),
        price=text(),
        plan=text(),
        status=choice(
            "active",
            "all",
            "canceled",
            "ended",
            "incomplete",
            "incomplete_expired",
            "past_due",
            "paused",
            "trialing",
            "unpaid",
        ),
        collection_method=choice("charge_automatically", "send_invoice"),
        created=time_range(),
        current_period_end=time_range(),
        current_period_start=time_range(),
        test_clock=text(),
        unsupported="automatic_tax customer_account",
    ),
)
def index(unit: Unit, args: Json) -> Json:
    """List subscriptions; canceled ones only when asked for."""
    filters = [equals(f"$.{name}", args[name]) for name in ("customer", "collection_method") if name in args]
    filters.append(_with_status(args.get("status")))
    if "test_clock" in args:
        filters.append(equals("$.test_clock", args["test_clock"]))
    elif "customer" not in args:
        filters.append(NO_CLOCK)
    price = args.get("price") or args.get("plan")
    if price:
        filters.append(_with_items("i.body ->> '$._price' = ?", (price,)))
    for name in ("current_period_end", "current_period_start"):
        for sign, value in args.get(name, {}).items():
            compare = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[sign]
            filters.append(_with_items(f"i.body ->> '$.{name}' {compare} ?", (value,)))
    return page(unit, "subscription", "/v1/subscriptions", args, *filters)


def _with_items(condition: str, args: tuple[str | int, ...]) -> Filter:
    inner = "select 1 from objects i where i.kind = 'subscription_item' and i.body ->> '$.subscription' = objects.id"
    return Filter(f"exists ({inner} and {condition})", args)


def _with_status(status: str | None) -> Filter:
    if status is None:
        return Filter("body ->> '$.status' != 'canceled'", ())
    if status == "all":
        return Filter("true", ())
    if status == "ended":
        return Filter("body ->> '$.status' in ('canceled', 'incomplete_expired')", ())
    return equals("$.status", status)


@operation("GET", "/v1/subscriptions/search", params(query=required(text()), limit=integer(1, 100), page=text()))
def find(unit: Unit, args: Json) -> Json:
    """Search subscriptions."""
    return search(unit, "subscription", "/v1/subscriptions/search", args, frozenset({"status", "customer"}))
