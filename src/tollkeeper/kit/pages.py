"""One page of a list, as the API answers it, and where the next one begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from .errors import FieldProblem, InvalidInputError
from .ids import parse_id

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items of one page. `next_cursor` continues the list; None means this is the last page."""

    data: Sequence[T]
    next_cursor: str | None = None


def page_of(found: Sequence[T], limit: int, place: Callable[[T], tuple[datetime, UUID]]) -> Page[T]:
    """Return the first `limit` of what was found; one more than that tells that the list goes on.

    `place` is where in its list an item stands: its time, and its id among those of one time.
    """
    shown = list(found[:limit])
    if len(found) <= limit:
        return Page(shown)
    at, ident = place(shown[-1])
    return Page(shown, f"{at.isoformat()}~{ident}")


def read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the place after which a page of `page_of` begins; None begins the list.

    Raises:
        InvalidInputError: it is no `next_cursor`.
    """
    if not cursor:
        return None
    at, _, ident = cursor.partition("~")
    found = parse_id(ident)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if found is None or moment is None or moment.tzinfo is None:
        raise InvalidInputError([FieldProblem("cursor", "Use the `next_cursor` of the page before.", "cursor")])
    return moment, found
