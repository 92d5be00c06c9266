"""Trials, and periods made longer by one: ended early, extended by the operator, and waking up what rests since."""

from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.billing.flows.model import NotExtendableError, NoTrialError, PaymentMethodNeededError
from tollkeeper.billing.provider import PaymentFailedError, SubscriptionState, provider_of
from tollkeeper.billing.subscriptions import Subscription, get_subscription
from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, InvalidInputError

from .changes import live_subscription, mirrored

MAX_TRIAL = timedelta(days=730)


async def end_trial(tx: Tx, organization_id: UUID, *, idempotency_key: str) -> Subscription:
    """End the trial now: the first period is collected, and begins.

    Raises:
        NoTrialError: no trial runs.
        PaymentMethodNeededError: there is no way to collect it; without one the plan would be lost.
        PaymentFailedError: it could not be collected; the trial goes on.
        NoCustomerError, NoSubscriptionError: nothing was bought.
    """
    state = await live_subscription(tx, organization_id)
    if not _in_trial(state):
        raise NoTrialError
    must_be_payable(state)
    await provider_of(tx.runtime).end_trial(state.id, idempotency_key=idempotency_key)
    return await mirrored(tx, organization_id, state, cause="trial ended early")


async def extend_trial(tx: Tx, organization_id: UUID, until: datetime, *, idempotency_key: str) -> Subscription:
    """Have the running trial end later.

    Raises:
        NoTrialError: no trial runs.
        InvalidInputError: `until` is not after the present end, or more than two years away.
        NoCustomerError, NoSubscriptionError: nothing was bought.
    """
    state = await live_subscription(tx, organization_id)
    if not _in_trial(state) or state.trial_end is None:
        raise NoTrialError
    _must_be_later(tx, state.trial_end, until)
    await provider_of(tx.runtime).extend_trial(state.id, until, idempotency_key=idempotency_key)
    return await mirrored(tx, organization_id, state, cause="trial extended")


async def extend_period(
    tx: Tx, organization_id: UUID, until: datetime, *, reason: str, idempotency_key: str
) -> Subscription:
    """Have the period that is paid end later, for nothing; the next one is paid from then on, and counts from there.

    The provider knows this as a trial until then, and so does the subscription's status; `extended_until` tells what it
    is, and it is announced to nobody as a trial that ends. It can be made longer again. When the period ends then
    already, nothing is done.

    Raises:
        NotExtendableError: it is not paid and running, or something is to become of it at its end.
        InvalidInputError: `until` is not after the present end, or more than two years away.
        NoCustomerError, NoSubscriptionError: nothing was bought.
    """
    state, held = await live_subscription(tx, organization_id), await get_subscription(tx, organization_id)
    if state.trial_end == until:
        return held
    changes = state.pause or state.pending or state.cancel_at_period_end or state.cancel_at
    paid = state.status == "active" or state.extended_until is not None
    if not paid or state.period_end is None or changes:
        raise NotExtendableError
    _must_be_later(tx, state.period_end, until)
    await provider_of(tx.runtime).extend_period(state.id, until, idempotency_key=idempotency_key)
    await tx.record(
        "subscription.extended",
        target=("subscription", held.id),
        organization_id=organization_id,
        before={"ends_at": state.period_end},
        after={"ends_at": until, "reason": reason},
    )
    return await mirrored(tx, organization_id, state, cause="period extended")


def _in_trial(state: SubscriptionState) -> bool:
    return state.status == "trialing" and state.extended_until is None


def _must_be_later(tx: Tx, end: datetime, until: datetime) -> None:
    if not max(end, tx.now) < until <= tx.now + MAX_TRIAL:
        message = f"Name a moment after {end:%Y-%m-%d %H:%M} UTC, at most two years from now."
        raise InvalidInputError([FieldProblem("until", message)])


async def wake_after_trial(tx: Tx, organization_id: UUID, *, idempotency_key: str) -> Subscription:
    """Let a subscription that rests since its trial go on: the first period is collected, and begins.

    Raises:
        NoTrialError: it does not rest.
        PaymentMethodNeededError: there is still no way to collect it.
        PaymentFailedError: it could not be collected; `page_url` is where the customer can pay.
        NoCustomerError, NoSubscriptionError: nothing was bought.
    """
    state = await live_subscription(tx, organization_id)
    if state.status != "paused":
        raise NoTrialError
    must_be_payable(state)
    if state.latest_invoice is not None and state.latest_invoice.status == "open":
        raise _unpaid(state)  # an earlier try: a second one would ask for a second invoice
    await provider_of(tx.runtime).wake_subscription(state.id, idempotency_key=idempotency_key)
    now = await provider_of(tx.runtime).fetch_subscription(state.id)
    if now is not None and now.status == "paused":
        raise _unpaid(now)
    return await mirrored(tx, organization_id, state, cause="resumed after trial")


def must_be_payable(state: SubscriptionState) -> None:
    """Refuse where there is no way to collect anything.

    Raises:
        PaymentMethodNeededError: there is none.
    """
    theirs = state.customer.payment_method if state.customer else None
    if state.payment_method is None and theirs is None:
        raise PaymentMethodNeededError


def _unpaid(state: SubscriptionState) -> PaymentFailedError:
    page = state.latest_invoice.page_url if state.latest_invoice else None
    return PaymentFailedError(
        "The invoice of the first period is still open; pay it, and the plan goes on.", page_url=page
    )
