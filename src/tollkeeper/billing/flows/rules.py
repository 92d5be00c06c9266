"""Where a buyer may be sent back to, and when a change takes effect. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from tollkeeper.kit import FieldProblem, InvalidInputError
from tollkeeper.rating import Interval

from .model import ChangeAt

MAX_URL = 2000
PREVIEW_HOLDS = timedelta(hours=1)
"""How long what a preview said can be had: as of its moment, not of the moment of the change."""
_LENGTHS = {Interval.MONTH: 1, Interval.YEAR: 12}


class Level(NamedTuple):
    """What decides whether a change is one up or one down: the plan's place, the interval, the number of seats."""

    position: int
    interval: Interval
    quantity: int


def when(before: Level, after: Level) -> ChangeAt:
    """Return when a change takes effect unless somebody says otherwise.

    A higher plan, a longer interval and more seats are had at once; a lower plan, a shorter interval and fewer seats
    when what was paid for is used up. The plan decides first, then the interval, then the seats.
    """
    for old, new in (
        (before.position, after.position),
        (_LENGTHS[before.interval], _LENGTHS[after.interval]),
        (before.quantity, after.quantity),
    ):
        if new != old:
            return ChangeAt.NOW if new > old else ChangeAt.PERIOD_END
    return ChangeAt.NOW


def counted_from(as_of: datetime | None, *, period_start: datetime | None, now: datetime) -> datetime:
    """Return the moment that the parts of the period are counted from: the preview's, or now.

    Never before the period began: the provider's clock may be a little ahead of ours.

    Raises:
        InvalidInputError: `as_of` is later than that, too long ago, or before the period began.
    """
    latest = max(now, period_start or now)
    earliest = max(latest - PREVIEW_HOLDS, period_start or latest - PREVIEW_HOLDS)
    if as_of is None:
        return latest
    if not earliest <= as_of <= latest:
        raise InvalidInputError([FieldProblem("as_of", "Use the `as_of` of a preview made within the last hour.")])
    return as_of


def redirect_url(text: str | None, *, field: str, default: str, base: str, own_site_only: bool) -> str:
    """Return the absolute address to send the buyer back to.

    Args:
        text: as the caller wrote it, absolute or a path on our own site; None for the default.
        field: the field's name, for the error.
        default: path on our own site.
        base: our own origin, `https://host[:port]`.
        own_site_only: whether the caller is a browser, which somebody else's page may have driven here; callers with
            a key of their own decide themselves where their buyers go.

    Raises:
        InvalidInputError: not http(s), or not our own site where it must be.
    """
    if text is None:
        return base + default
    if len(text) > MAX_URL or "\\" in text or any(not sign.isprintable() or sign.isspace() for sign in text):
        raise _wrong(field, f"An address of at most {MAX_URL} characters without spaces is needed.")
    if text.startswith("/") and not text.startswith("//"):
        return base + text
    try:
        parts = urlsplit(text)
        origin = (parts.scheme.lower(), parts.hostname, parts.port)
    except ValueError:
        raise _wrong(field, "This is no address.") from None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise _wrong(field, "An absolute http or https address is needed.")
    ours = urlsplit(base)
    if own_site_only and origin != (ours.scheme, ours.hostname, ours.port):
        raise _wrong(field, f"From a browser session only addresses below {base} are taken.")
    return text


def _wrong(field: str, message: str) -> InvalidInputError:
    return InvalidInputError([FieldProblem(field, message, "url")])
