"""Pure decisions of an organization's own sign-on."""

import re
from collections.abc import Iterable

from tollkeeper.kit import FieldProblem, InvalidInputError

from .model import Domain

MAX_DOMAIN = 253
# Where everybody can have an address, nobody can speak for everybody.
PUBLIC_DOMAINS = frozenset(
    [
        "aol.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com", "live.com",
        "mail.com", "mail.ru", "me.com", "msn.com", "outlook.com", "proton.me", "protonmail.com", "qq.com", "web.de",
        "yahoo.com", "yandex.ru", "163.com", "126.com", "zoho.com", "fastmail.com", "hey.com", "tutanota.com",
    ]
)  # fmt: skip
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")


def check_domain(text: str) -> str:
    """Return a domain as it is kept: in ASCII and lower case.

    Raises:
        InvalidInputError: it is none, or one where everybody can have an address.
    """
    try:
        name = text.strip().rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        name = ""
    if len(name) > MAX_DOMAIN or not _DOMAIN.fullmatch(name):
        raise InvalidInputError([FieldProblem("domain", "is not a domain such as `example.com`", "domain")])
    if name in PUBLIC_DOMAINS:
        raise InvalidInputError(
            [FieldProblem("domain", "is one where everybody can have an address; nobody can claim it", "public_domain")]
        )
    return name


def domain_of(email: str) -> str:
    """Return the domain of a normalised address as domains are kept; empty when it cannot be one."""
    try:
        return email.rpartition("@")[2].encode("idna").decode()
    except UnicodeError:
        return ""


def is_shown(domain: Domain, records: Iterable[str]) -> bool:
    """Whether these TXT records say that the domain is the organization's."""
    return domain.record_value in {each.strip() for each in records}
