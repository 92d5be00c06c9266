"""Pure decisions of the trail: what may be written down, and how a record is sealed."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from tollkeeper.infra.log import redact

from .model import Details, Head, Link

HIDDEN = "[redacted]"
FIRST = bytes(32)
"""What the first seal follows."""

_SECRETS = ("password", "secret", "token", "hash", "digest", "cookie", "authorization", "card_number", "cvc", "otp")


def written_down(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return values as JSON holds them, without what is called like a secret or looks like one."""
    return None if values is None else {key: _plain(key, value) for key, value in values.items()}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs between two states of a thing, as it was and as it is."""
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: before.get(key) for key in changed}, {key: after.get(key) for key in changed}


def _plain(key: str, value: Any) -> Any:
    if value is not None and not isinstance(value, bool) and key.lower().endswith(_SECRETS):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(name): _plain(str(name), each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain("", each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain("", each) for each in value), key=str)
    return _single(value)


def _single(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return redact(value).replace("\x00", "")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, date):  # moments, too
        return value.isoformat()
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    raise TypeError(f"the trail cannot hold a {type(value).__name__}")


def details_hash(details: Details) -> bytes:
    """Return what confirms the details of a record without telling anything of them."""
    return hashlib.sha256(details.salt + _canonical(details.content)).digest()


def seal(before: bytes, content: Mapping[str, Any], confirmed: bytes | None) -> bytes:
    """Return the seal of a record that follows the seal `before`. `confirmed` is its details' hash, None if erased."""
    return hashlib.sha256(before + _canonical(content) + (confirmed or b"")).digest()


def sealed_hash(details: Details | None) -> bytes | None:
    """Return the hash a seal keeps of these details: None when they were emptied before it was set."""
    return None if details is None or details.erased_by else details_hash(details)


def check_link(before: Head, link: Link) -> str | None:
    """Say what is wrong with a record or its seal, which should follow `before`; None when nothing is."""
    if link.sequence != before.sequence + 1:
        return f"the seals {before.sequence + 1} to {link.sequence - 1} were removed"
    if link.content is None:
        return "the record was removed"
    if seal(before.hash, link.content, link.details_hash) != link.hash:
        return "the record or its seal was changed"
    if link.details is None:
        return "its details were removed"
    if link.details.erased_by is None and details_hash(link.details) != link.details_hash:
        return "its details were changed"
    return None


def _canonical(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_told).encode()


def _told(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
