"""Changes that wait for their payment: `payment_behavior=pending_if_incomplete`."""

from stripe_twin.core.json import Json
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import invoicing
from stripe_twin.resources.invoicing import Outcome
from stripe_twin.resources.subscribing import INCOMPLETE_SECONDS, items_of
from stripe_twin.resources.subscription_changes import Terms, change, pay_now

_MOVED = ("billing_cycle_anchor", "_period_end", "_upcoming_at", "cancel_at")


def try_change(unit: Unit, subscription: Json, wanted: list[Json], terms: Terms, before: Json) -> Json:
    """Change and collect; what is not paid at once is taken back and waits as `pending_update`. The result."""
    old_items = items_of(unit, subscription)
    old = {name: subscription[name] for name in _MOVED}
    draft = change(unit, subscription, wanted, terms)
    if draft is None:
        unit.updated("customer.subscription.updated", subscription, before)
        return subscription
    new = {name: subscription[name] for name in _MOVED}
    new_items = items_of(unit, subscription)
    pay_now(unit, subscription, draft, terms)
    subscription = unit.load("subscription", subscription["id"])
    if unit.load("invoice", draft["id"])["status"] == "paid":
        unit.updated("customer.subscription.updated", subscription, before)
        return subscription
    _put(unit, subscription, old_items)
    subscription.update(
        **old,
        status=before["status"],
        pending_update={
            "billing_cycle_anchor": new["billing_cycle_anchor"] if terms.restart else None,
            "cancel_at_period_end": None,
            "discount": None,
            "discounts": None,
            "expires_at": unit.now + INCOMPLETE_SECONDS,
            "metadata": None,
            "subscription_items": [unit.render(item) for item in new_items],
            "trial_end": None,
            "trial_from_plan": None,
        },
        _pending={"items": new_items, "fields": new, "invoice": draft["id"]},
    )
    unit.updated("customer.subscription.updated", subscription, before)
    return subscription


def _put(unit: Unit, subscription: Json, items: list[Json]) -> None:
    """Exactly these items."""
    kept = {item["id"] for item in items}
    for item in items_of(unit, subscription):
        if item["id"] not in kept:
            unit.store.remove(item["id"])
    for item in items:
        unit.save(item)


def expire(unit: Unit, subscription: Json) -> None:
    """Nobody paid in time: the change is forgotten and its invoice void."""
    before = unit.render(subscription)
    invoice = unit.load("invoice", subscription.pop("_pending")["invoice"])
    subscription["pending_update"] = None
    unit.updated("customer.subscription.updated", subscription, before)
    unit.emit("customer.subscription.pending_update_expired", subscription)
    if invoice["status"] == "open":
        invoicing.close(unit, invoice, "void")


def _follow(unit: Unit, invoice: Json, outcome: Outcome) -> None:
    """The invoice of a waiting change was paid (the change is made) or voided (it is forgotten)."""
    if outcome not in ("paid", "voided"):
        return
    for subscription in unit.find("subscription", equals("$._pending.invoice", invoice["id"])):
        before = unit.render(subscription)
        pending = subscription.pop("_pending")
        subscription["pending_update"] = None
        if outcome == "paid":
            subscription.update(pending["fields"])
            _put(unit, subscription, pending["items"])
        unit.updated("customer.subscription.updated", subscription, before)
        if outcome == "paid":
            unit.emit("customer.subscription.pending_update_applied", subscription)


invoicing.FOLLOWERS.append(_follow)
