"""Background work: processing what the provider told, and telling it what is for sale."""

from datetime import timedelta
from uuid import UUID

import structlog

from tollkeeper.billing import (
    dunning,
    payments,
)
from tollkeeper.billing.provider import ProviderEvent
from tollkeeper.billing.provider import push_catalogue as push
from tollkeeper.identity import PersonErased
from tollkeeper.infra import Job, JobState, KnownJob, Steps, Tx, find_job_with, job, pending_jobs, retry_job

from . import service, store
from .model import EventStatus

log = structlog.get_logger(__name__)

BODIES_KEPT = timedelta(days=30)
"""For how long after it came the body of an event that was acted on is kept, for people to look at."""


@job("billing.process_event", queue="billing", in_steps=True)
async def process_event(steps: Steps, *, event_id: str) -> None:
    """Process one stored event. What fails is noted apart from the transaction that failed, and tried again."""
    try:
        async with steps.transaction() as tx:
            await service.process_event(tx, UUID(event_id))
    except Exception as error:
        async with steps.transaction() as apart:
            await store.note_failure(apart, UUID(event_id), f"{type(error).__name__}: {error}")
        raise


@job("billing.retry_events", queue="billing", cron="*/15 * * * *")
async def retry_events(tx: Tx) -> None:
    """Give events another try whose job gave up, as after a fault of ours was mended."""
    waiting = await pending_jobs(tx, process_event, "event_id")
    for event in await service.failed_events(tx):
        if str(event.id) not in waiting:
            await tx.defer(process_event, event_id=str(event.id))


@job("billing.push_catalogue", queue="billing")
async def push_catalogue(tx: Tx, **_: object) -> None:
    """Bring products and prices at the provider to the present catalogue, whatever the event said."""
    await push(tx)


async def enqueue(tx: Tx, event: ProviderEvent, body: bytes) -> None:
    """Store an event and, when it is new and concerns us, its job: both or neither."""
    made = await service.take_in(tx, event, body)
    if made is not None and event.subject is not None:
        await tx.defer(process_event, lock=f"billing:{event.subject.lock}", event_id=str(made))


async def replay(tx: Tx, event_id: UUID) -> None:
    """Have a stored event worked off once more, whatever became of it before; it is written down in the trail.

    Nothing is done twice by that: an event is a hint, and what is written is what the provider says now.

    Raises:
        EventNotFoundError: none of this id came.
        EventNotReplayableError: its body was emptied, or nothing is done with events of its type.
    """
    event, subject = await service.reopen(tx, event_id)
    waiting = await find_job_with(tx, process_event, "event_id", str(event_id))
    if waiting is None or waiting.state is JobState.CANCELLED:
        await tx.defer(process_event, lock=f"billing:{subject.lock}", event_id=str(event_id))
    elif waiting.may_run_again:
        await retry_job(tx, waiting.id)
    after = {"type": event.type, "status": EventStatus.RECEIVED}
    await tx.record(
        "webhook.replayed", target=("webhook", event.provider_id), before={"status": event.status}, after=after
    )


async def job_of(tx: Tx, event_id: UUID) -> KnownJob | None:
    """Return the job that an event waits for, or that was given up on it; None: it is done, or is left alone."""
    return await find_job_with(tx, process_event, "event_id", str(event_id))


@job("billing.dunning_step", queue="billing")
async def dunning_step(tx: Tx, *, case_id: str) -> None:
    """Take the steps of one case of failed payments that are due."""
    await service.take_dunning_steps(tx, UUID(case_id))


@job("billing.dunning", queue="billing", cron="23 * * * *")
async def dunning_steps(tx: Tx) -> None:
    """Have the steps taken that are due, each case in a transaction of its own."""
    for case in await dunning.due_cases(tx):
        await tx.defer(dunning_step, lock=f"billing:dunning:{case.subscription_id}", case_id=str(case.id))


@job("billing.expiring_cards", queue="billing", cron="41 6 * * *")
async def expiring_cards(tx: Tx) -> None:
    """Tell of cards that expire within a month."""
    await dunning.warn_of_expiring_cards(tx)


@job("billing.dispute_reminders", queue="billing", cron="11 7 * * *")
async def dispute_reminders(tx: Tx) -> None:
    """Tell of disputes whose deadline is near and that wait for evidence."""
    await payments.remind_of_evidence(tx)


@job("billing.part_with", queue="billing")
async def part_with(tx: Tx, *, organization_id: str) -> None:
    """Have the provider forget somebody who was deleted, and end what nobody is left for."""
    await service.part_with(tx, UUID(organization_id))


async def on_person_erased(tx: Tx, event: PersonErased) -> None:
    """Let go of what is held of a person who is being deleted; the provider is told afterwards."""
    for organization_id in await service.forget_person(tx, event):
        await tx.defer(part_with, organization_id=str(organization_id))


@job("billing.empty_events", queue="billing", cron="53 3 * * *")
async def empty_events(tx: Tx) -> None:
    """Empty what the provider told long ago: it was acted on, and names people."""
    log.info("old events emptied", events=await store.empty_bodies(tx, tx.now - BODIES_KEPT))


jobs: list[Job] = [
    part_with,
    empty_events,
    dispute_reminders,
    process_event,
    retry_events,
    push_catalogue,
    dunning_step,
    dunning_steps,
    expiring_cards,
]
