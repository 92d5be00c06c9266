"""Values of reading the trail."""

from dataclasses import dataclass
from typing import Any

from tollkeeper.identity import User
from tollkeeper.infra import Record


@dataclass(frozen=True, slots=True)
class Told:
    """A record, with the person who acted as they are called now; None: no person acted, or they are gone."""

    record: Record
    person: User | None


_OF_ORIGIN = ("user_id", "credential_id", "impersonator_id", "via", "request_id", "ip", "user_agent")
_OF_RECORD = ("id", "at", "action", "organization_id", "target_kind", "target_id", "before", "after", "erased")

COLUMNS = (
    "id", "at", "action", "organization_id", "actor_kind", "user_id", "email", "credential_id", "impersonator_id",
    "target_kind", "target_id", "via", "request_id", "ip", "user_agent", "before", "after", "erased",
)  # fmt: skip
"""What `flat` returns, in the order of a file."""


def flat(told: Told) -> dict[str, Any]:
    """Return what is told of a record, by the names of COLUMNS."""
    record, origin = told.record, told.record.origin
    return {
        **{name: getattr(record, name) for name in _OF_RECORD},
        **{name: getattr(origin, name) for name in _OF_ORIGIN},
        "actor_kind": origin.kind,
        "email": told.person.email if told.person else None,
    }
