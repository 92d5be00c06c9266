"""Changing a subscription: another plan, cancelling, taking it back. The provider does it; then we ask and mirror."""

from uuid import UUID

from tollkeeper.billing.customers import get_customer
from tollkeeper.billing.provider import (
    CancelAt,
    Preview,
    PriceAtProvider,
    Subject,
    SubscriptionState,
    lock,
    price_at_provider,
    provider_of,
)
from tollkeeper.billing.subscriptions import (
    NoSubscriptionError,
    Subscription,
    get_subscription,
    list_of_organization,
    meaning,
)
from tollkeeper.infra import Tx
from tollkeeper.rating import Interval

from .checkout import find_offer
from .webhooks import synchronise


async def preview_change(tx: Tx, organization_id: UUID, plan: str, interval: Interval | None) -> Preview:
    """Return what moving to this plan now would cost; changes nothing.

    Raises:
        NoCustomerError, NoSubscriptionError: there is nothing to change.
        PlanNotFoundError, PlanNotPurchasableError: the plan is not for sale.
    """
    state, price = await _change(tx, organization_id, plan, interval)
    return await provider_of(tx.runtime).preview_change(state, price, at=tx.now)


async def change_plan(
    tx: Tx, organization_id: UUID, plan: str, interval: Interval | None, *, idempotency_key: str
) -> Subscription:
    """Move to this plan at once; the difference is charged or credited by the second, or nothing changes.

    Raises:
        PaymentFailedError: the difference could not be collected.
        NoCustomerError, NoSubscriptionError, PlanNotFoundError, PlanNotPurchasableError: as `preview_change`.
    """
    state, price = await _change(tx, organization_id, plan, interval)
    if state.price is None or state.price.provider_id != price.provider_id:
        await provider_of(tx.runtime).change_subscription(state, price, at=tx.now, idempotency_key=idempotency_key)
    return await _mirrored(tx, organization_id, state, cause="change")


async def cancel(tx: Tx, organization_id: UUID, at: CancelAt) -> Subscription:
    """End the subscription now, or when its period ends; a second time changes nothing.

    Raises:
        NoCustomerError, NoSubscriptionError: there is nothing to cancel.
    """
    state = await _live(tx, organization_id)
    if at is CancelAt.NOW or not state.cancel_at_period_end:
        await provider_of(tx.runtime).cancel_subscription(state.id, at)
    return await _mirrored(tx, organization_id, state, cause=f"cancel at {at}")


async def resume(tx: Tx, organization_id: UUID) -> Subscription:
    """Take back a cancellation that has not happened yet; without one nothing changes.

    Raises:
        NoCustomerError, NoSubscriptionError: there is nothing to resume.
    """
    state = await _live(tx, organization_id)
    if state.cancel_at_period_end or state.cancel_at is not None:
        await provider_of(tx.runtime).resume_subscription(state.id)
    return await _mirrored(tx, organization_id, state, cause="resume")


async def _change(
    tx: Tx, organization_id: UUID, plan: str, interval: Interval | None
) -> tuple[SubscriptionState, PriceAtProvider]:
    sold, price = await find_offer(tx, plan, interval)
    state = await _live(tx, organization_id)
    return state, await price_at_provider(tx, sold, price)


async def _live(tx: Tx, organization_id: UUID) -> SubscriptionState:
    """Lock the customer and return its present subscription as the provider has it, not as we last heard."""
    customer = await get_customer(tx, organization_id)
    await lock(tx, Subject(customer_id=customer.provider_id).lock)
    found = await get_subscription(tx, organization_id)
    state = await provider_of(tx.runtime).fetch_subscription(found.provider_id)
    if state is None or meaning(state.status).over:
        raise NoSubscriptionError
    return state


async def _mirrored(tx: Tx, organization_id: UUID, state: SubscriptionState, *, cause: str) -> Subscription:
    await synchronise(tx, Subject(customer_id=state.customer_id, subscription_id=state.id), cause=cause)
    return next(each for each in await list_of_organization(tx, organization_id) if each.provider_id == state.id)
