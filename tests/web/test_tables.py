"""What an address may ask of a table, numbers as readers write them, and small lines."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tollkeeper.kit import Money
from tollkeeper.web.ui import (
    Column,
    Filter,
    Option,
    Table,
    ago,
    amount,
    compact,
    countries,
    exact,
    number,
    percent,
    written_for,
)
from tollkeeper.web.ui.charts import spark
from tollkeeper.web.ui.locale import day, minute

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LISTED = Table(
    path="/things",
    columns=(Column("name", "Name", sorts=True), Column("since", "Since", sorts=True), Column("note", "Note")),
    filters=(Filter("q", "Search"), Filter("state", "State", (Option("", "Any"), Option("on", "On")))),
    order="-since",
)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    written_for("")
    yield
    written_for("")


def test_an_address_that_says_nothing_is_the_usual_order() -> None:
    asked = LISTED.read({})
    assert (asked.order, asked.descending, asked.cursor, asked.is_filtered) == ("since", True, "", False)
    shown = LISTED.shown(asked)
    assert (shown.first, shown.next, shown.kept) == ("", "", {})


def test_what_is_not_on_the_list_is_as_if_it_had_not_been_said() -> None:
    sent = {"sort": "password", "state": "'; drop table", "q": "a\0b" + "x" * 500, "cursor": "c" * 999, "more": "1"}
    asked = LISTED.read(sent)
    assert asked.sort == "-since"
    assert asked["state"] == ""
    assert asked["q"].startswith("abx")
    assert len(asked["q"]) < 201
    assert len(asked.cursor) == 500
    assert LISTED.read({"sort": "-note"}).sort == "-since"


def test_heads_sort_and_turn_the_order_and_keep_the_filters() -> None:
    asked = LISTED.read({"sort": "name", "state": "on", "cursor": "x"})
    name, since, note = LISTED.shown(asked).heads
    assert (name.aria, name.href) == ("ascending", "/things?sort=-name&state=on")
    assert (since.aria, since.href) == ("none", "/things?sort=since&state=on")
    assert (note.aria, note.href) == ("", "")


def test_pages_keep_order_and_filters() -> None:
    asked = LISTED.read({"sort": "-name", "q": "a & b", "cursor": "here"})
    shown = LISTED.shown(asked, next_cursor="2026-03-10T12:00:00+00:00~id")
    assert shown.first == "/things?sort=-name&q=a+%26+b"
    assert shown.next == "/things?sort=-name&q=a+%26+b&cursor=2026-03-10T12%3A00%3A00%2B00%3A00~id"
    assert shown.kept == {"sort": "-name"}


def test_english_is_what_everybody_begins_with() -> None:
    assert [number(1234567), compact(1234567), compact(9999), percent(0.125)] == ["1,234,567", "1.2M", "9,999", "12.5%"]
    assert [exact(Money(2000, "usd")), exact(Money(-350, "eur"))] == ["$20.00", "-€3.50"]
    assert [exact(Money(1200, "sek")), exact(Money(500, "jpy"))] == ["12.00 SEK", "¥500"]
    assert [amount(Money(2000, "usd")), amount(Money(950, "eur"))] == ["$20", "€9.50"]
    assert [day(NOW), minute(NOW)] == ["10 Mar 2026", "10 Mar 2026, 12:00 UTC"]


def test_numbers_and_money_are_written_as_the_reader_does() -> None:
    written_for("de-AT")
    assert number(1234567) == "1.234.567" or number(1234567) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567"
    assert percent(0.125).replace("\N{NO-BREAK SPACE}", " ") == "12,5 %"
    assert exact(Money(123_450, "eur")).replace("\N{NO-BREAK SPACE}", " ") == "€ 1.234,50"
    written_for("ja")
    assert exact(Money(1_500, "kwd")).endswith("1.500")
    written_for("fr")
    assert amount(Money(2000, "eur")).replace("\N{NO-BREAK SPACE}", " ") == "20 €"


@pytest.mark.parametrize("tag", ["xx", "not a tag", "en_US'", "zz-ZZ"])
def test_an_unknown_language_is_english(tag: str) -> None:
    written_for(tag)
    assert exact(Money(2000, "usd")) == "$20.00"
    assert number(1234) == "1,234"


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=-3), "3 minutes ago"),
        (timedelta(hours=-30), "1 day ago"),
        (timedelta(days=2), "in 2 days"),
    ],
)
def test_how_long_ago(away: timedelta, words: str) -> None:
    written_for("de")
    assert ago(NOW + away, NOW) == words


def test_a_small_line_stays_within_its_drawing() -> None:
    drawn = spark((0, 5, 10), width=100, height=20)
    assert drawn is not None
    assert drawn.line == "0.0,18.5 50.0,10.0 100.0,1.5"
    assert drawn.area == f"0,20 {drawn.line} 100,20"
    assert spark((1,)) is None
    flat = spark((0, 0))
    assert flat is not None
    assert flat.line == "0.0,30.5 120.0,30.5"


def test_countries_are_those_of_the_world_by_name() -> None:
    known = dict(countries())
    assert {"DE": "Germany", "AT": "Austria", "US": "United States"}.items() <= known.items()
    assert {len(code) for code in known} == {2}
    assert not {"EU", "ZZ", "XA"} & known.keys()
    assert list(known.values()) == sorted(known.values())
