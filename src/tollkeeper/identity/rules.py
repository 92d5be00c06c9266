"""Pure decisions: what is a good e-mail address, password or key, and which token belongs to which."""

import hashlib
import hmac
import re
import secrets
import string
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from tollkeeper.infra import digest, same
from tollkeeper.kit import FieldProblem, InvalidInputError

from .model import KeyKind, Network
from .strength import strength_of

MAX_EMAIL = 254
MAX_NAME = 200
MIN_PASSWORD = 8
MAX_PASSWORD = 1024
MAX_KEY_LIFE = timedelta(days=3650)
MAX_NETWORKS = 50
_SHOWN_NETWORK = 60
# Emoji and some scripts need them between characters; the fillers are letters of which nothing is seen.
_JOINERS = frozenset("\u200c\u200d")
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
_MAPPED_BITS = 96

_MARKERS = {KeyKind.LIVE: "live", KeyKind.TEST: "test", KeyKind.OPERATOR: "op"}
_KINDS = {marker: kind for kind, marker in _MARKERS.items()}
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 32  # of 62: 190 random bits, of which the prefix and last four shown tell at most 48
_CHECK_CHARACTERS = 6
_SHOWN_CHARACTERS = 4
_KEY = re.compile(rf"(tk_(live|test|op)_[0-9A-Za-z]{{{_RANDOM_CHARACTERS}}})([0-9A-Za-z]{{{_CHECK_CHARACTERS}}})")


@dataclass(frozen=True, slots=True)
class Registration:
    """What somebody registers with, checked: `email` normalised, `name` never empty."""

    email: str
    name: str
    password: str


def check_registration(email: str, password: str, name: str | None = None) -> Registration:
    """Check everything a registration sends. A missing name becomes the part of the address before the `@`.

    Raises:
        InvalidInputError: naming every field that is wrong at once.
    """
    problems: list[FieldProblem] = []
    normal = email
    try:
        normal = normalise_email(email)
    except InvalidInputError as error:
        problems.extend(error.problems)
    problems.extend(password_problems(password, normal, name or ""))
    shown = clean_name(name or "")
    if len(shown) > MAX_NAME:
        problems.append(FieldProblem("name", f"must have at most {MAX_NAME} characters", "too_long"))
    if problems:
        raise InvalidInputError(problems)
    return Registration(normal, shown or normal.partition("@")[0], password)


def normalise_email(email: str) -> str:
    """Return the one spelling an address is kept and found by: NFC and lower case throughout.

    Raises:
        InvalidInputError: naming the field `email`.
    """
    try:
        # Syntax only: no DNS question to strangers, and `.test` (RFC 2606) stays usable for trying things out.
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidInputError([FieldProblem("email", f"is not an e-mail address: {error}", "email")]) from None
    normal = unicodedata.normalize("NFC", checked.normalized.lower())
    if len(normal) > MAX_EMAIL:
        raise InvalidInputError([FieldProblem("email", f"must have at most {MAX_EMAIL} characters", "too_long")])
    return normal


def clean_name(name: str) -> str:
    """Return a name without surrounding or doubled white space, control characters and marks that hide or turn text.

    A name of which nothing would be seen is empty: nobody is called like somebody else, or like nobody, by such marks.
    """
    shown = " ".join("".join(_visible(each) for each in name).split())
    return shown if any(unicodedata.category(each)[0] not in "CMZ" for each in shown) else ""


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if character in _FILLERS or (category == "Cf" and character not in _JOINERS) else character


def check_password(password: str, email: str, *about: str) -> None:
    """Check a new password of whoever has this address.

    Raises:
        InvalidInputError: naming the field `password`, and telling what would help.
    """
    problems = list(password_problems(password, email, *about))
    if problems:
        raise InvalidInputError(problems)


def password_problems(password: str, email: str, *about: str) -> Iterator[FieldProblem]:
    """Yield what is wrong with a new password; length and guessability are all that matters (NIST SP 800-63B)."""
    if len(password) < MIN_PASSWORD:
        yield FieldProblem("password", f"must have at least {MIN_PASSWORD} characters", "too_short")
    elif len(password) > MAX_PASSWORD:
        yield FieldProblem("password", f"must have at most {MAX_PASSWORD} characters", "too_long")
    elif password.lower() in {email.lower(), email.lower().partition("@")[0]}:
        yield FieldProblem("password", "must not be the e-mail address", "too_weak")
    elif not (strength := strength_of(password, email, *about)).is_enough:
        yield FieldProblem("password", f"is too easy to guess. {strength.advice}".strip(), "too_weak")


def check_time_zone(name: str) -> str:
    """Return the IANA time zone's name.

    Raises:
        InvalidInputError: naming the field `time_zone`.
    """
    if name != "UTC" and name not in _time_zones():
        raise InvalidInputError(
            [FieldProblem("time_zone", "is not an IANA time zone such as `Europe/Berlin`", "time_zone")]
        )
    return name


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_key_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Refuse an end of a key's life that is not ahead, or absurdly far ahead. None is no end.

    Raises:
        InvalidInputError: naming the field `expires_at`.
    """
    if expires_at is None:
        return
    if expires_at <= now:
        raise InvalidInputError([FieldProblem("expires_at", "must be in the future", "not_in_future")])
    if expires_at > now + MAX_KEY_LIFE:
        message = f"must be within {MAX_KEY_LIFE.days} days; leave it out for a key without an end"
        raise InvalidInputError([FieldProblem("expires_at", message, "too_far")])


def check_networks(given: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks a key may be used from, each once; single addresses are networks of one.

    Raises:
        InvalidInputError: naming the field `networks`, and everything in it that is no network.
    """
    found: dict[Network, None] = {}
    wrong = []
    for text in given:
        try:
            found[_as_met(ip_network(text.strip()))] = None
        except ValueError:
            wrong.append(text[:_SHOWN_NETWORK])
    if wrong:
        message = f"no address or network such as `192.0.2.0/24`: {', '.join(map(repr, wrong))}"
        raise InvalidInputError([FieldProblem("networks", message, "network")])
    if len(found) > MAX_NETWORKS:
        raise InvalidInputError([FieldProblem("networks", f"must be at most {MAX_NETWORKS}", "too_many")])
    return tuple(found)


def _as_met(network: Network) -> Network:
    """Return a network of IPv4 addresses that is written as one of IPv6 as what it is: so addresses are compared."""
    begin = network.network_address
    if isinstance(begin, IPv6Address) and begin.ipv4_mapped is not None and network.prefixlen >= _MAPPED_BITS:
        return ip_network((begin.ipv4_mapped, network.prefixlen - _MAPPED_BITS))
    return network


def is_within(networks: Sequence[Network], host: str) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def make_key_secret(kind: KeyKind) -> str:
    """Return a fresh secret, `tk_<kind>_<random><checksum>`, with 190 random bits."""
    body = f"tk_{_MARKERS[kind]}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return body + _checksum(body)


def key_kind_of(secret: str) -> KeyKind | None:
    """Return the kind of a well-formed secret; None when it is mistyped, cut off or no key at all.

    The checksum tells without a question to the database. It proves nothing: anybody can compute it.
    """
    matched = _KEY.fullmatch(secret)
    if matched is None or _checksum(matched[1]) != matched[3]:
        return None
    return _KINDS[matched[2]]


def key_digest(secret: str) -> bytes:
    """Return the 32 bytes under which a key's secret is kept and found."""
    return digest(secret)


def shown_parts(secret: str) -> tuple[str, str]:
    """Return the beginning and the last four characters, by which people tell keys apart."""
    body = secret.rindex("_") + 1
    return secret[: body + _SHOWN_CHARACTERS], secret[-_SHOWN_CHARACTERS:]


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(_CHECK_CHARACTERS):
        number, remainder = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[remainder])
    return "".join(reversed(digits))


def csrf_token(session_token: str) -> str:
    """Return the token a page of this session sends along with every write.

    It follows from the session's secret, so nothing needs keeping, and nobody without that secret can make it.
    """
    return hmac.new(session_token.encode(), b"tollkeeper csrf", hashlib.sha256).hexdigest()


def check_csrf(session_token: str, presented: str | None) -> bool:
    """Whether the write comes from a page of this session. None and anything malformed do not pass."""
    return presented is not None and same(csrf_token(session_token).encode(), presented.encode(errors="replace"))
