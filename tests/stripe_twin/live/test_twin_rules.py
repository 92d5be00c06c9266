from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_twin.core.params import decode
from stripe_twin.core.unit import changed
from stripe_twin.rules.amounts import cost, money, share
from stripe_twin.rules.cards import CARDS, MAGIC, flaws, luhn
from stripe_twin.rules.periods import boundary, period_at


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_the_31st_comes_back_after_a_short_month() -> None:
    anchor = at("2026-01-31T10:00:00")
    ends = [boundary(anchor, "month", 1, n) for n in (1, 2, 3)]
    assert ends == [at("2026-02-28T10:00:00"), at("2026-03-31T10:00:00"), at("2026-04-30T10:00:00")]
    assert boundary(at("2024-02-29T00:00:00"), "year", 1, 1) == at("2025-02-28T00:00:00")
    assert boundary(at("2024-02-29T00:00:00"), "year", 1, 4) == at("2028-02-29T00:00:00")


@given(
    st.integers(0, 4_000_000_000),
    st.sampled_from(["day", "week", "month", "year"]),
    st.integers(1, 12),
    st.integers(0, 4_000_000_000),
)
def test_every_moment_lies_in_exactly_one_period(anchor: int, interval: str, count: int, moment: int) -> None:
    start, end = period_at(anchor, interval, count, moment)
    assert start <= moment < end
    assert period_at(anchor, interval, count, end)[0] == end


@pytest.mark.parametrize(
    ("full", "moment", "start", "end", "worth"),
    [
        (3252, 1598982148, 1596749288, 1599427688, 541),
        (1000, 1598982148, 1596749288, 1599427688, 166),
        (1500, 1648320097, 1648320096, 1650998496, 1500),
        (2000, 10, 0, 30, 1333),
        (5000, 10, 0, 30, 3333),
        (1, 1, 0, 2, 1),
        (2000, 40, 0, 30, 0),
    ],
)
def test_what_is_left_of_a_period_is_rounded_to_the_nearest_unit(
    full: int, moment: int, start: int, end: int, worth: int
) -> None:
    assert share(full, moment, start, end) == worth


@pytest.mark.parametrize(("mode", "amount"), [("graduated", 10 * 100 + 5 * 50), ("volume", 15 * 50)])
def test_tiers(mode: str, amount: int) -> None:
    tiers = [
        {"up_to": 10, "unit_amount_decimal": "100", "flat_amount_decimal": None},
        {"up_to": None, "unit_amount_decimal": "50", "flat_amount_decimal": None},
    ]
    assert cost({"billing_scheme": "tiered", "tiers_mode": mode, "_tiers": tiers}, 15) == amount


def test_money_for_people() -> None:
    assert [money(2000, "usd"), money(-150, "eur"), money(1000, "jpy"), money(5, "chf"), money(6150, "kwd")] == [
        "$20.00",
        "-€1.50",
        "¥1,000",
        "0.05 CHF",
        "6.150 KWD",
    ]


def test_every_test_card_passes_the_check_digit_and_every_magic_id_has_one() -> None:
    assert all(luhn(number) for number in CARDS)
    assert set(MAGIC.values()) <= set(CARDS)


@pytest.mark.parametrize(
    ("number", "month", "year", "cvc", "fields"),
    [
        ("4242424242424242", 12, 2030, "123", []),
        ("4242424242424242", 5, 2026, "1234", []),
        ("4242424242424241", 12, 2030, "123", ["card_number"]),
        ("4242", 12, 2030, None, ["card_number"]),
        ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", 12, 2030, None, ["card_number"]),
        ("4242424242424242", 13, 2030, "12", ["exp_month", "cvc"]),
        ("4242424242424242", None, None, "", ["exp_month", "exp_year", "cvc"]),
        ("4242424242424242", 4, 2026, "123", ["exp_month"]),
        ("4242424242424242", 4, 2025, "123", ["exp_year"]),
    ],
)
def test_card_details_are_checked_field_by_field(
    number: str, month: int | None, year: int | None, cvc: str | None, fields: list[str]
) -> None:
    assert [flaw.field for flaw in flaws(number, month, year, cvc, (2026, 5))] == fields


def test_nested_forms_are_decoded() -> None:
    assert decode("a=1&b[c][0][d]=2&b[c][1][d]=3&e[]=x&e[]=y&f=") == {
        "a": "1",
        "b": {"c": {"0": {"d": "2"}, "1": {"d": "3"}}},
        "e": {"0": "x", "1": "y"},
        "f": "",
    }


def test_changes_are_told_part_by_part_and_lists_whole() -> None:
    before = {"a": 1, "b": {"c": 1, "d": [1]}, "e": None, "same": 2}
    after = {"a": 1, "b": {"c": 2, "d": [1, 2]}, "e": 5, "same": 2, "new": 1}
    assert changed(before, after) == {"b": {"c": 1, "d": [1]}, "e": None, "new": None}
