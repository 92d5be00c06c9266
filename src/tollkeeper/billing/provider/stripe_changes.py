"""Changing what is subscribed to, in Stripe's words."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tollkeeper.kit import Money

from . import stripe_read as read
from .model import CancelAt, Preview, SubscriptionState, Target
from .stripe_errors import errors
from .stripe_offers import code_errors

if TYPE_CHECKING:
    from stripe._v1_services import V1Services  # the SDK exports no public name for it


class StripeChanges:
    """The part of the adapter that changes subscriptions."""

    _api: "V1Services"

    async def cancel_subscription(self, subscription_id: str, at: CancelAt) -> None:
        """See PaymentProvider."""
        with errors():
            if at is CancelAt.NOW:
                await self._api.subscriptions.cancel_async(subscription_id)
            else:
                await self._api.subscriptions.update_async(subscription_id, {"cancel_at_period_end": True})

    async def resume_subscription(self, subscription_id: str) -> None:
        """See PaymentProvider."""
        with errors():
            await self._api.subscriptions.update_async(subscription_id, {"cancel_at_period_end": False})

    async def change_subscription(
        self, subscription: SubscriptionState, target: Target, *, at: datetime, idempotency_key: str
    ) -> None:
        """See PaymentProvider. Nothing changes unless the difference can be paid."""
        change = {**_change(subscription, target, at), **_code(target)}
        wanted: Any = {**change, "payment_behavior": "error_if_incomplete"}
        with errors(), code_errors():
            await self._api.subscriptions.update_async(subscription.id, wanted, {"idempotency_key": idempotency_key})

    async def schedule_change(self, subscription: SubscriptionState, target: Target, *, idempotency_key: str) -> None:
        """See PaymentProvider. A schedule made from the subscription has the running period as its first phase.

        After the second phase the schedule lets go, and the subscription goes on by itself. Phases may name prices on
        sale only, as far as is known even where they say what there is already.
        """
        named = [subscription.price, target.price, *(each.price for each in (*subscription.addons, *target.addons))]
        prices = dict.fromkeys(each.provider_id for each in named if each is not None)
        with errors(), code_errors():
            async with self._on_sale(prices):
                await self._schedule(subscription, target, idempotency_key)

    async def _schedule(self, subscription: SubscriptionState, target: Target, idempotency_key: str) -> None:
        schedule_id = subscription.schedule_id
        if schedule_id is None:
            made = await self._api.subscription_schedules.create_async(
                {"from_subscription": subscription.id}, {"idempotency_key": f"{idempotency_key}-schedule"}
            )
            schedule_id = made.id
        schedule = (await self._api.subscription_schedules.retrieve_async(schedule_id)).to_dict()
        running = read.running_phase(schedule)
        taxed = _taxed(running)
        phases = [
            {**_as_it_is(running), **_standing(subscription), **taxed},
            {**_later(target), **(_code(target) or _standing(subscription)), **taxed},
        ]
        wanted: Any = {"end_behavior": "release", "proration_behavior": "none", "phases": phases}
        await self._api.subscription_schedules.update_async(schedule_id, wanted, {"idempotency_key": idempotency_key})

    @asynccontextmanager
    async def _on_sale(self, prices: Iterable[str]) -> AsyncIterator[None]:
        """Have these prices on sale for the moment, and their products; what was off sale before is again after it."""
        off: list[tuple[Any, str]] = []
        for each in prices:
            price: Any = await self._api.prices.retrieve_async(each, {"expand": ["product"]})
            off += [(self._api.products, price.product.id)] if not price.product.active else []
            off += [(self._api.prices, price.id)] if not price.active else []
        try:
            for kind, ident in off:
                await kind.update_async(ident, {"active": True})
            yield
        finally:
            for kind, ident in reversed(off):
                await kind.update_async(ident, {"active": False})

    async def unschedule_change(self, subscription: SubscriptionState) -> None:
        """See PaymentProvider. A released schedule leaves the subscription as it is now."""
        if subscription.schedule_id is not None:
            with errors():
                await self._api.subscription_schedules.release_async(subscription.schedule_id)

    async def preview_change(self, subscription: SubscriptionState, target: Target, *, at: datetime) -> Preview:
        """See PaymentProvider."""
        wanted: Any = {
            "customer": subscription.customer_id,
            "subscription": subscription.id,
            "subscription_details": _change(subscription, target, at),
            **_code(target),
        }
        with errors(), code_errors():
            made = await self._api.invoices.create_preview_async(wanted)
        found = read.invoice(made.to_dict())
        return Preview(
            at=at,
            due_now=Money(found.amount_due, found.currency),
            balance_after=Money(found.ending_balance or 0, found.currency),
            lines=found.lines,
            subtotal=found.subtotal,
            discount_total=found.discount_total,
            taxes=found.taxes,
            total=found.total,
        )


def _change(subscription: SubscriptionState, target: Target, at: datetime) -> dict[str, Any]:
    """Return the change itself, the same for looking at it and for making it."""
    items = [*_plan_change(subscription, target), *_addon_changes(subscription, target)]
    change = {"items": items, "proration_behavior": "always_invoice", "proration_date": int(at.timestamp())}
    return {**change, "billing_cycle_anchor": {"type": "now"}} if target.restarts else change


def _plan_change(subscription: SubscriptionState, target: Target) -> list[dict[str, Any]]:
    """Return the change of the plan's item; one that stays is not spoken of, since its price may be off sale."""
    price = subscription.price.provider_id if subscription.price else None
    if (price, subscription.quantity) == (target.price.provider_id, target.quantity):
        return []
    return [{"id": str(subscription.item_id), "price": target.price.provider_id, "quantity": target.quantity}]


def _addon_changes(subscription: SubscriptionState, target: Target) -> list[dict[str, Any]]:
    """Return what is added, taken away, or changed beside the plan."""
    standing = {each.id: each for each in subscription.addons}
    changes: list[dict[str, Any]] = []
    for each in target.addons:
        before = standing.get(each.id)
        if before is None:
            changes.append({"price": each.price.provider_id, "quantity": each.quantity})
        elif each.quantity == 0:
            changes.append({"id": each.id, "deleted": True})
        elif before.price.provider_id != each.price.provider_id:
            changes.append({"id": each.id, "price": each.price.provider_id, "quantity": each.quantity})
        elif before.quantity != each.quantity:
            changes.append({"id": each.id, "quantity": each.quantity})
    return changes


def _as_it_is(phase: read.Json) -> dict[str, Any]:
    """Return a phase as it stands, in the words that change it."""
    items = [{"price": read.ident(item["price"]), "quantity": item.get("quantity") or 1} for item in phase["items"]]
    kept = {"trial_end": phase["trial_end"]} if phase.get("trial_end") else {}
    return {"items": items, "start_date": phase["start_date"], "end_date": phase["end_date"], **kept}


def _code(target: Target) -> dict[str, Any]:
    return {"discounts": [{"promotion_code": target.code}]} if target.code else {}


def _standing(subscription: SubscriptionState) -> dict[str, Any]:
    """Return the discount that runs: a phase that does not name it would end it."""
    return {"discounts": [{"discount": subscription.discount.id}]} if subscription.discount else {}


def _taxed(phase: read.Json) -> dict[str, Any]:
    """Return how tax comes onto the subscription now: a phase that does not say it would end it."""
    rates = [read.ident(each) for each in phase.get("default_tax_rates") or ()]
    kept: dict[str, Any] = {"default_tax_rates": rates} if rates else {}
    switched_on = (phase.get("automatic_tax") or {}).get("enabled", False)
    return {**kept, "automatic_tax": {"enabled": True}} if switched_on else kept


def _later(target: Target) -> dict[str, Any]:
    return {
        "items": [
            {"price": target.price.provider_id, "quantity": target.quantity},
            *({"price": each.price.provider_id, "quantity": each.quantity} for each in target.addons if each.quantity),
        ],
        "duration": {"interval": target.interval.value, "interval_count": 1},
        "proration_behavior": "none",
    }
