"""What a client does while the server does not answer, and what it remembers so as to decide that."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import httpx
import msgspec

from .cache import Cache
from .calls import Call
from .model import Balance, Check, Entitlement, Plan, Verification, document_of
from .retry import Outcome, is_passing, retry_after
from .spool import Entry, Replay, SendMany, Spool, SpoolError, Verdict

KEEP_TRYING_SECONDS = 5.0
"""After a failure calls that would be let through anyway are not tried for so long, so that nobody waits for them."""
LEARN_SECONDS = 600.0
SOONER_SECONDS = 30.0
CACHED_ENTRIES = 10_000
_log = logging.getLogger("tollkeeper_sdk.spool")
_UNAUTHENTICATED, _QUOTA_EXCEEDED, _FORBIDDEN, _INVALID, _SERVER_FAULT = 401, 402, 403, 422, 500


class OnOutage(StrEnum):
    """What track and check do for a feature while the server does not answer."""

    AUTO = "auto"
    """Open where no limit is hard (as far as the server told so far), closed otherwise."""
    OPEN = "open"
    """Let it through, marked `degraded`; a track is kept in the spool, and lost if there is none with room."""
    CLOSED = "closed"
    """Raise Unavailable."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long answers are believed (seconds; 0: not at all).

    `check`: an allowed check may be that old; off by default. `verify`: a good key may be that old, so a revoked one
    lives on so long. `refused`: the same for a key that is not good. `stale`: how old a verification may be while the
    server does not answer.
    """

    check: float = 0.0
    verify: float = 10.0
    refused: float = 2.0
    stale: float = 300.0


class Guard:
    """The decisions both clients share; it sends nothing itself. Safe between threads."""

    def __init__(
        self, on_outage: OnOutage | str | Mapping[str, OnOutage | str], keep: Keep, spool: Spool | None
    ) -> None:
        if isinstance(on_outage, Mapping):
            self._by_feature = {feature: OnOutage(each) for feature, each in on_outage.items()}
            self._otherwise = OnOutage.AUTO
        else:
            self._by_feature, self._otherwise = {}, OnOutage(on_outage)
        self._keep = keep
        self.spool = spool
        self._soft: frozenset[str] = frozenset()
        self._learn_at = 0.0
        self._learning = threading.Lock()
        self._down_until = 0.0
        self._checks: Cache[Check] = Cache(CACHED_ENTRIES)
        self._verified: Cache[Verification] = Cache(CACHED_ENTRIES)

    def lets_through(self, feature: str) -> bool:
        """Whether this feature is let through while the server does not answer."""
        told = self._by_feature.get(feature, self._otherwise)
        return told is OnOutage.OPEN or (told is OnOutage.AUTO and feature in self._soft)

    def should_learn(self) -> bool:
        """Whether it is time to ask which features are soft; at most one caller is told so at a time."""
        if self._otherwise is not OnOutage.AUTO or time.monotonic() < self._learn_at:
            return False
        with self._learning:
            due = time.monotonic() >= self._learn_at
            self._learn_at = time.monotonic() + SOONER_SECONDS
        return due

    def learn(self, found: Iterable[Entitlement | Plan]) -> None:
        """Note which features no entitlement limits hard."""
        hard, metered = set(), set()
        for each in found:
            if isinstance(each, Plan):
                metered |= {one.feature for one in each.entitlements if one.kind == "metered"}
                hard |= {one.feature for one in each.entitlements if one.hard and one.limit is not None}
            elif each.kind == "metered":
                metered.add(each.feature)
                if each.enforcement == "hard" and each.limit is not None:
                    hard.add(each.feature)
        self._soft = frozenset(metered - hard)
        self._learn_at = time.monotonic() + LEARN_SECONDS

    def skips(self, feature: str) -> bool:
        """Whether the server is known to be down and this feature is let through: then it is not even tried."""
        return time.monotonic() < self._down_until and self.lets_through(feature)

    def answered(self, *, well: bool) -> None:
        """Note whether the server did its work just now."""
        self._down_until = 0.0 if well else time.monotonic() + KEEP_TRYING_SECONDS

    def instead_of_track(self, call: Call[Balance]) -> Balance:
        """Let a use through: keep it in the spool (a blocking write) or, without one that has room, lose it.

        It does not wait for room, since nothing is sent while the server does not answer.
        """
        body = call.body or {}
        lost = Balance(body["feature"], degraded=True)
        if self.spool is None:
            return lost
        at = datetime.fromisoformat(body["at"]) if "at" in body else datetime.now(UTC)
        key, customer = body["idempotency_key"], body.get("customer")
        try:
            self.spool.append(body["feature"], body["count"], customer=customer, at=at, idempotency_key=key, wait=False)
        except SpoolError as error:
            _log.warning("A use of %s that was let through is lost: %s", body["feature"], error)
            return lost
        return Balance(body["feature"], degraded=True, spooled=True)

    def recent_check(self, feature: str, count: int, customer: str | None) -> Check | None:
        """Return what was answered to the same question not too long ago."""
        found = self._checks.get((customer, feature), self._keep.check)
        if found is None:
            return None
        check, age = found
        remaining = check.balance.remaining
        if not check.allowed or (remaining is not None and remaining < count):
            return None
        return msgspec.structs.replace(check, age_seconds=age)

    def note_check(self, customer: str | None, check: Check) -> Check:
        """Keep an answer for as long as checks may be old."""
        if self._keep.check:
            self._checks.put((customer, check.balance.feature), check)
        return check

    def note_use(self, feature: str, customer: str | None) -> None:
        """Forget what a use has made old."""
        self._checks.forget((customer, feature))

    def recent_verification(self, name: bytes) -> Verification | None:
        """Return what is known about a key well enough."""
        found = self._verified.get(name, max(self._keep.verify, self._keep.refused))
        if found is None:
            return None
        verification, age = found
        return verification if age < (self._keep.verify if verification.valid else self._keep.refused) else None

    def stale_verification(self, name: bytes) -> Verification | None:
        """Return what was last known about a key, for the time of an outage."""
        found = self._verified.get(name, self._keep.stale)
        return msgspec.structs.replace(found[0], stale=True) if found else None

    def note_verification(self, name: bytes, verification: Verification) -> Verification:
        """Keep what was answered about a key."""
        self._verified.put(name, verification)
        return verification


def name_of(key: str, feature: str | None, quantity: int) -> bytes:
    """What a verification is kept under; secrets themselves are not kept."""
    return hashlib.sha256(f"{key}\0{feature}\0{quantity}".encode()).digest()


def sender(client: httpx.Client, guard: Guard) -> Callable[[Entry], Verdict]:
    """Return what sends one entry of the spool, once; when to try again is for the replay to say."""

    def send(entry: Entry) -> Verdict:
        outcome: Outcome
        try:
            outcome = client.post("/api/usage/track", content=entry.body, headers={"Content-Type": "application/json"})
        except httpx.RequestError as error:
            return Verdict(reason=f"The server could not be reached: {error}")
        verdict = verdict_of(outcome)
        if verdict.taken:
            guard.answered(well=True)  # what was passed over while the server was down is tried again
        return verdict

    return send


class _Item(msgspec.Struct):
    """What the server says of one track among many."""

    status: str
    code: str | None = None
    detail: str | None = None


class _Items(msgspec.Struct):
    data: list[_Item]


def sender_of_many(client: httpx.Client, guard: Guard) -> SendMany:
    """Return what sends many entries of the spool in one call."""

    def send(entries: Sequence[Entry]) -> list[Verdict] | Verdict | None:
        content = b'{"items":[' + b",".join(entry.body for entry in entries) + b"]}"
        headers = {"Content-Type": "application/json"}
        try:
            outcome = client.post("/api/usage/track/batch", content=content, headers=headers)
        except httpx.RequestError as error:
            return Verdict(reason=f"The server could not be reached: {error}")
        verdict = verdict_of(outcome)
        if not verdict.taken:
            # What is wrong with the call as a whole, or with a server that does not know it, is found one by one.
            return None if verdict.refused or verdict.failed else verdict
        try:
            items = msgspec.json.decode(outcome.content, type=_Items).data
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if len(items) != len(entries):
            return None
        guard.answered(well=True)
        return [_verdict_of_item(item) for item in items]

    return send


def _verdict_of_item(item: _Item) -> Verdict:
    if item.status in ("recorded", "repeated"):
        return Verdict(taken=True)
    status = _QUOTA_EXCEEDED if item.status == "refused" else _INVALID
    return Verdict(refused=True, status=status, code=item.code or item.status, reason=item.detail or item.status)


def verdict_of(response: httpx.Response) -> Verdict:
    """What an answer means for an entry.

    A refused credential is no fault of the entry: all wait until the key is mended (or they are too old).
    """
    if response.is_success:
        return Verdict(taken=True)
    status = response.status_code
    problem = document_of(response.content)
    code, reason = str(problem.get("code", "unknown")), str(problem.get("detail") or problem.get("title") or status)
    if status in (_UNAUTHENTICATED, _FORBIDDEN) or is_passing(response) or status < 400:  # noqa: PLR2004 - refusals
        failed = status == _SERVER_FAULT
        return Verdict(failed=failed, status=status, code=code, reason=reason, retry_after=retry_after(response))
    return Verdict(
        refused=status < _SERVER_FAULT, failed=status >= _SERVER_FAULT, status=status, code=code, reason=reason
    )


def replay_of(spool: Spool, client: httpx.Client, guard: Guard) -> Replay:
    """Return a replay that sends with this client."""
    return Replay(spool, sender(client, guard), sender_of_many(client, guard))
