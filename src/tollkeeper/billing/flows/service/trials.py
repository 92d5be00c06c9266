"""Trials: ended early, made longer by the operator, and waking up what rests since one."""

from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.billing.flows.model import NoTrialError, PaymentMethodNeededError
from tollkeeper.billing.provider import PaymentFailedError, SubscriptionState, provider_of
from tollkeeper.billing.subscriptions import Subscription
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
    if state.status != "trialing":
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
    if state.status != "trialing" or state.trial_end is None:
        raise NoTrialError
    if not max(state.trial_end, tx.now) < until <= tx.now + MAX_TRIAL:
        message = f"Name a moment after {state.trial_end:%Y-%m-%d %H:%M} UTC, at most two years from now."
        raise InvalidInputError([FieldProblem("until", message)])
    await provider_of(tx.runtime).extend_trial(state.id, until, idempotency_key=idempotency_key)
    return await mirrored(tx, organization_id, state, cause="trial extended")


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
