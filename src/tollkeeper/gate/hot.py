"""The two calls that come thousands of times a second, free of any web framework.

Admission calls them directly; the routes in `http` do the same for callers of the application, and describe them.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tollkeeper.infra import Answer
from tollkeeper.kit import Actor, Permission

from .model import Access, Balance, offer_document
from .schemas import read_check, read_track
from .service import Gate, quota_lines

_encode = msgspec.json.Encoder().encode
_JSON = b"content-type: application/json\r\n"

HotCall = Callable[[Gate, Actor, bytes], Awaitable[Answer]]


async def track(gate: Gate, actor: Actor, content: bytes) -> Answer:
    """Use something: decided exactly against the limit, and on disk when the answer comes."""
    actor.must(Permission.USAGE_WRITE)
    body = read_track(content)
    access = await gate.access(await gate.organization_of(actor, body.customer))
    balance = await gate.take(actor, access, body.feature, body.count, key=body.idempotency_key, at=body.at)
    return tracked(balance)


async def check(gate: Gate, actor: Actor, content: bytes) -> Answer:
    """Ask whether something may be used; records nothing."""
    actor.must(Permission.USAGE_READ)
    body = read_check(content)
    access = await gate.access(await gate.organization_of(actor, body.customer))
    allowed, balance = await gate.ask(access, body.feature, body.count)
    return checked(access, balance, allowed=allowed)


hot_calls: dict[tuple[str, str], HotCall] = {
    ("POST", "/api/usage/track"): track,
    ("POST", "/api/usage/check"): check,
}


def balance_document(balance: Balance) -> dict[str, Any]:
    """The balance as the API shows it."""
    return {
        "feature": balance.allowance.feature,
        "used": balance.used,
        "limit": balance.allowance.limit,
        "remaining": balance.remaining,
        "reset_at": balance.period.end,
    }


def tracked(balance: Balance) -> Answer:
    """The answer to a track that was admitted."""
    return _answer(balance_document(balance), balance)


def checked(access: Access, balance: Balance, *, allowed: bool) -> Answer:
    """The answer to a check."""
    document = {"allowed": allowed, **balance_document(balance)}
    if not allowed:
        document["upgrade"] = offer_document(access.offers.get(balance.allowance.feature))
    return _answer(document, balance)


def _answer(document: dict[str, Any], balance: Balance) -> Answer:
    return Answer(_JSON + quota_lines(balance), _encode(document))
