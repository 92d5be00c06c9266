"""Changing a subscription: another plan, cancelling, taking it back. The provider does it; then we ask and mirror."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.billing.customers import get_customer
from tollkeeper.billing.flows.model import (
    Change,
    ChangeAt,
    ChangeToComeError,
    NoInvoiceToComeError,
    PreviewedChange,
)
from tollkeeper.billing.flows.rules import Level, counted_from, when
from tollkeeper.billing.provider import (
    CancelAt,
    Preview,
    Subject,
    SubscriptionState,
    Target,
    lock,
    plan_price_of,
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
from tollkeeper.catalog import load_catalogue
from tollkeeper.infra import Tx
from tollkeeper.kit import Money

from .beside import carried, changes_nothing, is_same_plan, look_beside
from .checkout import find_offer
from .running import must_owe_nothing, must_run
from .scheduling import schedule
from .selling import code_for, currency_of
from .webhooks import synchronise


async def preview_change(tx: Tx, organization_id: UUID, change: Change) -> PreviewedChange:
    """Return what a change would cost and when it would take effect; changes nothing.

    Raises:
        NoCustomerError, NoSubscriptionError: there is nothing to change.
        PlanNotFoundError, PlanNotPurchasableError: the plan is not for sale, or not in the customer's currency.
        PromotionCodeError: the code cannot be used for it.
        SubscriptionPausedError, PeriodUnpaidError: what it is now is not paid for.
        NoInvoiceToComeError: it is to come when the period ends, and the subscription ends then.
        ChangeToComeError: only the discount would be another, and something else is to come when the period ends.
        InvalidInputError: `as_of` is no moment of a preview.
    """
    plan = await _plan(tx, organization_id, change)
    nothing = costs_nothing(plan.state, plan.currency, at=plan.as_of)
    if plan.stays and plan.target.code:
        coming = await provider_of(tx.runtime).preview_next(plan.state, plan.target.code, at=plan.as_of)
        return PreviewedChange(plan.at, plan.state.period_end or plan.as_of, nothing, coming)
    if plan.at is ChangeAt.NOW:
        cost = await provider_of(tx.runtime).preview_change(plan.state, plan.target, at=plan.as_of)
        if plan.state.status == "trialing":  # a change costs nothing then; what was looked at is what follows the trial
            return PreviewedChange(plan.at, plan.as_of, nothing, cost)
        return PreviewedChange(plan.at, plan.as_of, cost)
    return PreviewedChange(plan.at, plan.state.period_end or plan.as_of, nothing)


async def change_plan(tx: Tx, organization_id: UUID, change: Change, *, idempotency_key: str) -> Subscription:
    """Change plan, interval or seats: at once, the difference charged or credited by the second, or nothing changes;
    or when the period ends. What was to come at the period's end before is forgotten.

    Add-ons go along by the new interval; those that do not go with the plan are dropped, and fewer units of one that
    were to come at the period's end come with the change. What was paid for them is credited as the plan's is.
    Where only the discount becomes another, the code lowers the invoices from the next one on.

    Raises:
        PaymentFailedError: the difference could not be collected.
        NoCustomerError, NoSubscriptionError, PlanNotFoundError, PlanNotPurchasableError, PromotionCodeError,
        SubscriptionPausedError, PeriodUnpaidError, NoInvoiceToComeError, ChangeToComeError, InvalidInputError: as
            `preview_change`.
    """
    provider = provider_of(tx.runtime)
    plan = await _plan(tx, organization_id, change)
    if plan.stays and plan.target.code:
        await provider.set_discount(plan.state.id, plan.target.code, idempotency_key=idempotency_key)
    elif plan.stays:
        await provider.unschedule_change(plan.state)
    elif plan.at is ChangeAt.PERIOD_END:
        await schedule(tx, plan.state, plan.target, idempotency_key=idempotency_key)
    else:
        await provider.unschedule_change(plan.state)
        await provider.change_subscription(plan.state, plan.target, at=plan.as_of, idempotency_key=idempotency_key)
    return await mirrored(tx, organization_id, plan.state, cause=f"change at {plan.at}")


async def cancel_change(tx: Tx, organization_id: UUID) -> Subscription:
    """Forget what was to come at the period's end; without such a thing nothing changes.

    Raises:
        NoCustomerError, NoSubscriptionError: there is no subscription.
    """
    state = await live_subscription(tx, organization_id)
    await provider_of(tx.runtime).unschedule_change(state)
    return await mirrored(tx, organization_id, state, cause="change taken back")


async def cancel(tx: Tx, organization_id: UUID, at: CancelAt) -> Subscription:
    """End the subscription now, or when its period ends; a second time changes nothing.

    Raises:
        NoCustomerError, NoSubscriptionError: there is nothing to cancel.
    """
    state = await live_subscription(tx, organization_id)
    if at is CancelAt.NOW or not state.cancel_at_period_end:
        await provider_of(tx.runtime).unschedule_change(state)
        await provider_of(tx.runtime).cancel_subscription(state.id, at)
    return await mirrored(tx, organization_id, state, cause=f"cancel at {at}")


async def resume(tx: Tx, organization_id: UUID) -> Subscription:
    """Take back a cancellation that has not happened yet; without one nothing changes.

    Raises:
        NoCustomerError, NoSubscriptionError: there is nothing to resume.
    """
    state = await live_subscription(tx, organization_id)
    if state.cancel_at_period_end or state.cancel_at is not None:
        await provider_of(tx.runtime).resume_subscription(state.id)
    return await mirrored(tx, organization_id, state, cause="resume")


@dataclass(frozen=True, slots=True)
class _Plan:
    """A change with everything decided."""

    state: SubscriptionState
    target: Target
    at: ChangeAt
    as_of: datetime
    currency: str

    @property
    def stays(self) -> bool:
        """Whether the subscription is all of it already, the discount aside."""
        return changes_nothing(self.state, self.target)


async def _plan(tx: Tx, organization_id: UUID, change: Change) -> _Plan:
    """Lock the subscription and decide what it becomes, and when."""
    state = await live_subscription(tx, organization_id)
    await must_run(tx, organization_id, state)
    present = await plan_price_of(tx, state.price) if state.price else None
    key = change.plan or (present.plan if present else "")
    interval = change.interval or (present.interval if present else None)
    sold, price = await find_offer(tx, key, interval, await currency_of(tx, state))
    plans = (await load_catalogue(tx)).plans
    quantity = change.quantity or state.quantity
    after = Level(sold.position, price.interval, quantity)
    before = Level(plans[present.plan].position, present.interval, state.quantity) if present else after
    beside = await look_beside(tx, state)
    target = Target(
        await price_at_provider(tx, sold, price),
        quantity,
        price.interval,
        # A trial goes on as it is; its end begins a cycle anyway.
        restarts=before.interval != after.interval and state.status != "trialing",
        addons=await carried(tx, beside, sold, price, beside.later()),
        code=await code_for(tx, change.promotion_code, price, quantity=quantity) if change.promotion_code else None,
    )
    as_of = counted_from(change.as_of, period_start=state.period_start, now=tx.now)
    # What stays as it is costs nothing, and add-ons that were to become fewer still do so when the period ends.
    at = ChangeAt.PERIOD_END if is_same_plan(state, target) else change.at or when(before, after)
    plan = _Plan(state, target, at, as_of, price.money.currency)
    if plan.stays and target.code:
        refuse_discount(state)
    if plan.at is ChangeAt.NOW:
        must_owe_nothing(state)
    elif not plan.stays and state.cancel_at_period_end:
        raise NoInvoiceToComeError
    return plan


def refuse_discount(state: SubscriptionState) -> None:
    """Refuse another discount where a change to come would lose it, or no invoice comes that it could lower.

    Raises:
        ChangeToComeError, NoInvoiceToComeError: so it is.
    """
    if state.pending is not None:
        raise ChangeToComeError
    if state.cancel_at_period_end:
        raise NoInvoiceToComeError


def costs_nothing(state: SubscriptionState, currency: str, *, at: datetime) -> Preview:
    """Return the preview of what is not charged; `at` as in `Preview`."""
    balance = state.customer.balance if state.customer else 0
    return Preview(at, Money(0, currency), Money(balance, currency), ())


async def live_subscription(tx: Tx, organization_id: UUID) -> SubscriptionState:
    """Lock the customer and return its present subscription as the provider has it, not as we last heard.

    Raises:
        NoCustomerError, NoSubscriptionError: there is none.
    """
    customer = await get_customer(tx, organization_id)
    await lock(tx, Subject(customer_id=customer.provider_id).lock)
    found = await get_subscription(tx, organization_id)
    state = await provider_of(tx.runtime).fetch_subscription(found.provider_id)
    if state is None or meaning(state.status).over:
        raise NoSubscriptionError
    return state


async def mirrored(tx: Tx, organization_id: UUID, state: SubscriptionState, *, cause: str) -> Subscription:
    """Mirror the subscription as the provider has it now, and return it; what was ordered (`cause`) is recorded."""
    await synchronise(tx, Subject(customer_id=state.customer_id, subscription_id=state.id), cause=cause)
    found = next(each for each in await list_of_organization(tx, organization_id) if each.provider_id == state.id)
    await tx.record(
        "subscription.ordered",
        target=("subscription", found.id),
        organization_id=organization_id,
        after={"order": cause},
    )
    return found
