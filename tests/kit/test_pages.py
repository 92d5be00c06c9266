"""Pages of lists: where one ends the next begins, and only what we said ourselves is taken for a place."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tollkeeper.kit import InvalidInputError, new_id, page_of, read_cursor

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
