"""Numbers, money and dates as the reader writes them. The words of the pages stay English."""

from contextvars import ContextVar
from copy import copy
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import NumberPattern, format_compact_decimal, format_decimal

from tollkeeper.kit import Money

ENGLISH = Locale("en")
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
_JUST_NOW = 45
_NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"})
"""Two letters that mean something, but no country of ISO 3166."""
_READER: ContextVar[str] = ContextVar("tollkeeper_reader_locale", default="")


def written_for(tag: str) -> None:
    """Have what follows in this request written for this language tag (`de-AT`); empty or unknown: for English."""
    _READER.set(tag)


@lru_cache(maxsize=256)
def _known(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag, sep="-") if tag else None
    except (UnknownLocaleError, ValueError):
        return None


def _reader() -> Locale:
    return _known(_READER.get()) or ENGLISH


def number(value: int | Decimal) -> str:
    """Write a number whole: `12,345`."""
    return format_decimal(value, locale=_reader())


def compact(value: int) -> str:
    """Write a number short: `12K`, `1.3M`; below ten thousand whole."""
    if abs(value) < 10_000:  # noqa: PLR2004 - four digits are read at a glance
        return number(value)
    return format_compact_decimal(value, fraction_digits=1, locale=_reader())


def percent(part: float) -> str:
    """Write a part of one as per cent: `0.125` is `12.5%`."""
    written: str = _with_digits(_reader().percent_formats[None], 0, 1).apply(part, _reader())
    return written


def exact(value: Money) -> str:
    """Write an amount to the last digit, as on an invoice: `$20.00`, `-€3.50`, `12.00 SEK`."""
    return _written(value, value.decimals)


def amount(value: Money) -> str:
    """Write a price the way a shop does, without cents where there are none: `$20`, `€9.50`, `12.00 SEK`."""
    is_whole = value.currency in SYMBOLS and value.amount % 10**value.decimals == 0
    return _written(value, 0 if is_whole else value.decimals)


def _written(value: Money, digits: int) -> str:
    shown = Decimal(value.amount).scaleb(-value.decimals)
    locale = _known(_READER.get())
    if locale is None:
        symbol, sign = SYMBOLS.get(value.currency), "-" if shown < 0 else ""
        return f"{sign}{symbol}{abs(shown):,.{digits}f}" if symbol else str(value)
    # How many digits a currency has is the provider's to say (its minor units), not a country's.
    pattern = _with_digits(locale.currency_formats["standard"], digits, digits)
    written: str = pattern.apply(shown, locale, currency=value.currency.upper(), currency_digits=False)
    return written


@cache
def _with_digits(pattern: NumberPattern, least: int, most: int) -> NumberPattern:
    """Return the pattern with so many digits behind the point."""
    made = copy(pattern)
    made.frac_prec = (least, most)
    return made


def day(at: datetime) -> str:
    """Write a day of UTC: `3 Mar 2026`."""
    if _known(_READER.get()) is None:
        return f"{at.astimezone(UTC):%-d %b %Y}"
    return format_date(at.astimezone(UTC), "medium", locale=_reader())


def minute(at: datetime) -> str:
    """Write a moment to the minute, in UTC: `3 Mar 2026, 14:05 UTC`."""
    if _known(_READER.get()) is None:
        return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
    clock = format_datetime(at.astimezone(UTC), "HH:mm", locale=_reader())
    return f"{day(at)}, {clock} UTC"


def ago(at: datetime, now: datetime) -> str:
    """Say how long ago or ahead a moment is: `3 minutes ago`, `in 2 days`, `just now`."""
    away = at - now
    if abs(away.total_seconds()) < _JUST_NOW:
        return "just now"
    return format_timedelta(away, add_direction=True, locale=ENGLISH)


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Return the two letters of each country and its name, by name."""
    known = ENGLISH.territories.items()  # parts of the world, too, by their numbers
    found = [(code, name) for code, name in known if code.isalpha() and code not in _NO_COUNTRIES]
    return tuple(sorted(found, key=lambda each: each[1]))
