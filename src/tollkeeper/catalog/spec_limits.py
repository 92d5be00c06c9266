"""What the catalogue file says of a metered feature in a plan: how much, over which time, and what comes beside it."""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field

from tollkeeper.metering import ADDITIVE
from tollkeeper.rating import Charge

from .charges import ChargeSpec
from .model import Entitlement, EntitlementPeriod, Feature
from .spec_parts import MAX_LIMIT, Currency, Spec

SHORTEST_WINDOW = timedelta(minutes=1)
LONGEST_WINDOW = timedelta(days=366)
HIGHEST_THRESHOLD = 1000
MOST_THRESHOLDS = 20

_WINDOW = re.compile(r"([1-9][0-9]{0,5})(m|h|d)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
ENDLESS = (EntitlementPeriod.NEVER, EntitlementPeriod.ROLLING)
"""Periods without an end: nothing is left over then, nor charged."""
PERIOD_WORDS = {
    EntitlementPeriod.BILLING: "a billing period",
    EntitlementPeriod.CALENDAR_DAY: "a calendar day",
    EntitlementPeriod.CALENDAR_WEEK: "a calendar week",
    EntitlementPeriod.CALENDAR_MONTH: "a calendar month",
    EntitlementPeriod.CALENDAR_YEAR: "a calendar year",
    EntitlementPeriod.NEVER: "for ever",
}


def read_window(text: str) -> timedelta:
    """Return how long `90m`, `24h` or `30d` is.

    Raises:
        ValueError: it is not written so, or not between a minute and 366 days.
    """
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError("write a number and m, h or d: `90m`, `24h`, `30d`")
    window = int(found[1]) * _UNITS[found[2]]
    if not SHORTEST_WINDOW <= window <= LONGEST_WINDOW:
        raise ValueError("a window lasts at least 1m and at most 366d")
    return window


def window_in_words(window: timedelta) -> str:
    """Say how long a window is in its largest whole unit, a single one in the next smaller: `24 hours`, `7 days`."""
    for unit, name in (("d", "day"), ("h", "hour")):
        count, rest = divmod(window, _UNITS[unit])
        if count > 1 and not rest:
            return f"{count} {name}s"
    return f"{window // timedelta(minutes=1)} minutes" if window > timedelta(minutes=1) else "minute"


def _is_window(text: str) -> str:
    read_window(text)
    return text


def _ascend(told: tuple[int, ...]) -> tuple[int, ...]:
    if any(low >= high for low, high in pairwise(told)):
        raise ValueError("write them ascending, each once")
    return told


Amount: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=MAX_LIMIT)]
Percent: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=HIGHEST_THRESHOLD)]
Thresholds: TypeAlias = Annotated[tuple[Percent, ...], Field(max_length=MOST_THRESHOLDS), AfterValidator(_ascend)]


class LimitSpec(Spec):
    """How much of a metered feature. `limit: null` means unlimited; `overage` is a charge a currency.

    `window` is how far `period: rolling` looks back; `grace` how far beyond a hard limit still passes; `thresholds` at
    which percentages somebody is told (null: the usual ones); `rollover` the most that is carried into the next period;
    `per_member` how much each member may use, beside what all may together.
    """

    limit: Amount | None
    hard: Annotated[bool, Field(strict=True)] = True
    period: EntitlementPeriod = EntitlementPeriod.BILLING
    window: Annotated[str, AfterValidator(_is_window)] | None = None
    grace: Amount = 0
    thresholds: Thresholds | None = None
    rollover: Annotated[int, Field(strict=True, ge=1, le=MAX_LIMIT)] | None = None
    per_member: Amount | None = None
    overage: dict[Currency, ChargeSpec] = Field(default_factory=dict)

    def charges(self) -> dict[str, Charge]:
        """Return what usage beyond the limit costs by currency."""
        return {currency: spec.charge() for currency, spec in self.overage.items()}

    def entitlement(self, feature: Feature) -> Entitlement:
        """Return the entitlement it describes, but for its overage, which gets versions when it is stored."""
        return Entitlement(
            feature,
            limit=self.limit,
            hard=self.hard,
            period=self.period,
            window=read_window(self.window) if self.window else None,
            grace=self.grace,
            thresholds=self.thresholds,
            rollover=self.rollover,
            per_member=self.per_member,
        )


def period_in_words(entitlement: Entitlement) -> str:
    """Say over which time is counted: `a calendar day`, `any 24 hours`."""
    if entitlement.window is not None:
        return f"any {window_in_words(entitlement.window)}"
    return PERIOD_WORDS[entitlement.period]


def beside_in_words(entitlement: Entitlement) -> str:
    """Say what comes beside the limit, each part after a semicolon; empty when nothing does."""
    said = (
        (entitlement.grace, f"{entitlement.grace:,} more in grace"),
        (entitlement.rollover, f"up to {entitlement.rollover or 0:,} carried over"),
        (entitlement.per_member is not None, f"{entitlement.per_member or 0:,} a member"),
        (entitlement.thresholds is not None, f"told at {_percents(entitlement.thresholds or ())}"),
    )
    return "".join(f"; {words}" for there, words in said if there)


def _percents(told: tuple[int, ...]) -> str:
    return ", ".join(f"{each} %" for each in told) or "nothing"


def misfit_limit(feature: dict[Any, Any], value: dict[Any, Any]) -> str | None:
    """Return what contradicts itself in an unchecked limit of a metered feature; None when nothing does."""
    period, limited = value.get("period", EntitlementPeriod.BILLING), value.get("limit") is not None
    adds_up = feature.get("aggregation", "sum") in tuple(ADDITIVE)
    mistakes = (
        (period == EntitlementPeriod.ROLLING and not value.get("window"), "`period: rolling` needs a `window`, as 24h"),
        (period != EntitlementPeriod.ROLLING and value.get("window"), "a `window` belongs to `period: rolling`"),
        (period == EntitlementPeriod.ROLLING and not adds_up, "only what is a sum or a count can roll"),
        (value.get("grace") and not (limited and value.get("hard") is not False), "`grace` goes beyond a hard limit"),
        (value.get("rollover") and period in ENDLESS, "nothing is left over at the end of what has no end"),
        (value.get("rollover") and not limited, "nothing is left over of an unlimited amount"),
        (value.get("rollover") and not adds_up, "only what is a sum or a count can be left over"),
        (value.get("rollover") and value.get("overage"), "what costs beyond the limit does not carry over as well"),
    )
    return next((words for wrong, words in mistakes if wrong), None)
