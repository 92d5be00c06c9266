"""What a billing page shows at a glance."""

from datetime import datetime
from uuid import UUID

from tollkeeper.billing.customers import find_customer
from tollkeeper.billing.flows.model import NextInvoice, Overview, UsageReport
from tollkeeper.billing.overage import so_far
from tollkeeper.billing.subscriptions import Subscription, meaning, status
from tollkeeper.catalog import list_addon_prices, list_prices, load_catalogue
from tollkeeper.infra import Tx
from tollkeeper.kit import Money

from .standing import payment_standing


async def overview(tx: Tx, organization_id: UUID, *, created_at: datetime) -> Overview:
    """Return plan, next charge, balance, payment method and usage, all from our own mirror.

    `created_at` is when the organization was made, as for `status`.
    """
    now = await status(tx, organization_id, created_at=created_at)
    report: UsageReport | None = tx.runtime.parts.get(UsageReport)
    return Overview(
        status=now,
        payment=await payment_standing(tx, now.subscription),
        plan_name=(await load_catalogue(tx)).plans[now.plan].name,
        customer=await find_customer(tx, organization_id),
        next_invoice=await _next_invoice(tx, now.subscription),
        usage=await report(tx, organization_id) if report else [],
    )


async def _next_invoice(tx: Tx, subscription: Subscription | None) -> NextInvoice | None:
    """Return what comes when the period ends; of a subscription that ends then, only what was used beyond limits."""
    if subscription is None or not meaning(subscription.status).grants or subscription.current_period_end is None:
        return None
    usage = tuple(await so_far(tx, subscription))
    ahead = None if subscription.cancel_at_period_end else await _paid_ahead(tx, subscription)
    amounts = [*([ahead] if ahead else []), *(each.money for each in usage)]
    if not amounts:
        return None
    amount = Money(sum(each.amount for each in amounts), amounts[0].currency)
    return NextInvoice(subscription.current_period_end, amount, usage)


async def _paid_ahead(tx: Tx, subscription: Subscription) -> Money | None:
    """Return what the next period costs; None when it was sold at a price that is none of ours."""
    pending = subscription.pending
    bought, seats = (pending.price_id, pending.quantity) if pending else (subscription.price_id, subscription.quantity)
    price = next((each for each in await list_prices(tx) if each.id == bought), None)
    if price is None:
        return None
    return Money(price.money.amount * seats + await _beside(tx, subscription), price.money.currency)


async def _beside(tx: Tx, subscription: Subscription) -> int:
    """Return what the add-ons of the next period cost, in minor units of the subscription's currency."""
    if not subscription.addons:
        return 0
    amounts = {price.id: price.money.amount for price in await list_addon_prices(tx)}
    units = {
        each.price_id: (each.pending_quantity or 0) if subscription.pending else each.quantity
        for each in subscription.addons
    }
    return sum(amounts[price_id] * quantity for price_id, quantity in units.items())
