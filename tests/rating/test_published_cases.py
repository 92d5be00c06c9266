"""Numbers other systems publish come out here, but for rows whose rule is not ours: each is named with its reason."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tollkeeper.kit import Money
from tollkeeper.rating import (
    AmountOff,
    Charge,
    Discount,
    Graduated,
    Interval,
    Package,
    Percentage,
    PercentOff,
    Period,
    PerUnit,
    Proration,
    QuantityChange,
    TaxRate,
    Tier,
    Volume,
    allocate,
    change_interval,
    change_plan,
    discount_lines,
    next_boundary,
    percent_of,
    period_at,
    rate,
    rate_graduated_over_time,
    rate_payments,
    rate_volume_over_time,
    tax_line,
    to_money,
)

from .conftest import Table

Row = Mapping[str, Any]
HUNDRED = Decimal(100)

# Rows of the published tables that end differently here, with the reason. None does at present: where rules differ
# (docs/concepts/money.md), the tables at hand hold no row that tells them apart.
DIFFERENT: dict[str, str] = {}


def usd(amount: int) -> Money:
    return Money(amount, "usd")


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def compare(rows: Sequence[Row], results: Mapping[str, tuple[object, object]], expected_rows: int) -> None:
    """Every row was calculated, and all but those of another rule are as published."""
    assert set(results) == {row["id"] for row in rows}
    assert len(rows) == expected_rows
    wrong = {key: pair for key, pair in results.items() if pair[0] != pair[1]}
    assert set(wrong) == {key for key in results if key in DIFFERENT}, wrong


# -- charge models


def amount_by_tiers(row: Row) -> Decimal:
    tiers = tuple(Tier(Decimal(up_to) if up_to else None, Decimal(unit)) for up_to, unit in row["tiers"])
    model = (Graduated if row["model"] == "graduated" else Volume)(tiers, Decimal(row.get("billing_units", 1)))
    return rate(Charge(model), Decimal(row["units"]), credit=row.get("allow_negative", False)).exact


def test_autumns_tiers(table: Table) -> None:
    rows = table("autumn_tiers")
    compare(rows, {row["id"]: (amount_by_tiers(row), Decimal(row["expected"])) for row in rows}, 25)


def ranges(row: Row) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            None if each["to"] is None else Decimal(each["to"]),
            Decimal(each["unit"]) if "unit" in each else Decimal(each["rate"]) / HUNDRED,
            Decimal(each["flat"]),
        )
        for each in row["ranges"]
    )


def payments(row: Row) -> list[Decimal]:
    """The payments of a row; one that gives only totals is paid in equal parts."""
    if "event_amounts" in row:
        return [Decimal(each) for each in row["event_amounts"]]
    totals = [Decimal(each) for each in row["running_total_of_events"]]
    if not totals:
        return [Decimal(row["units"]) / row["events"]] * row["events"]
    totals = [Decimal(0), *totals, Decimal(row["units"])]
    return [after - before for before, after in pairwise(totals)]


def by_percentage(row: Row) -> Decimal:
    model = Percentage(
        Decimal(row["rate"]),
        Decimal(row["fixed_amount"]),
        row["free_events"],
        Decimal(row["free_units"] or 0) or None,
        minimum=Decimal(row["min"]) if row.get("min") else None,
        maximum=Decimal(row["max"]) if row.get("max") else None,
    )
    return rate_payments(model, payments(row)).exact


def lago(row: Row) -> Decimal | Fraction:
    model, units = row["model"], Decimal(row.get("units", 0))
    if model.startswith("percentage"):
        return by_percentage(row)
    if model == "standard":
        return rate(Charge(PerUnit(Decimal(row["unit"]))), units).exact
    if model == "package":
        package = Package(Decimal(row["package_size"]), Decimal(row["package_amount"]), Decimal(row["free_units"]))
        return rate(Charge(package), units).exact
    if model == "volume_prorated":
        return rate_volume_over_time(Volume(ranges(row)), Decimal(row["full_units"]), units).exact
    if model == "graduated_prorated":
        pairs = zip(row["event_units"], row["event_prorated_units"], strict=True)
        changes = [QuantityChange(Decimal(full), Decimal(part)) for full, part in pairs]
        return Fraction(to_money(rate_graduated_over_time(Graduated(ranges(row)), changes), "usd").amount, 100)
    tiers = Volume(ranges(row)) if model == "volume" else Graduated(ranges(row))
    return rate(Charge(tiers), units).exact


def test_lagos_charge_models(table: Table) -> None:
    rows = table("lago_charge_models")
    results = {row["id"]: (Fraction(lago(row)), Fraction(row["expected"])) for row in rows}
    compare(rows, results, 52)


# -- cycle ends


def test_autumns_cycle_ends(table: Table) -> None:
    rows = table("autumn_cycle_end")
    results: dict[str, tuple[object, object]] = {}
    for row in rows:
        quarter = row["interval"] == "quarter"
        interval = Interval.MONTH if quarter else Interval(row["interval"])
        anchor, now = (datetime.fromisoformat(row[key]) for key in ("anchor", "now"))
        end = next_boundary(anchor, interval, now, row["count"] * (3 if quarter else 1))
        results[row["id"]] = ({key: getattr(end, key) for key in row["expected_fields"]}, row["expected_fields"])
    compare(rows, results, 62)


# -- rounding, discount, tax by currency


def flexprice(row: Row) -> tuple[Money, Money]:
    currency = row["currency"].lower()
    scale = 10 ** Money(0, currency).decimals
    expected = to_money(Decimal(row["expected_tax"] if "expected_tax" in row else row["expected"]), currency)
    minor = Decimal(row["amount"]) * scale
    if row["kind"] == "round_currency":
        return to_money(Decimal(row["amount"]), currency), expected
    if row["kind"] == "percent_discount":
        return Money(percent_of(minor, Decimal(row["percent"])), currency), expected
    line = Money(int(minor), currency)
    if row["kind"] == "fixed_discount":
        return discount_lines([line], AmountOff(to_money(Decimal(row["off"]), currency)))[0], expected
    if row["kind"] == "discount_then_tax":
        line -= to_money(Decimal(row["discount"]), currency)
    return tax_line(line, [TaxRate(Decimal(row["percent"]))]).taxes[0], expected


def test_flexprices_rounding(table: Table) -> None:
    rows = table("flexprice_rounding")
    compare(rows, {row["id"]: flexprice(row) for row in rows}, 28)


# -- proration


def discount_of(told: Sequence[Any] | None) -> Discount:
    if told is None:
        return PercentOff(Decimal(0))
    kind, amount = told
    return PercentOff(Decimal(amount) / HUNDRED) if kind == "percentage" else AmountOff(usd(amount))


def after(lines: Sequence[int], discount: Discount) -> list[int]:
    money = [usd(line) for line in lines]
    return [(line - off).amount for line, off in zip(money, discount_lines(money, discount), strict=True)]


def month_of(row: Row) -> Period:
    start = at(row["cycle_start"])
    interval = Interval(row["old"].get("interval", "month")) if "old" in row else Interval.MONTH
    return period_at(start, interval, start)


def amounts(change: Proration) -> tuple[int, int]:
    return -change.credit.amount, change.charge.amount


def plan_change(row: Row) -> tuple[object, object]:
    """No line and a line of zero are the same amount."""
    old, new = usd(row["old"]["amount"]), usd(row["new"]["amount"])
    interval, moment = Interval(row["new"]["interval"]), at(row["change_at"])
    if row["old"]["interval"] == row["new"]["interval"]:
        change = change_plan(old, new, month_of(row), moment)
    else:
        change = change_interval(old, new, month_of(row), moment, interval=interval)
    return amounts(change), (row["expected_credit"] or 0, row["expected_debit"] or 0)


def reset(row: Row) -> tuple[object, object]:
    """A reset without credit is a new cycle: nothing is prorated."""
    moment = at(row["change_at"])
    change = change_interval(
        usd(0), usd(row["new"]["amount"]), month_of(row), moment, interval=Interval(row["new"]["interval"])
    )
    wanted = Period(*(at(day) for day in row["expected_new_period"]))
    return (amounts(change), change.period), ((0, row["expected_debit"]), wanted)


def with_discount(row: Row) -> tuple[object, object]:
    told = row["old_discount"] if row["new_discount"] == "unchanged" else row["new_discount"]
    (old,) = after([row["old_amount"]], discount_of(row["old_discount"]))
    (new,) = after([row["new_amount"]], discount_of(told))
    change = change_plan(usd(old), usd(new), month_of(row), at(row["change_at"]))
    return amounts(change), (row["expected_credit"], row["expected_debit"])


def seats_at_old_price(row: Row) -> tuple[object, object]:
    """Seats change now at the old price; the plan changes at the end of the cycle."""
    old, new = (usd(row["old_price_per_seat"] * row[key]) for key in ("old_seats", "new_seats"))
    net = change_plan(old, new, month_of(row), at(row["change_at"])).net.amount
    sign = 1 if row["expected_direction"] == "debit" else -1
    renewal = rate(Charge(PerUnit(Decimal(row["new_price_per_seat"]))), row["new_seats"]).amount
    return (net, renewal), (sign * row["expected_proration"], row["expected_amount_after_cycle"])


def shared_discount(row: Row) -> Discount:
    told = row["discount"]
    return discount_of([told["type"], told["amount"] if told["type"] == "fixed" else told["basis_points"]])


def composed(row: Row) -> tuple[object, object]:
    sides = [after([row[key]["fixed"], row[key]["seat"]], shared_discount(row)) for key in ("old", "new")]
    lines = [change_plan(usd(old), usd(new), month_of({"cycle_start": row["cycle_start"]}), at(row["change_at"]))
             for old, new in zip(*sides, strict=True)]  # fmt: skip
    wanted = row["expected"]
    names = ("fixed", "seat")
    return [amounts(line) for line in lines], [(wanted[f"credit_{x}"], wanted[f"debit_{x}"]) for x in names]


def composed_seats(row: Row) -> tuple[object, object]:
    discount = shared_discount(row)
    _, old = after([row["fixed"], row["price_per_seat"] * row["old_seats"]], discount)
    _, new = after([row["fixed"], row["price_per_seat"] * row["new_seats"]], discount)
    return change_plan(usd(old), usd(new), month_of(row), at(row["change_at"])).net.amount, row["expected_debit"]


def tiered_seats(row: Row) -> tuple[object, object]:
    tiers = tuple(Tier(None if bound is None else Decimal(bound), Decimal(unit)) for bound, unit in row["seat_tiers"])
    return row["fixed"] + rate(Charge(Graduated(tiers)), row["seats"]).amount, row["expected_amount"]


def renewal(row: Row) -> tuple[object, object]:
    """Credits and charges hold their discount already; only the new cycle's line is discounted here."""
    rates = [TaxRate(Decimal(row["tax_rate"]) * HUNDRED)]
    cycle = [line["cycle"] for line in row["lines"] if "cycle" in line]
    others = [line["amount"] if "amount" in line else line.get("debit", 0) - line.get("credit", 0)
              for line in row["lines"] if "cycle" not in line]  # fmt: skip
    discounted = after(cycle, shared_discount(row)) if "discount" in row else cycle
    tax = sum(tax_line(usd(line), rates).taxes[0].amount for line in [*others, *discounted])
    found = {"discount": sum(cycle) - sum(discounted), "subtotal": sum(cycle) + sum(others), "tax": tax}
    return {key: found[key] for key in row["expected"]}, row["expected"]


POLAR = {
    "plan_change": plan_change,
    "plan_change_reset": reset,
    "plan_change_with_discount": with_discount,
    "seat_change_with_scheduled_plan_change": seats_at_old_price,
    "composed_price_discount": composed,
    "composed_price_discount_seats": composed_seats,
    "amount": tiered_seats,
    "renewal_order": renewal,
}


def test_polars_prorations(table: Table) -> None:
    rows = table("polar_proration")
    compare(rows, {row["id"]: POLAR[row["kind"]](row) for row in rows}, 33)


def test_a_share_is_allocated_as_polar_does(table: Table) -> None:
    row = next(row for row in table("polar_proration") if row["id"] == "product_change_fixed_discount_distributes")
    assert allocate(row["discount"]["amount"], [row["old"]["fixed"], row["old"]["seat"]]) == [3000, 6000]
