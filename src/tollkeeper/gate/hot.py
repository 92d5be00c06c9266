"""The two calls that come thousands of times a second, free of any web framework.

Admission calls them directly; the routes in `http` do the same for callers of the application, and describe them.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tollkeeper.infra import Answer
from tollkeeper.kit import Actor, Permission

from .model import Access, Balance, offer_document
from .refusing import quota_lines
from .schemas import read_check, read_track
from .service import Gate

_encode = msgspec.json.Encoder().encode
_JSON = b"content-type: application/json\r\n"

HotCall = Callable[[Gate, Actor, bytes], Awaitable[Answer]]


async def track(gate: Gate, actor: Actor, content: bytes) -> Answer:
    """Use something: decided exactly against the limit, and on disk when the answer comes."""
    actor.must(Permission.USAGE_WRITE)
    body = read_track(content)
    access = await gate.to_use(actor, body.customer)
    balance = await gate.take(
        actor, access, body.feature, body.count, key=body.idempotency_key, at=body.at, member=body.member
    )
    return tracked(balance)


async def check(gate: Gate, actor: Actor, content: bytes) -> Answer:
    """Ask whether something may be used; records nothing."""
    actor.must(Permission.USAGE_READ)
    body = read_check(content)
    access = await gate.to_use(actor, body.customer)
    allowed, balance = await gate.ask(actor, access, body.feature, body.count, member=body.member)
    return checked(access, balance, allowed=allowed)


hot_calls: dict[tuple[str, str], HotCall] = {
    ("POST", "/api/usage/track"): track,
    ("POST", "/api/usage/check"): check,
}


def balance_document(balance: Balance) -> dict[str, Any]:
    """The balance as the API shows it."""
    document: dict[str, Any] = {
        "feature": balance.allowance.feature,
        "used": balance.used,
        "limit": balance.limit,
        "remaining": balance.remaining,
        "reset_at": balance.period.end,
    }
    if balance.allowance.rollover is not None:
        document["carried"] = balance.carried
    if balance.credits is not None:
        document["credits"] = balance.credits
    if balance.member is not None:
        share = balance.member
        document["member"] = {"id": share.member_id, "used": share.used, "limit": share.limit}
        document["member"]["remaining"] = share.remaining
    return document


def tracked(balance: Balance) -> Answer:
    """The answer to a track that was admitted."""
    return _answer(balance_document(balance), balance)


def checked(access: Access, balance: Balance, *, allowed: bool) -> Answer:
    """The answer to a check."""
    document = {"allowed": allowed, **balance_document(balance)}
    if not allowed:
        document["upgrade"] = offer_document(access.purchase.offers.get(balance.allowance.feature))
    return _answer(document, balance)


def _answer(document: dict[str, Any], balance: Balance) -> Answer:
    return Answer(_JSON + quota_lines(balance), _encode(document))
