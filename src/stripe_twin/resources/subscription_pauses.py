"""Pausing and resuming a subscription as a whole; `pause_collection`, which only stops the asking, is not this."""

from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.operations import operation
from stripe_twin.core.params import choice, integer, obj, params, required
from stripe_twin.core.unit import Unit
from stripe_twin.resources import invoicing
from stripe_twin.resources.invoicing import Outcome
from stripe_twin.resources.subscribing import bill, items_of
from stripe_twin.resources.subscription_changes import Terms, change, pay_now, prorate
from stripe_twin.resources.subscriptions import BEHAVIOR


@operation(
    "POST",
    "/v1/subscriptions/{ident}/pause",
    params(
        bill_for=obj(
            unused_time_from=obj(type=required(choice("none", "now"))),
            outstanding_usage_through=obj(type=required(choice("none"))),
        ),
        invoicing_behavior=choice("invoice", "pending_invoice_item"),
        type=choice("subscription"),
    ),
)
def pause(unit: Unit, args: Json, ident: str) -> Json:
    """Let an active subscription rest; its unused time is credited when asked."""
    subscription = unit.load("subscription", ident)
    if subscription["status"] not in ("active", "trialing"):
        raise invalid(f"Only an active subscription can be paused; this one is {subscription['status']}.")
    before = unit.render(subscription)
    if args.get("bill_for", {}).get("unused_time_from", {}).get("type") == "now":
        for item in items_of(unit, subscription):
            price = unit.load("price", item["_price"])
            prorate(unit, subscription, item, price, moment=unit.now, credit=True)
    subscription["status"] = "paused"
    unit.updated("customer.subscription.updated", subscription, before)
    unit.emit("customer.subscription.paused", subscription)
    lines = (
        invoicing.sweep(unit, subscription["customer"], ident) if args.get("invoicing_behavior") == "invoice" else []
    )
    if lines:
        pay_now(unit, subscription, bill(unit, subscription, lines, "subscription_update"), Terms(off_session=True))
    return unit.render(unit.load("subscription", ident))


@operation(
    "POST",
    "/v1/subscriptions/{ident}/resume",
    params(
        billing_cycle_anchor=obj(type=required(choice("now", "unchanged"))),
        payment_behavior=choice("resume_on_payment_attempt", "resume_on_payment_success"),
        proration_behavior=BEHAVIOR,
        proration_date=integer(0),
    ),
)
def resume(unit: Unit, args: Json, ident: str) -> Json:
    """Wake a paused subscription: once its invoice is paid, or with the attempt when asked."""
    subscription = unit.load("subscription", ident)
    if subscription["status"] != "paused":
        raise invalid(f"Only a paused subscription can be resumed; this one is {subscription['status']}.")
    before = unit.render(subscription)
    restart = args.get("billing_cycle_anchor", {"type": "now"})["type"] == "now"
    terms = Terms(behavior="none" if restart else args.get("proration_behavior", "create_prorations"), restart=restart)
    draft = change(unit, subscription, [], terms)
    subscription["_resumes_with"] = draft["id"] if draft else None
    unit.save(subscription)
    if draft:
        pay_now(unit, subscription, draft, terms)
    subscription = unit.load("subscription", ident)
    if subscription["status"] == "paused" and (
        draft is None or args.get("payment_behavior") == "resume_on_payment_attempt"
    ):
        _wake(unit, subscription, before)
    return unit.render(subscription)


def _wake(unit: Unit, subscription: Json, before: Json) -> None:
    subscription.update(status="active", _resumes_with=None)
    unit.updated("customer.subscription.updated", subscription, before)
    unit.emit("customer.subscription.resumed", subscription)


def _follow(unit: Unit, invoice: Json, outcome: Outcome) -> None:
    subscription = unit.store.get(invoicing.subscription_of(invoice) or "", "subscription")
    if outcome == "paid" and subscription and subscription.get("_resumes_with") == invoice["id"]:
        _wake(unit, subscription, unit.render(subscription))


invoicing.FOLLOWERS.append(_follow)
