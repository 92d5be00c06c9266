"""Pure decisions of corrections: what becomes of an event and its counter. `now` is passed in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from tollkeeper.metering.model import Aggregation, Limit, Standing
from tollkeeper.metering.rules import measure_of

from .model import Correction, EventRecord, Version


def changes(event: EventRecord, wanted: Correction) -> bool:
    """Whether the event would not be the same afterwards."""
    newest = event.newest
    return not newest.voided if wanted.quantity is None else newest.voided or wanted.quantity != newest.quantity


def version_of(event: EventRecord, wanted: Correction, version_id: UUID, now: datetime) -> Version:
    """Return the version that a correction makes of the event. What credits paid for comes back to them first."""
    newest = event.newest
    quantity = newest.quantity if wanted.quantity is None else wanted.quantity
    counts = 0 if wanted.quantity is None else quantity
    less = max(0, _counted(newest) - counts)
    return Version(
        id=version_id,
        revision=newest.revision + 1,
        quantity=quantity,
        voided=wanted.quantity is None,
        reason=wanted.reason,
        credential_id=wanted.credential_id,
        credits=max(0, newest.credits - less),
        recorded_at=now,
    )


def with_version(event: EventRecord, version: Version) -> EventRecord:
    """Return the event with a further version."""
    return replace(event, versions=(*event.versions, version))


def difference(aggregation: Aggregation, before: Version, after: Version) -> int | None:
    """Return how far a counter moves by one version in place of another; None: it has to be reckoned anew."""
    if aggregation is Aggregation.SUM:
        return _counted(after) - _counted(before)
    if aggregation is Aggregation.COUNT:
        return int(before.voided) - int(after.voided)
    return None


def _counted(version: Version) -> int:
    return 0 if version.voided else version.quantity


def holds(standing: Standing, event: EventRecord) -> bool:
    """Whether an event is still in a counter: what happened long ago leaves a rolling window."""
    return standing.since is None or event.at > standing.since


def reached(before: Standing, after: int, limit: Limit) -> Sequence[int]:
    """Return the thresholds reached for the first time, ascending. One told of another limit is measured anew."""
    measure, told = measure_of(limit, before), before.told
    if not measure:
        return ()
    if before.told_limit != measure:
        told = min(told, max((each for each in limit.thresholds if before.used * 100 >= each * measure), default=0))
    return [each for each in limit.thresholds if each > told and after * 100 >= each * measure]
