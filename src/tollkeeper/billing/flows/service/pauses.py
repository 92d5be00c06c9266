"""Letting a subscription rest, and going on. While it rests nothing is owed and the plan is not given."""

from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.billing.flows.model import (
    ChangeAt,
    ChangeToComeError,
    NotPausableError,
    PreviewedChange,
    SubscriptionPausedError,
)
from tollkeeper.billing.provider import Pause, PauseBehavior, SubscriptionState, provider_of
from tollkeeper.billing.subscriptions import Subscription
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import FieldProblem, ForbiddenError, InvalidInputError

from .changes import costs_nothing, live_subscription, mirrored
from .running import fell_into_pause, is_sent, is_unpaid, restart
from .selling import currency_of
from .trials import must_be_payable

OPERATORS_LONGEST = timedelta(days=730)
OFF = "off"
NO_CURRENCY = "usd"
"""In which nothing is due from whom the provider knows no price, no invoice and no currency of."""


async def pause(tx: Tx, organization_id: UUID, until: datetime | None, *, by_operator: bool) -> Subscription:
    """Let the subscription rest from now on: invoices become void, the plan is not given.

    `until` is when it goes on by itself; None: for members as long as they may, for operators until it is taken back.
    Operators may always, for up to two years, and replace a pause that runs; members as `TOLLKEEPER_PAUSE` says.

    Raises:
        ForbiddenError: members may not.
        InvalidInputError: `until` is not ahead, or too far.
        SubscriptionPausedError: it rests already.
        NotPausableError: it is not a running, paid subscription.
        ChangeToComeError: it is to become another when the period ends.
        NoCustomerError, NoSubscriptionError: nothing was bought.
    """
    longest = OPERATORS_LONGEST if by_operator else _members_longest(tx)
    if until is None and not by_operator:
        until = tx.now.replace(microsecond=0) + longest
    if until is not None and not tx.now < until <= tx.now + longest:
        message = f"Name a moment ahead of now, at most {longest.days} days away."
        raise InvalidInputError([FieldProblem("until", message)])
    state = await live_subscription(tx, organization_id)
    if state.pause is not None and not by_operator:
        raise SubscriptionPausedError
    if state.status != "active" or (state.pause is None and await is_unpaid(tx, organization_id, state)):
        raise NotPausableError
    if state.pending is not None:
        raise ChangeToComeError("Take back the change that is to come when the period ends, then pause.")
    await provider_of(tx.runtime).pause_collection(state.id, Pause(PauseBehavior.VOID, until))
    return await mirrored(tx, organization_id, state, cause="paused")


async def unpause(tx: Tx, organization_id: UUID, *, by_operator: bool, idempotency_key: str) -> Subscription:
    """Go on. In a period that is paid nothing is charged; where the pause made its invoice void, a new full period
    begins now and is charged at once, or nothing changes. Whoever is not paused and owes nothing stays as they are.

    A pause that ended by itself without being paid is made good by this, too, by any member.

    Raises:
        ForbiddenError: it rests, and members may not pause and unpause.
        PaymentMethodNeededError: a period has to be paid and there is no way to collect it.
        PaymentFailedError: it could not be collected; the subscription rests on.
        NoCustomerError, NoSubscriptionError: nothing was bought.
    """
    state = await _going_on(tx, organization_id, by_operator=by_operator)
    if fell_into_pause(is_unpaid=await is_unpaid(tx, organization_id, state), state=state):
        if not is_sent(state):
            must_be_payable(state)
        await restart(tx, state, idempotency_key=idempotency_key)
    elif state.pause is not None:
        await provider_of(tx.runtime).unpause_collection(state.id)
    return await mirrored(tx, organization_id, state, cause="unpaused")


async def preview_unpause(tx: Tx, organization_id: UUID, *, by_operator: bool) -> PreviewedChange:
    """Return what `unpause` would cost now: a full new period, or nothing where the running one is paid.

    Changes nothing. Whether there is a way to pay it is not looked at.

    Raises:
        ForbiddenError, NoCustomerError, NoSubscriptionError: as `unpause`.
    """
    state = await _going_on(tx, organization_id, by_operator=by_operator)
    if fell_into_pause(is_unpaid=await is_unpaid(tx, organization_id, state), state=state):
        cost = await provider_of(tx.runtime).preview_restart(state, at=tx.now)
    else:
        cost = costs_nothing(state, await currency_of(tx, state) or NO_CURRENCY, at=tx.now)
    return PreviewedChange(ChangeAt.NOW, tx.now, cost)


async def _going_on(tx: Tx, organization_id: UUID, *, by_operator: bool) -> SubscriptionState:
    """Lock the subscription and return it, if it may go on by this caller's word."""
    state = await live_subscription(tx, organization_id)
    if state.pause is not None and not by_operator:
        _members_longest(tx)
    return state


def longest_pause(runtime: Runtime) -> timedelta | None:
    """Return for how long members may pause, as `TOLLKEEPER_PAUSE` says; None: not at all."""
    allowed = runtime.settings.pause
    return None if allowed == OFF else timedelta(days=int(allowed))


def _members_longest(tx: Tx) -> timedelta:
    """Return for how long members may pause.

    Raises:
        ForbiddenError: not at all.
    """
    longest = longest_pause(tx.runtime)
    if longest is None:
        raise ForbiddenError("Only an operator pauses subscriptions here, and lets them go on.")
    return longest
