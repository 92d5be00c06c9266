"""The quick way: checks and tracks with an API key, from the socket to the batch with nothing in between.

It takes only what needs no second look: a good key and its organization in memory, a sound body. Whatever else comes
goes through admission and the application, which decide every case, these included; a test holds both ways to the same
answers.
"""

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import structlog
import uuid_utils

from tollkeeper.infra import (
    DATA_HEADERS,
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
from .model import Access
from .refusing import quota_exceeded
from .rules import admits, balance_after, balance_of, balance_seen
from .schemas import Check, Track, read_check, read_track
from .service import Gate

_BEARER = b"Bearer " + KEY_PREFIX.encode()
_SCHEME = len(b"Bearer ")
log = structlog.get_logger(__name__)


class Reply(Protocol):
    """Where an answer goes: everything after the status line and the server's own headers."""

    def write(self, status: int, rest: bytes) -> None:
        """Send the answer."""
        ...


class _Caller(NamedTuple):
    actor: Actor
    request_id: bytes


class Quick:
    """The quick way of one process."""

    targets = frozenset({b"/api/usage/track", b"/api/usage/check", b"/api/v1/usage/track", b"/api/v1/usage/check"})

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        """Nothing is done before the first request."""
        self._runtime = runtime
        self._gate = gate
        self._limited = runtime.settings.rate_limits is Switch.ON
        self._lines = lines([*base_headers(https=runtime.settings.is_production), *DATA_HEADERS])

    def take(self, target: bytes, headers: list[Header], body: bytes, reply: Reply) -> bool:
        """Take a request; False: nothing was done, it has to go the ordinary way."""
        began = time.perf_counter()
        caller = self._identify(headers)
        if caller is None:
            return False
        try:
            return self._decide(target, caller, body, reply, began)
        except TollkeeperError:  # whatever is wrong, the ordinary way says it
            return False

    def _identify(self, headers: list[Header]) -> _Caller | None:
        secret, request_id = "", b""
        for name, value in headers:
            if name == b"authorization":
                if not value.startswith(_BEARER):
                    return None
                secret = value[_SCHEME:].decode("latin-1")
            elif name == b"x-request-id" and sane_request_id(value):
                request_id = value
        found = self._gate.projection.key_at_hand(secret)
        if found is None or found[0].problem(self._runtime.clock.now()):
            return None
        return _Caller(found[1], request_id or uuid_utils.uuid7().hex.encode())

    def _decide(self, target: bytes, caller: _Caller, body: bytes, reply: Reply, began: float) -> bool:
        if target.endswith(b"/track"):
            return self._track(caller, read_track(body), reply, began)
        return self._check(caller, read_check(body), reply, began)

    def _track(self, caller: _Caller, wish: Track, reply: Reply, began: float) -> bool:
        actor = caller.actor
        actor.must(Permission.USAGE_WRITE)
        access = self._access(actor, wish.customer)
        batches = self._gate.counters.consuming
        if access is None or batches.is_full:
            return False
        allowance, period, wanted = self._gate.consumption(
            actor, access, wish.feature, wish.count, key=wish.idempotency_key, at=wish.at, member=wish.member
        )

        def counted(standing: bytes) -> None:
            def done(outcome: Outcome | Exception) -> None:
                if isinstance(outcome, Exception):
                    self._refuse(reply, caller, standing, outcome, began)
                    return
                balance = balance_after(allowance, period, outcome, wanted.member_id)
                if outcome.verdict is Verdict.REFUSED:
                    refusal = quota_exceeded(access, balance, wish.count, of_member=outcome.of_member)
                    self._refuse(reply, caller, standing, refusal, began)
                else:
                    self._answer(reply, caller, standing, hot.tracked(balance), began)

            batches.put(wanted, done)

        self._count_call(caller, access, reply, began, counted)
        return True

    def _check(self, caller: _Caller, wish: Check, reply: Reply, began: float) -> bool:
        actor = caller.actor
        actor.must(Permission.USAGE_READ)
        access = self._access(actor, wish.customer)
        batches = self._gate.counters.checking
        if access is None or batches.is_full:
            return False
        allowance, period, counter = self._gate.counter(access, wish.feature, self._runtime.clock.now())
        if not allowance.is_plain:
            return False  # needs a second look

        def counted(standing: bytes) -> None:
            def done(found: Standing | Exception) -> None:
                if isinstance(found, Exception):
                    self._refuse(reply, caller, standing, found, began)
                    return
                balance = balance_of(allowance, period, found)
                if admits(balance, wish.count):
                    self._answer(reply, caller, standing, hot.checked(access, balance, allowed=True), began)
                else:  # credits may have some left
                    self._gate.counters.looking.put(Look(counter), looked)

            def looked(seen: Seen | Exception) -> None:
                if isinstance(seen, Exception):
                    self._refuse(reply, caller, standing, seen, began)
                    return
                balance = balance_seen(allowance, period, seen, None)
                answer = hot.checked(access, balance, allowed=admits(balance, wish.count))
                self._answer(reply, caller, standing, answer, began)

            batches.put(counter, done)

        self._count_call(caller, access, reply, began, counted)
        return True

    def _access(self, actor: Actor, customer: str | None) -> Access | None:
        """What the organization that is meant may use, when it is in memory."""
        organization_id = actor.organization_id
        if actor.is_operator:
            organization_id = self._gate.projection.customer_at_hand(customer) if customer else None
        elif customer is not None:
            return None
        return self._gate.projection.access_at_hand(organization_id) if organization_id else None

    def _count_call(
        self, caller: _Caller, access: Access, reply: Reply, began: float, counted: Callable[[bytes], None]
    ) -> None:
        """Count the call and the key's use, at once or, where Redis is asked, soon.

        One that may be made goes on in `counted` with the header lines about it, any other is refused here.
        """
        actor = caller.actor
        self._gate.note_key_use(actor)
        known = None if actor.is_operator else access
        rates = self._gate.rates.of_caller(actor, known, "", None) if self._limited else ()
        if not rates:
            counted(b"")
            return

        def told(verdict: Counted) -> None:
            if not verdict.allowed:
                self._refuse(reply, caller, b"", too_many(verdict), began)
                return
            standing = rate_lines(verdict)
            try:
                counted(standing)
            except Exception as error:  # noqa: BLE001 - by now somebody waits for an answer
                self._refuse(reply, caller, standing, error, began)

        self._gate.throttle.take(rates, told)

    def _answer(self, reply: Reply, caller: _Caller, standing: bytes, answer: Answer, began: float) -> None:
        head, body = answer
        own = b"x-request-id: %b\r\ncontent-length: %d\r\n\r\n" % (caller.request_id, len(body))
        reply.write(200, b"".join((head, standing, self._lines, own, body)))
        observe(200, time.perf_counter() - began)

    def _refuse(self, reply: Reply, caller: _Caller, standing: bytes, error: Exception, began: float) -> None:
        known = as_tollkeeper_error(error)
        if known.code == TollkeeperError.code:
            log.error("request failed", request_id=caller.request_id.decode(), exc_info=error)
        response = problem_response(known, caller.request_id.decode())
        own = (b"x-request-id", caller.request_id)
        rest = b"".join((lines([*response.raw_headers, own]), standing, self._lines, b"\r\n", bytes(response.body)))
        reply.write(known.status, rest)
        observe(known.status, time.perf_counter() - began)
