"""Recorded events with their corrections."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.kit import NotFoundError
from tollkeeper.metering.model import Crossing, Standing


@dataclass(frozen=True, slots=True)
class Version:
    """An event as it was recorded (`revision` 0, `reason` None), or as a correction left it.

    `credits` is how much of the quantity credits paid for; `credential_id` is the key or session that reported it.
    """

    id: UUID
    revision: int
    quantity: int
    voided: bool
    reason: str | None
    credential_id: UUID | None
    credits: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event with all its versions, oldest first; the last one counts, unless it is voided.

    `value` is what a meter of unique values tells apart; `member_id` None: it was not told whose usage it is.
    """

    id: UUID
    organization_id: UUID
    meter_id: int
    period_start: datetime
    at: datetime
    idempotency_key: str | None
    member_id: UUID | None
    value: str | None
    properties: Mapping[str, Any] | None
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """What counts."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class Correction:
    """What an event is to become: another quantity, or nothing (`quantity` None voids it); by whom, and why."""

    quantity: int | None
    reason: str
    credential_id: UUID | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """The event after a correction, what its counter stands at, and thresholds that were reached by it."""

    event: EventRecord
    counted: Standing
    crossings: tuple[Crossing, ...] = ()


class EventNotFoundError(NotFoundError):
    """There is no such event, or it is somebody else's."""

    code = "event_not_found"
    title = "There is no such usage event"
    hint = "GET /api/usage/events lists them; a correction is found under the id of the event it corrects."


class LimitPassedError(Exception):
    """The corrected usage would pass a hard limit; nothing was recorded. `counted` is what the counter stands at."""

    def __init__(self, counted: Standing) -> None:
        super().__init__(counted)
        self.counted = counted
