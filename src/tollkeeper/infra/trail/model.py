"""Values of the trail: who does something and where from, and what is written down of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

NOBODY = "nobody"
"""The kind of who acts without a login: somebody who registers, logs in, or follows a link sent by mail."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who does something, and where from.

    `kind` is by what they proved it, one of `ActorKind` or NOBODY. `user_id` is the person, None for keys and the
    system. `credential_id` is their session, login or key. `impersonator_id` is the member of staff who acts as that
    person. `via` is the call, job or command. `ip`, `user_agent` and `request_id` are empty where no request is.
    """

    kind: str
    user_id: UUID | None = None
    credential_id: UUID | None = None
    impersonator_id: UUID | None = None
    via: str = ""
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""


SYSTEM = Origin("system")

MOST_FAULTS = 100

_origin: ContextVar[Callable[[], Origin]] = ContextVar("origin", default=lambda: SYSTEM)


def current_origin() -> Origin:
    """Return who acts in this task; the system, unless the edge said otherwise."""
    return _origin.get()()


@contextmanager
def acting(origin: Callable[[], Origin]) -> Iterator[None]:
    """Have every transaction opened within be this one's doing. It is asked for when one is opened. The edge's tool."""
    before = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(before)


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was done.

    `action` is `<thing>.<what happened to it>`. `organization_id` None: it concerns none, or all. `target_id` names
    what it was done to, empty where there is one only. `before` and `after` hold what changed, without secrets.
    `erased` says that its details are gone with a person: address, program and what changed.
    """

    id: UUID
    at: datetime
    action: str
    organization_id: UUID | None
    origin: Origin
    target_kind: str
    target_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Sought:
    """Which records are looked for; None: whichever.

    `organization_id` is whose. `person` is who acted, or to whom it was done. `action` is one, or with a full stop at
    its end all that begin so. `actor` is a person, a login, a key or a member of staff who acted as another. `since` is
    inclusive, `until` is not. `target_id` goes with `target_kind`.
    """

    organization_id: UUID | None = None
    person: UUID | None = None
    action: str | None = None
    actor: UUID | None = None
    target_kind: str | None = None
    target_id: str | None = None
    request_id: str | None = None
    impersonated: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The last seal of the chain. Noted elsewhere, it confirms everything up to it. `sequence` 0: there is none."""

    sequence: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Link:
    """One seal, and what stands in the trail for it now; `content` None: nothing, `details` None: nothing."""

    sequence: int
    record_id: UUID
    hash: bytes
    details_hash: bytes | None
    content: Mapping[str, Any] | None
    details: "Details | None"


@dataclass(frozen=True, slots=True)
class Details:
    """The details of a record as they stand. `erased_by` None: all there."""

    content: Mapping[str, Any]
    salt: bytes
    erased_by: UUID | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the trail is not as it was written. `sequence` 0: the record has no seal."""

    sequence: int
    record_id: UUID | None
    what: str

    def __str__(self) -> str:
        where = f"seal {self.sequence}" if self.sequence else "unsealed"
        return f"{where}, record {self.record_id or 'unknown'}: {self.what}"


@dataclass(slots=True)
class Verified:
    """What verifying found: the chain's end, how many records wait for their seal, how many were emptied, faults."""

    head: Head
    waiting: int = 0
    erased: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def sound_enough(self) -> bool:
        """Whether it is worth going on: of a hundred faults the rest tells nothing new."""
        return len(self.faults) < MOST_FAULTS

    def note(self, sequence: int, record_id: UUID | None, what: str | None) -> None:
        """Note a fault; None is none."""
        if what is not None:
            self.faults.append(Fault(sequence, record_id, what))
