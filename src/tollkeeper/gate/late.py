"""Usage reported after its period ended: by which plan it is measured, and until when it is taken. Pure.

The rule, the same for reporting and for correcting: usage belongs to the period it happened in, as the organization
stood at that moment, by the plan's limits of today. A period takes it until `TOLLKEEPER_LATE_USAGE` after its end, and
is closed from then on. Having been charged does not close a period: what changes until then is put on the next invoice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from tollkeeper.rating import Period

from .model import Access, PeriodClosedError

Past: TypeAlias = Sequence[tuple[datetime, Access]]
"""What an organization might use since when, newest first; the last entry holds for whatever was before."""


def access_at(past: Past, moment: datetime) -> Access:
    """Return what the organization might use at a moment."""
    return next((access for since, access in past if since <= moment), past[-1][1])


def closed_since(period: Period, late_for: timedelta) -> datetime:
    """Return when a period closes, or closed."""
    return period.end + late_for


def must_be_open(period: Period, now: datetime, late_for: timedelta) -> None:
    """Refuse what belongs to a closed period.

    Raises:
        PeriodClosedError: it is closed.
    """
    since = closed_since(period, late_for)
    if now >= since:
        raise PeriodClosedError(period, since)
