"""Stripe's prorations come out of our own arithmetic, so that a preview can be checked before Stripe is asked."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tollkeeper.kit import Money
from tollkeeper.rating import Interval, PercentOff, Period, boundary, change_plan, discount_lines, prorate

from .conftest import Table

Row = Mapping[str, Any]

# Cases of Stripe's table that hold no calculation of amounts or periods; the twin's gates hold them.
LIFE_CYCLE = {
    "rec-trial-14": "states of a trial",
    "rec-cancel-at-period-end": "states of a cancellation",
    "rec-reactivate": "states of a cancellation taken back",
    "rec-sca-incomplete": "states of a payment",
    "rec-credit-note-refund": "states of a credit note",
    "der-proration-none": "no proration is made",
    "der-end-trial-now": "the full price, on the day of the change",
    "der-free-to-paid": "the full price, on the day of the change",
}


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def lines(given: Row, when: int) -> dict[str, int]:
    """Credit, debit and net of a change at a moment, as far as the case has prices for them."""
    currency, quantity = given.get("currency", "usd"), given.get("quantity", 1)
    period = Period(moment(given["period_start"]), moment(given["period_end"]))
    old = Money(given["old_unit_amount"] * quantity, currency)
    new = Money(given.get("new_unit_amount", 0) * quantity, currency)
    if "new_period_end" in given:  # each price has a period of its own while the anchor stays
        later = Period(moment(given["new_period_start"]), moment(given["new_period_end"]))
        credit, debit = -prorate(old, period, moment(when)).amount, prorate(new, later, moment(when)).amount
    else:
        change = change_plan(old, new, period, moment(when))
        credit, debit = change.credit.amount, change.charge.amount
    return {"credit": credit, "debit": debit, "net": credit + debit}


def same(found: Mapping[str, int], wanted: Row) -> bool:
    return all(found[key] == wanted[key] for key in found if key in wanted)


def coupon(row: Row) -> bool:
    price, percent = Money(row["input"]["unit_amount"], "usd"), PercentOff(Decimal(row["input"]["percent_off"]))
    (off,) = discount_lines([price], percent)
    return (off.amount, (price - off).amount) == (row["expected"]["total_discount"], row["expected"]["total"])


def month_ends(row: Row) -> bool:
    anchor = datetime.fromisoformat(row["input"]["billing_cycle_anchor"])
    wanted = [datetime.fromisoformat(each) for each in row["expected"]["period_starts"]]
    return [boundary(anchor, Interval.MONTH, index) for index in range(len(wanted))] == wanted


def locked(row: Row) -> bool:
    given, wanted = row["input"], row["expected"]
    return (
        same(lines(given, given["preview_at"]), wanted["preview"])
        and same(lines(given, given["proration_date"]), wanted["update_with_proration_date"])
        and same(lines(given, given["update_at"]), wanted["update_without"])
    )


def debited(row: Row) -> bool:
    """Both of Stripe's modes: what was really debited (flexible, ours), and the price as it is (classic)."""
    given, wanted = row["input"], row["expected"]
    price = Money(given["unit_amount"], "usd")
    paid = price - discount_lines([price], PercentOff(Decimal(given["paid_with_coupon_percent_off"])))[0]
    period, when = Period(moment(given["period_start"]), moment(given["period_end"])), moment(given["proration_date"])
    found = [-prorate(amount, period, when).amount for amount in (paid, price)]
    return found == [wanted["flexible_credit"], wanted["classic_credit"]]


SPECIAL = {
    "rec-coupon-10-forever": coupon,
    "der-month-end-anchor": month_ends,
    "der-lock-preview": locked,
    "der-flex-credit-uses-original-debit": debited,
}


def plain(row: Row) -> bool:
    found = lines(row["input"], row["input"]["proration_date"])
    return "credit" in row["expected"] and same(found, row["expected"])


def test_stripes_amounts_and_periods(table: Table) -> None:
    rows = table("proration_cases")
    assert {row["id"] for row in rows} >= set(LIFE_CYCLE)
    calculated = [row for row in rows if row["id"] not in LIFE_CYCLE]
    assert len(calculated) == 13
    assert [row["id"] for row in calculated if not SPECIAL.get(row["id"], plain)(row)] == []
