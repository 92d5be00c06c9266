"""What the page of ways to pay shows. Pure: `now` is passed in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tollkeeper.billing import PaymentMethod, SavedMethod

from .payment_views import way_words

SOON = timedelta(days=30)
_DECEMBER = 12


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One way to pay. `good_until` is written `12 / 2034`, empty when it never ends; `state` empty: all is well."""

    id: str
    name: str
    good_until: str
    state: str
    tone: str
    is_default: bool


def method_rows(found: Iterable[SavedMethod], now: datetime) -> list[MethodRow]:
    """Return the ways to pay as they are listed."""
    return [_row(each, now) for each in found]


def _row(saved: SavedMethod, now: datetime) -> MethodRow:
    method = saved.method
    end = _end(method)
    state, tone = "", "neutral"
    if end is not None and end <= now:
        state, tone = "Expired", "bad"
    elif end is not None and end <= now + SOON:
        state, tone = "Expires soon", "warn"
    good_until = f"{method.exp_month:02} / {method.exp_year}" if end is not None else ""
    return MethodRow(saved.id, way_words(method), good_until, state, tone, saved.is_default)


def _end(method: PaymentMethod) -> datetime | None:
    """Return when a card stops being good: when its month is over."""
    if method.exp_month is None or method.exp_year is None:
        return None
    past = method.exp_month == _DECEMBER
    return datetime(method.exp_year + past, 1 if past else method.exp_month + 1, 1, tzinfo=UTC)
