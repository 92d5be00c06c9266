"""What every reader of Stripe's objects needs: references, times, and what may be missing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

Json = Mapping[str, Any]

NOTHING: Json = MappingProxyType({})


def mapping(value: Any) -> Json:
    """Return the value when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else NOTHING


def ident(value: Any) -> str | None:
    """Return the id of a reference, expanded or not."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and found else None


def time(value: Any) -> datetime | None:
    """Return a moment told in seconds; None when none is told."""
    return moment(value) if isinstance(value, int) and not isinstance(value, bool) else None


def moment(value: int) -> datetime:
    """Return the moment so many seconds after 1970."""
    return datetime.fromtimestamp(value, UTC)
