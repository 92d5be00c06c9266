"""Events: how a lower floor tells an upper one what happened, in the same transaction."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from .jobs import Job

if TYPE_CHECKING:
    from .runtime import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. Fields are ids, text, numbers and moments, so that it can travel as JSON."""

    name: ClassVar[str] = "event"

    def payload(self) -> dict[str, Any]:
        """Return the fields as JSON values, the way a reaction's job receives them."""
        return {key: _as_json(value) for key, value in asdict(self).items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


Projection = Callable[["Tx", Any], Awaitable[None]]


class EventRoutes:
    """Which handlers hear which event. Wiring fills it from the lists that each domain's door offers."""

    def __init__(self) -> None:
        self._projections: dict[type[Event], list[Projection]] = defaultdict(list)
        self._reactions: dict[type[Event], list[Job]] = defaultdict(list)

    def add(
        self,
        *,
        projections: Mapping[type[Event], Projection] | None = None,
        reactions: Mapping[type[Event], Job] | None = None,
    ) -> None:
        """Subscribe handlers. A projection is SQL only and quick; everything slower is a reaction."""
        for kind, project in (projections or {}).items():
            self._projections[kind].append(project)
        for kind, job in (reactions or {}).items():
            self._reactions[kind].append(job)

    def projections(self, kind: type[Event]) -> list[Projection]:
        """Handlers that run inside the emitting transaction."""
        return self._projections[kind]

    def reactions(self, kind: type[Event]) -> list[Job]:
        """Jobs enqueued with the emitting transaction."""
        return self._reactions[kind]
