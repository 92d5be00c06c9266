"""One page of a list, as the API answers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items of one page. `next_cursor` continues the list; None means this is the last page."""

    data: Sequence[T]
    next_cursor: str | None = None
