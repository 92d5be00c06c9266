"""Pure decisions about further proofs: which code is right, how long wrong ones wait, for whom passkeys are."""

import re
import secrets
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import pyotp
from pyotp.exceptions import OTPVerificationError

from .model import PasskeysUnavailableError, RelyingParty

# Clocks of phones are off by seconds and people type slowly: the code before and the one after are taken as well.
STEPS_AROUND = 1
FREE_FAILURES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)

_TOTP = re.compile(r"[0-9]{6}")
# Crockford's base 32: no letter that is read as another. 25 of them are 125 bits, which SHA-256 keeps well.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS, _GROUP = 5, 5
_MISREAD = str.maketrans("oil", "011")


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the number of the thirty seconds this code of six digits belongs to; None when it is not right now."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=STEPS_AROUND)
    except OTPVerificationError:
        return None


def totp_code(typed: str) -> str | None:
    """Return the six digits somebody typed, without the spaces apps show; None when it cannot be such a code."""
    digits = re.sub(r"[\s-]", "", typed)
    return digits if _TOTP.fullmatch(digits) else None


def make_recovery_code() -> str:
    """Return a fresh code as people see it, in groups."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def plain_recovery_code(typed: str) -> str:
    """Return a code as it is digested: without groups, in lower case, with letters misread put right."""
    return re.sub(r"[^0-9a-z]", "", typed.lower()).translate(_MISREAD)


def wait_until(in_a_row: int, failed_at: datetime, *, free: int = FREE_FAILURES) -> datetime:
    """Return when the next proof is looked at after so many wrong ones, the last at `failed_at`.

    Some are `free`. Then it takes half a minute, doubling up to a quarter of an hour: a guesser of six digits comes to
    some hundred tries a day, three of which in a million are right.
    """
    if in_a_row < free:
        return failed_at
    doublings = min(in_a_row - free, 10)
    wait: timedelta = FIRST_WAIT * 2**doublings
    return failed_at + min(wait, LONGEST_WAIT)


def relying_party(base_url: str) -> RelyingParty:
    """Return for whom passkeys of the server at this address are.

    Raises:
        PasskeysUnavailableError: the host is a number, which browsers refuse.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return RelyingParty(host, f"{parts.scheme}://{parts.netloc}".lower())
    raise PasskeysUnavailableError
