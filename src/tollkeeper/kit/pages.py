"""One page of a list, as the API answers it, and where the next one begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from .errors import FieldProblem, InvalidInputError
from .ids import parse_id

T = TypeVar("T")
Mark = datetime | int | str | UUID | None
"""What an item is sorted by. Words have no `~`."""
_LONGEST = 19
"""Characters of a number that is surely one of 64 bits: one digit fewer than the largest, and a sign."""


class Identified(Protocol):
    """What has an id that tells it apart in its list."""

    @property
    def id(self) -> UUID | int:
        """Its id."""


IdentifiedT = TypeVar("IdentifiedT", bound=Identified)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items of one page. `next_cursor` continues the list; None means this is the last page."""

    data: Sequence[T]
    next_cursor: str | None = None


def page_of(found: Sequence[T], limit: int, place: Callable[[T], tuple[Mark, ...]]) -> Page[T]:
    """Return the first `limit` of what was found; one more than that tells that the list goes on.

    `place` is where in its list an item stands: what it is sorted by, and its id among those that are equal in that.
    """
    shown = list(found[:limit])
    if len(found) <= limit:
        return Page(shown)
    return Page(shown, "~".join(_written(mark) for mark in place(shown[-1])))


def page_by_id(found: Sequence[IdentifiedT], limit: int) -> Page[IdentifiedT]:
    """Return the first `limit` of what was found, as `page_of` does, where the id of an item is its place."""
    return Page(found[:limit], str(found[limit - 1].id) if len(found) > limit else None)


def read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the place after which a page of a list sorted by time begins; None begins the list.

    Raises:
        InvalidInputError: it is no `next_cursor`.
    """
    place = read_place(cursor, (read_moment,))
    return (place[0], place[1]) if place else None


def read_place(cursor: str | None, marks: Sequence[Callable[[str], Any]]) -> tuple[Any, ...] | None:
    """Return the place after which a page of `page_of` begins; None begins the list.

    `marks` read what stands before the id, each one part, and raise ValueError for what is none.

    Raises:
        InvalidInputError: it is no `next_cursor` of a list sorted so.
    """
    if not cursor:
        return None
    *parts, ident = cursor.split("~")
    found, read = parse_id(ident), []
    try:
        read = [mark(part) for mark, part in zip(marks, parts, strict=True)]
    except ValueError:
        found = None
    if found is None:
        raise InvalidInputError([FieldProblem("cursor", "Use the `next_cursor` of the page before.", "cursor")])
    return (*read, found)


@dataclass(frozen=True, slots=True)
class Order(Generic[T]):
    """One of the ways a list can be sorted: what an item is sorted by, its id last, and how a cursor is read back."""

    place: Callable[[T], tuple[Mark, ...]]
    marks: tuple[Callable[[str], Any], ...]

    def after(self, cursor: str | None) -> tuple[Any, ...] | None:
        """Return the place after which the page begins, as `read_place` does."""
        return read_place(cursor, self.marks)

    def page(self, found: Sequence[T], limit: int) -> Page[T]:
        """Return the page, as `page_of` does."""
        return page_of(found, limit, self.place)


def read_moment(text: str) -> datetime:
    """Read a moment of a cursor.

    Raises:
        ValueError: it is none.
    """
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(text)
    return read


def read_moment_or_none(text: str) -> datetime | None:
    """Read a moment of a cursor, or that there is none."""
    return read_moment(text) if text else None


def read_number(text: str) -> int:
    """Read a number of a cursor, of those that a database holds.

    Raises:
        ValueError: it is none.
    """
    if not text.isascii() or len(text) > _LONGEST:
        raise ValueError(text)
    return int(text)


def read_word(text: str) -> str:
    """Read a word of a cursor.

    Raises:
        ValueError: a database would not take it.
    """
    if "\0" in text:
        raise ValueError(text)
    return text


def _written(mark: Mark) -> str:
    if mark is None:
        return ""
    return mark.isoformat() if isinstance(mark, datetime) else str(mark)
