"""Pages of lists: where one ends the next begins, and only what we said ourselves is taken for a place."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tollkeeper.kit import (
    InvalidInputError,
    Order,
    new_id,
    page_of,
    read_cursor,
    read_moment_or_none,
    read_number,
    read_word,
)

START = datetime(2026, 3, 10, 12, tzinfo=UTC)
SOME_ID = UUID(int=7)
Item = tuple[datetime, UUID]


def place(item: Item) -> Item:
    return item


def test_a_list_is_walked_through_page_by_page() -> None:
    items: list[Item] = [(START - timedelta(microseconds=number // 2), new_id()) for number in range(7)]
    walked: list[Item] = []
    cursor = None
    while True:
        after = read_cursor(cursor)
        rest = items[items.index(after) + 1 :] if after else items
        page = page_of(rest[:4], 3, place)
        walked += page.data
        cursor = page.next_cursor
        if cursor is None:
            break
    assert walked == items


def test_no_cursor_begins_the_list_and_an_empty_list_is_its_last_page() -> None:
    assert read_cursor(None) is None
    assert read_cursor("") is None
    assert page_of([], 3, place).next_cursor is None


@pytest.mark.parametrize("text", ["tea", "~", f"noon~{SOME_ID}", f"{START.isoformat()}~7", f"2026-03-10~{SOME_ID}"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_cursor(text)
    assert [each.field for each in refused.value.problems] == ["cursor"]


ORDERED: Order[tuple[str, int, datetime | None, UUID]] = Order(
    lambda each: each, (read_word, read_number, read_moment_or_none)
)


@pytest.mark.parametrize("item", [("usd", -7, START, SOME_ID), ("", 2**60, None, SOME_ID)])
def test_whatever_a_list_is_sorted_by_is_read_back(item: tuple[str, int, datetime | None, UUID]) -> None:
    page = ORDERED.page([item, item], 1)
    assert ORDERED.after(page.next_cursor) == item


@pytest.mark.parametrize(
    "text", [f"{START.isoformat()}~{SOME_ID}", f"usd~1e3~~{SOME_ID}", f"usd~{'9' * 20}~~{SOME_ID}", f"\0~1~~{SOME_ID}"]
)
def test_a_place_in_another_order_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        ORDERED.after(text)
