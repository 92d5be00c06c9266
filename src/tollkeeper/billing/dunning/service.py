"""Use cases of dunning. Callers hold the lock of the customer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from tollkeeper.billing.provider import InvoiceState, account_of
from tollkeeper.billing.subscriptions import Subscription, expiring_cards, meaning, restore, withhold
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import new_id

from . import rules, store
from .model import (
    AccessRestricted,
    Action,
    CardExpiring,
    Case,
    DunningStepReached,
    PaymentFailed,
    PaymentRecovered,
    Signal,
    Stage,
    State,
    Step,
    Total,
)

WARN_BEFORE = timedelta(days=30)
CLOSED_LATELY = timedelta(days=30)
WITHHELD = "dunning"
STAGES = (State.GRACE, State.RESTRICTED, State.CURRENT, State.ENDED)
"""The board's, from left to right."""


def schedule_of(runtime: Runtime) -> tuple[Step, ...]:
    """Return the schedule in force."""
    return rules.read_schedule(runtime.settings.dunning)


async def find_case(tx: Tx, subscription_id: UUID) -> Case | None:
    """Return the subscription's open case; None when nothing is owed too long."""
    return await store.find_open(tx, subscription_id)


async def observe(
    tx: Tx, subscription: Subscription, invoice: InvoiceState | None, *, requires_action: bool = False
) -> Case | None:
    """Take note of the subscription as just mirrored, with its latest invoice; returns the open case, if any."""
    case = await store.find_open(tx, subscription.id)
    attempts = invoice.attempt_count if invoice else 0
    heard = rules.signal(case, subscription.status, attempts, over=meaning(subscription.status).over)
    if heard is None:
        return case
    if case is None:
        since = invoice.created_at if invoice else tx.now
        case = Case(
            id=new_id(),
            organization_id=subscription.organization_id,
            subscription_id=subscription.id,
            invoice=None,
            state=State.CURRENT,
            since=since,
            attempts=0,
            steps_done=0,
            next_at=rules.next_at(since, schedule_of(tx.runtime), 0),
            requires_action=False,
            page_url=None,
            closed_at=None,
        )
    if heard is Signal.FAILED:
        case = replace(
            case,
            attempts=attempts,
            requires_action=requires_action,
            invoice=invoice.id if invoice else None,
            page_url=invoice.page_url if invoice else None,
        )
    return await _move(tx, case, heard)


async def advance(tx: Tx, case: Case) -> Action | None:
    """Take every step that is due, in order; returns END when the caller has to end the subscription now."""
    schedule = schedule_of(tx.runtime)
    while case.closed_at is None and (step := rules.due(case, schedule, tx.now)) is not None:
        done = case.steps_done + 1
        case = replace(case, steps_done=done, next_at=rules.next_at(case.counts_from, schedule, done))
        await tx.emit(
            DunningStepReached(
                organization_id=case.organization_id,
                subscription_id=case.subscription_id,
                day=step.day,
                action=step.action.value,
                message=step.message,
                page_url=case.page_url,
            )
        )
        case = await _move(tx, case, rules.SIGNAL_OF[step.action])
        if step.action is Action.END:
            return Action.END
    return None


async def postpone(tx: Tx, case: Case, days: int) -> Case:
    """Give so many days more before each step that is not taken yet; what was taken stays."""
    later = rules.postponed(case, schedule_of(tx.runtime), days)
    await store.save(tx, later)
    await tx.record(
        "dunning.postponed",
        target=("subscription", case.subscription_id),
        organization_id=case.organization_id,
        before={"next_step": case.next_at},
        after={"next_step": later.next_at, "days": days},
    )
    return later


async def board(tx: Tx, *, limit: int = 50) -> Sequence[Stage]:
    """Return some of every stage: of those that are open, and of those that were closed in the last 30 days.

    Of an open stage those are shown whose next step comes first, of a closed one those that were closed last.
    """
    found = await store.owed(tx, account_of(tx.runtime), STAGES, tx.now - CLOSED_LATELY, limit=limit + 1)
    by_state = {state: [each for each in found if each.case.state is state] for state in STAGES}
    return [Stage(state, cases[:limit], len(cases) > limit) for state, cases in by_state.items()]


async def total(tx: Tx) -> Sequence[Total]:
    """Return how many cases the board has in each stage and what they owe, read over all of them."""
    return await store.totals(tx, account_of(tx.runtime), tx.now - CLOSED_LATELY)


async def warn_of_expiring_cards(tx: Tx) -> int:
    """Tell of every card that pays a running subscription and expires within a month, once; returns how many."""
    running = [status for status in (*rules.PAID, *rules.FAILING) if meaning(status).grants]
    told = 0
    for found in await expiring_cards(tx, running, tx.now + WARN_BEFORE):
        card = f"{found['last4']} {found['exp_year']}-{found['exp_month']:02}"
        if await store.note_warning(tx, found["subscription_id"], card):
            await tx.emit(CardExpiring(**found))
            told += 1
    return told


async def _move(tx: Tx, case: Case, heard: Signal) -> Case:
    """Move a case by the table, save it, and do and tell what the new state means."""
    after = rules.MACHINE.get((case.state, heard))
    if after is None:
        return case
    closed = after in {State.CURRENT, State.ENDED}
    moved = replace(case, state=after, closed_at=tx.now if closed else None)
    await store.save(tx, moved)
    if moved.state is not case.state:
        await tx.record(
            "dunning.moved",
            target=("subscription", case.subscription_id),
            organization_id=case.organization_id,
            before={"state": case.state},
            after={"state": moved.state, "attempts": moved.attempts},
        )
    about = {"organization_id": case.organization_id, "subscription_id": case.subscription_id}
    if heard is Signal.FAILED:
        action = moved.requires_action
        failure = PaymentFailed(**about, attempt=moved.attempts, requires_action=action, page_url=moved.page_url)
        await tx.emit(failure)
    if after is State.RESTRICTED and case.state is not State.RESTRICTED:
        await withhold(tx, case.organization_id, case.subscription_id, WITHHELD)
        await tx.emit(AccessRestricted(**about))
    if after is State.CURRENT:
        if case.state is State.RESTRICTED:
            await restore(tx, case.organization_id, case.subscription_id, WITHHELD)
        await tx.emit(PaymentRecovered(**about, restored=case.state is State.RESTRICTED))
    return moved
