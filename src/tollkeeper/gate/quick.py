"""The quick way: checks and tracks with an API key, from the socket to the batch with nothing in between.

It takes only what needs no second look: a good key and its organization in memory, a sound body. Whatever else comes
goes through admission and the application, which decide every case, these included; a test holds both ways to the same
answers.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

import structlog
import uuid_utils

from tollkeeper.infra import (
    DATA_HEADERS,
    VERSION_HEADER,
    VERSION_LINE,
    Answer,
    Header,
    Runtime,
    Switch,
    as_tollkeeper_error,
    base_headers,
    lines,
    observe,
    problem_response,
    sane_request_id,
)
from tollkeeper.infra import Verdict as Counted
from tollkeeper.kit import Actor, Permission, TollkeeperError
from tollkeeper.metering import Look, Outcome, Seen, Standing, Verdict

from . import hot
from .admission import KEY_PREFIX, rate_lines, too_many
from .model import Access, Balance
from .queueing import Say
from .refusing import quota_exceeded
from .rules import admits, balance_after, balance_of, balance_seen, must_be_counted_by_number
from .schemas import Check, Track, read_check, read_track
from .service import Gate

_BEARER = b"Bearer " + KEY_PREFIX.encode()
_SCHEME = len(b"Bearer ")
# From a page of another origin, or for a version by name: both are answered with more than this way knows.
_SECOND_LOOK = frozenset({b"origin", VERSION_HEADER})
log = structlog.get_logger(__name__)


class Reply(Protocol):
    """Where an answer goes: everything after the status line and the server's own headers."""

    def write(self, status: int, rest: bytes) -> None:
        """Send the answer."""
        ...


class _Call:
    """One request on the quick way, from a good key to the answer. `verdict` is where its caller's rate stands."""

    __slots__ = ("_began", "_id", "_lines", "_reply", "actor", "verdict")

    def __init__(self, actor: Actor, sent_id: bytes, reply: Reply, began: float, lines_of_all: bytes) -> None:
        self.actor = actor
        self.verdict: Counted | None = None
        self._id = sent_id
        self._reply = reply
        self._began = began
        self._lines = lines_of_all

    def answer(self, answer: Answer) -> Say:
        """Return what sends the answer."""
        head, body = answer
        own = b"x-request-id: %b\r\ncontent-length: %d\r\n\r\n" % (self._request_id(), len(body))
        return partial(self._send, 200, b"".join((head, self._standing(), self._lines, own, body)))

    def refusal(self, error: Exception) -> Say:
        """Return what sends a refusal."""
        return partial(self.refuse, error)

    def refuse(self, error: Exception) -> None:
        """Send a refusal."""
        known, request_id = as_tollkeeper_error(error), self._request_id()
        if known.code == TollkeeperError.code:
            log.error("request failed", request_id=request_id.decode(), exc_info=error)
        response = problem_response(known, request_id.decode())
        head = lines([*response.raw_headers, (b"x-request-id", request_id)])
        standing = self._standing()
        self._send(known.status, b"".join((head, standing, self._lines, b"\r\n", bytes(response.body))))

    def _request_id(self) -> bytes:
        return self._id or uuid_utils.uuid7().hex.encode()

    def _standing(self) -> bytes:
        return rate_lines(self.verdict) if self.verdict is not None and self.verdict.allowed else b""

    def _send(self, status: int, rest: bytes) -> None:
        self._reply.write(status, rest)
        observe(status, time.perf_counter() - self._began)


class Quick:
    """The quick way of one process."""

    targets = frozenset({b"/api/usage/track", b"/api/usage/check", b"/api/v1/usage/track", b"/api/v1/usage/check"})

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        """Nothing is done before the first request."""
        self._runtime = runtime
        self._gate = gate
        self._limited = runtime.settings.rate_limits is Switch.ON
        self._lines = lines([*base_headers(https=runtime.settings.is_production), *DATA_HEADERS, VERSION_LINE])

    def take(self, target: bytes, headers: list[Header], body: bytes, reply: Reply) -> bool:
        """Take a request; False: nothing was done, it has to go the ordinary way."""
        began = time.perf_counter()
        found = self._identify(headers)
        if found is None:
            return False
        call = _Call(*found, reply, began, self._lines)
        try:
            if target.endswith(b"/track"):
                return self._track(call, read_track(body))
            return self._check(call, read_check(body))
        except TollkeeperError:  # whatever is wrong, the ordinary way says it
            return False

    def _identify(self, headers: list[Header]) -> tuple[Actor, bytes] | None:
        """Return who calls, and the request's id if a sane one was sent; None when that takes a second look."""
        secret, request_id = "", b""
        for name, value in headers:
            if name == b"authorization":
                if not value.startswith(_BEARER):
                    return None
                secret = value[_SCHEME:].decode("latin-1")
            elif name == b"x-request-id" and sane_request_id(value):
                request_id = value
            elif name in _SECOND_LOOK:
                return None
        found = self._gate.projection.key_at_hand(secret)
        # Where a key may be used from is for the ordinary way to see, which knows of proxies.
        if found is None or found[0].networks or found[0].problem(self._runtime.clock.now()):
            return None
        return found[1], request_id

    def _track(self, call: _Call, wish: Track) -> bool:
        actor = call.actor
        actor.must(Permission.USAGE_WRITE)
        access = self._access(actor, wish.customer)
        batches = self._gate.counters.consuming
        if access is None or batches.is_full:
            return False
        allowance, period, wanted = self._gate.consumption(
            actor, access, wish.feature, wish.count, key=wish.idempotency_key, at=wish.at, member=wish.member
        )
        must_be_counted_by_number(allowance)

        def done(outcome: Outcome | Exception) -> Say:
            if isinstance(outcome, Exception):
                return call.refusal(outcome)
            balance = balance_after(allowance, period, outcome, wanted.member_id)
            if outcome.verdict is Verdict.REFUSED:
                return call.refusal(quota_exceeded(access, balance, wish.count, of_member=outcome.of_member))
            return call.answer(hot.tracked(balance))

        self._count(call, access, lambda: batches.put(wanted, done))
        return True

    def _check(self, call: _Call, wish: Check) -> bool:
        actor = call.actor
        actor.must(Permission.USAGE_READ)
        access = self._access(actor, wish.customer)
        batches = self._gate.counters.checking
        if access is None or batches.is_full:
            return False
        allowance, period, counter = self._gate.counter(access, wish.feature, self._runtime.clock.now())
        if not allowance.is_plain:
            return False  # needs a second look

        def done(found: Standing | Exception) -> Say:
            if isinstance(found, Exception):
                return call.refusal(found)
            balance = balance_of(allowance, period, found)
            if admits(balance, wish.count):
                return call.answer(hot.checked(access, balance, allowed=True))
            return look  # credits may have some left

        def look() -> None:
            self._look(
                call, Look(counter), lambda seen: balance_seen(allowance, period, seen, None), access, wish.count
            )

        self._count(call, access, lambda: batches.put(counter, done))
        return True

    def _look(
        self, call: _Call, wanted: Look, balance_in: Callable[[Seen], Balance], access: Access, count: int
    ) -> None:
        """Answer a check by all that bears on its counter."""

        def done(seen: Seen | Exception) -> Say:
            if isinstance(seen, Exception):
                return call.refusal(seen)
            balance = balance_in(seen)
            return call.answer(hot.checked(access, balance, allowed=admits(balance, count)))

        try:
            self._gate.counters.looking.put(wanted, done)
        except TollkeeperError as error:
            call.refuse(error)

    def _access(self, actor: Actor, customer: str | None) -> Access | None:
        """What the organization that is meant may use, when it is in memory."""
        organization_id = actor.organization_id
        if actor.is_operator:
            organization_id = self._gate.projection.customer_at_hand(customer) if customer else None
        elif customer is not None:
            return None
        access = self._gate.projection.access_at_hand(organization_id) if organization_id else None
        return None if access is None or access.standing.suspended else access

    def _count(self, call: _Call, access: Access, go_on: Callable[[], None]) -> None:
        """Count the call and the key's use, at once or, where Redis is asked, soon.

        One that may be made goes on, any other is refused here.
        """
        actor = call.actor
        self._gate.note_key_use(actor)
        known = None if actor.is_operator else access
        rates = self._gate.rates.of_caller(actor, known, "", None) if self._limited else ()
        if not rates:
            go_on()
            return

        def told(verdict: Counted) -> None:
            call.verdict = verdict
            if not verdict.allowed:
                call.refuse(too_many(verdict))
                return
            try:
                go_on()
            except Exception as error:  # noqa: BLE001 - by now somebody waits for an answer
                call.refuse(error)

        self._gate.throttle.take(rates, told)
