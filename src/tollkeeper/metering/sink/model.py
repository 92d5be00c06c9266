"""What is passed on, and to whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from tollkeeper.kit import UnavailableError


class PassedEvent(NamedTuple):
    """One version of an event as analysts see it. `id` is that of the event as first recorded, for all its versions.

    `revision` counts its corrections; `voided`: it counts nothing. `properties` is the text of a JSON object, empty
    when it has none; `recorded_at` is when this version was recorded.
    """

    id: UUID
    revision: int
    voided: bool
    organization_id: UUID
    meter: str
    quantity: int
    at: datetime
    period_start: datetime
    recorded_at: datetime
    member_id: UUID | None
    credential_id: UUID | None
    idempotency_key: str | None
    value: str | None
    properties: str
    reason: str | None


class EventSink(Protocol):
    """A store that takes events. Calls may be repeated; of an event the highest revision counts, once."""

    async def insert(self, events: Sequence[PassedEvent]) -> None:
        """Store events; they are safe there when this returns.

        Raises:
            SinkUnavailableError: the store does not answer, or does not take them.
        """
        ...

    async def problem(self) -> str | None:
        """Say why the store cannot be reached; None when it answers."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class SinkUnavailableError(UnavailableError):
    """The store that events are passed on to does not answer, or refuses them; they wait."""

    code = "sink_unavailable"
    title = "ClickHouse does not take events"
    hint = "Check TOLLKEEPER_CLICKHOUSE_URL, and what the server says in its log."
