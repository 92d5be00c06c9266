"""Values of figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tollkeeper.kit import Money


@dataclass(frozen=True, slots=True)
class Takings:
    """What paid invoices of one currency came to; `days` in minor units, days without any left out."""

    total: Money
    days: Mapping[date, int]


@dataclass(frozen=True, slots=True)
class Disputes:
    """How many disputes wait for evidence, at most `MOST`, and when the first has to be answered; None: none has."""

    count: int
    first_due: datetime | None
