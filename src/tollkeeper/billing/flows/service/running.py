"""Whether what a subscription costs is being collected: while it rests or is not paid, it cannot become another."""

from uuid import UUID

from tollkeeper.billing.flows.model import PeriodUnpaidError, SubscriptionPausedError
from tollkeeper.billing.provider import PaymentFailedError, ProviderMissingError, SubscriptionState, provider_of
from tollkeeper.billing.subscriptions import Subscription, list_of_organization, unpaid
from tollkeeper.infra import Tx

_OWES = frozenset({"past_due", "unpaid"})


async def must_run(tx: Tx, organization_id: UUID, state: SubscriptionState) -> None:
    """Refuse to change what is paused or not paid: the rest of a period nobody paid for would be credited.

    Raises:
        SubscriptionPausedError, PeriodUnpaidError: it is.
    """
    if state.pause is not None:
        raise SubscriptionPausedError
    if await is_unpaid(tx, organization_id, state):
        raise PeriodUnpaidError


def must_owe_nothing(state: SubscriptionState) -> None:
    """Refuse to change at once what is still to be collected: the credit for the rest could be spent unpaid.

    Raises:
        PeriodUnpaidError: its payment failed.
    """
    if state.status in _OWES:
        raise PeriodUnpaidError


async def is_unpaid(tx: Tx, organization_id: UUID, state: SubscriptionState) -> bool:
    """Return whether the running period is not paid, by the provider's present state and what we knew before."""
    known = await list_of_organization(tx, organization_id)
    return unpaid(next((each for each in known if each.provider_id == state.id), None), state)


def fell_into_pause(*, is_unpaid: bool, state: SubscriptionState) -> bool:
    """Return whether the running period's invoice is void by a pause: only a new period, paid, gives the plan again."""
    return is_unpaid and state.latest_invoice is not None and state.latest_invoice.status == "void"


def is_sent(state: SubscriptionState) -> bool:
    """Return whether invoices are sent, to be paid by a day, instead of collected at once."""
    return state.latest_invoice is not None and state.latest_invoice.due_at is not None


async def restart(tx: Tx, state: SubscriptionState, *, idempotency_key: str) -> None:
    """Begin a new full period now: collected at once, or nothing changes; who is sent invoices is sent one.

    Raises:
        PaymentFailedError, ProviderMissingError: it was declined, or there is nothing to collect it from.
    """
    must_pay = not is_sent(state)
    await provider_of(tx.runtime).restart_cycle(state.id, must_pay=must_pay, idempotency_key=idempotency_key)


async def restart_after_pause(tx: Tx, known: Subscription, now: Subscription, state: SubscriptionState) -> bool:
    """Begin a paid period when a pause that made the running one void has just ended, by itself or at the provider's.

    Where it cannot be collected nothing changes: the plan stays withheld until the customer has it paid or the next
    renewal is. It is tried once for each period, however often we look. Who is leaving anyway is not charged again.

    Returns:
        Whether there is something new to mirror.
    """
    ended = known.pause is not None and now.pause is None and now.status == "active"
    leaving = now.cancel_at_period_end or now.cancel_at is not None
    if not ended or leaving or not fell_into_pause(is_unpaid=now.unpaid, state=state):
        return False
    period = int(state.period_start.timestamp()) if state.period_start else 0
    try:
        await restart(tx, state, idempotency_key=f"unpause-{state.id}-{period}")
    except (PaymentFailedError, ProviderMissingError):  # declined, or there is nothing to pay with
        return False
    return True
