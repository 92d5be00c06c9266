"""Subscription items: one price and its quantity, with the period it is in. Changes go through the subscription."""

from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    boolean,
    integer,
    metadata,
    page_params,
    params,
    pick,
    required,
    text,
)
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import prices, tax_rates
from stripe_twin.resources.subscribing import items_of
from stripe_twin.resources.subscription_changes import Terms, change, pay_now
from stripe_twin.resources.subscriptions import BEHAVIOR, PAYMENT


def _compose(unit: Unit, item: Json) -> Json:
    price = unit.load("price", item["_price"])
    rates = tax_rates.shown(unit, item.get("_tax_rates", []))
    shown = {**item, "plan": prices.as_plan(price), "price": unit.render(price), "tax_rates": rates}
    if item["quantity"] is None:
        del shown["quantity"]
    return shown


register(Kind("subscription_item", "subscription_item", compose=_compose))

_UNSUPPORTED = "billing_thresholds current_trial discounts price_data tax_rates"
_BILLING = {"proration_behavior": BEHAVIOR, "payment_behavior": PAYMENT, "proration_date": integer(0)}


def _apply(unit: Unit, subscription: Json, entry: Json, args: Json) -> None:
    before = unit.render(subscription)
    terms = Terms(
        behavior=args.get("proration_behavior", "create_prorations"),
        payment=args.get("payment_behavior", "allow_incomplete"),
        moment=args.get("proration_date"),
    )
    draft = change(unit, subscription, [entry], terms)
    unit.updated("customer.subscription.updated", subscription, before)
    if draft:
        pay_now(unit, subscription, draft, terms)


@operation(
    "POST",
    "/v1/subscription_items",
    params(
        subscription=required(text()),
        price=text(),
        plan=text(),
        quantity=integer(0),
        metadata=metadata(),
        unsupported=_UNSUPPORTED,
        **_BILLING,
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Add an item to a subscription."""
    subscription = unit.load("subscription", args["subscription"], "subscription")
    _apply(unit, subscription, _entry(args), args)
    return unit.render(items_of(unit, subscription)[-1])


def _entry(args: Json) -> Json:
    entry = pick(args, "price", "quantity", "metadata")
    if "plan" in args:
        entry["price"] = args["plan"]
    return entry


retrieval("subscription_item", "/v1/subscription_items/{ident}", params())


@operation(
    "POST",
    "/v1/subscription_items/{ident}",
    params(
        price=text(),
        plan=text(),
        quantity=integer(0),
        metadata=metadata(),
        off_session=boolean(),
        unsupported=_UNSUPPORTED,
        **_BILLING,
    ),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change the price or quantity of an item."""
    item = unit.load("subscription_item", ident)
    _apply(unit, unit.load("subscription", item["subscription"]), {"id": ident, **_entry(args)}, args)
    return unit.render(unit.load("subscription_item", ident))


@operation("DELETE", "/v1/subscription_items/{ident}", params(clear_usage=boolean(), unsupported="", **_BILLING))
def delete(unit: Unit, args: Json, ident: str) -> Json:
    """Take an item off its subscription."""
    item = unit.load("subscription_item", ident)
    _apply(unit, unit.load("subscription", item["subscription"]), {"id": ident, "deleted": True}, args)
    return {"id": ident, "object": "subscription_item", "deleted": True}


@operation("GET", "/v1/subscription_items", page_params(subscription=required(text())))
def index(unit: Unit, args: Json) -> Json:
    """List the items of a subscription."""
    unit.load("subscription", args["subscription"], "subscription")
    return page(
        unit, "subscription_item", "/v1/subscription_items", args, equals("$.subscription", args["subscription"])
    )
