"""The layer every request passes: who calls, how often, and the short way to the hot path.

Order: version, identity, rate limit, then the hot routes or the application. A wrong credential does not end a
request here, since public routes do not care; it counts against the caller's address and is raised by whoever asks
for the actor.
"""

import time
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tollkeeper.identity import CSRF_HEADER, SESSION_COOKIE, check_csrf
from tollkeeper.infra import (
    Header,
    Runtime,
    Switch,
    Verdict,
    acting,
    as_tollkeeper_error,
    cookie_name,
    origin_of,
    pairs,
    problem_response,
)
from tollkeeper.kit import Actor, TollkeeperError, UnauthenticatedError

from .hot import hot_calls
from .impersonating import impersonator_of, lessened, must_only_look
from .model import CsrfError, InvalidKeyError, RateLimitedError, UncountedError
from .rates import AUTH, CHAT, group_of
from .service import Gate
from .suspended import left_to, must_not_be_suspended

KEY_PREFIX = "tk_"
VERSION_PREFIX = "/api/v1/"
# Deliveries prove themselves by signature and come in bursts from few addresses.
UNLIMITED_PATHS = frozenset({"/api/webhooks/stripe", "/api/health"})
# These prove by their own body who may do it; an old cookie sent along must not stand in the way.
COOKIELESS_PATHS = frozenset(
    {
        *("/api/auth/register", "/api/auth/login", "/api/auth/passkey", "/api/auth/passkey/options"),
        *("/api/auth/refresh", "/api/webhooks/stripe", "/api/csp-reports"),
        *("/api/auth/verify", "/api/auth/verify/resend", "/api/auth/password/strength"),
        *("/api/auth/password/forgot", "/api/auth/password/reset"),
    }
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE_NAME = SESSION_COOKIE.encode()  # with or without a prefix


class Sent(NamedTuple):
    """What the headers of a request offer as proof of who calls."""

    bearer: str | None
    session: str | None
    csrf: str | None


class Admission:
    """ASGI middleware around the application."""

    def __init__(self, app: ASGIApp, runtime: Runtime, gate: Gate) -> None:
        """Stand before `app`, with the gate of this process."""
        self._app = app
        self._runtime = runtime
        self._gate = gate
        self._limited = runtime.settings.rate_limits is Switch.ON

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(VERSION_PREFIX):
            path = scope["path"] = "/api/" + path.removeprefix(VERSION_PREFIX)
            scope["raw_path"] = path.encode()
        call = hot_calls.get((scope["method"], path))
        state = scope.setdefault("state", {})
        standing = b""
        try:
            actor = await self._identify(scope, state)
            await self._hold_if_suspended(scope, state, actor)
            standing = await self._limit(scope, actor)
            if call is None:
                structlog.contextvars.bind_contextvars(request_id=state.get("request_id"))
                with acting(lambda: origin_of(scope, actor, impersonator_of(state))):
                    await self._app(scope, receive, _adding(send, standing))
                return
            answer = await call(self._gate, _proven(state, actor), await _read_body(receive))
        except Exception as error:
            known = as_tollkeeper_error(error)
            if not path.startswith("/api/") or known.code == TollkeeperError.code:
                raise  # a page, or a fault of ours: the outermost layer answers both
            response = problem_response(known, state.get("request_id", ""))
            response.raw_headers.extend(pairs(standing))
            await response(scope, receive, send)
        else:
            size = (b"content-length", b"%d" % len(answer.body))
            await send(
                {"type": "http.response.start", "status": 200, "headers": [*pairs(answer.head + standing), size]}
            )
            await send({"type": "http.response.body", "body": answer.body})

    async def _identify(self, scope: Scope, state: dict[str, object]) -> Actor | None:
        sent = _read_headers(scope, _cookie_of(scope, self._runtime.settings.public_url))
        try:
            actor = await self._actor(scope, state, sent)
        except UnauthenticatedError as refusal:
            state["refusal"] = refusal
            return None
        if actor is not None:
            state["actor"] = actor
            self._gate.note_key_use(actor)
        return actor

    async def _actor(self, scope: Scope, state: dict[str, object], sent: Sent) -> Actor | None:
        now = self._runtime.clock.now()
        projection = self._gate.projection
        if sent.bearer is not None:
            if sent.bearer.startswith(KEY_PREFIX):
                client = scope.get("client")
                return await projection.actor_of_key(sent.bearer, now, client[0] if client else "")
            return await projection.actor_of_token(sent.bearer, now)
        if sent.session is None or scope["path"] in COOKIELESS_PATHS:
            return None
        session = await projection.session(sent.session, now)
        if session is None:
            if scope["path"].startswith("/api/"):
                raise InvalidKeyError("The session has ended; log in again.")
            return None
        state["session"] = session
        state["session_token"] = sent.session
        writes = scope["method"] not in SAFE_METHODS
        if (
            writes
            and scope["path"].startswith("/api/")
            and (sent.csrf is None or not check_csrf(sent.session, sent.csrf))
        ):
            raise CsrfError
        actor = await projection.actor_of_session(session)
        if session.impersonator_id is None:
            return actor
        must_only_look(scope["path"], writes=writes)
        return lessened(actor)

    async def _hold_if_suspended(self, scope: Scope, state: dict[str, object], actor: Actor | None) -> None:
        """Refuse what a suspended organization may not; pages it may see know by the actor which forms to leave out."""
        if actor is None or actor.is_operator:
            return
        access = await self._gate.access(actor.own_organization())
        if not access.standing.suspended:
            return
        must_not_be_suspended(actor, scope["path"], writes=scope["method"] not in SAFE_METHODS)
        if not scope["path"].startswith("/api/"):
            state["actor"] = left_to(actor)

    async def _limit(self, scope: Scope, actor: Actor | None) -> bytes:
        """Count the call; return the header lines that tell where the caller stands."""
        if not self._limited or not _is_limited(scope, actor):
            return b""
        client = scope.get("client")
        host, group = client[0] if client else "-", group_of(scope["method"], scope["path"])
        book = self._gate.rates
        if actor is None:
            rates = book.of_nobody(host, group)
        else:
            access = None if actor.is_operator else await self._gate.access(actor.own_organization())
            rates = book.of_caller(actor, access, host, group)
        if not rates:
            return b""
        verdict = await self._gate.throttle.hit(*rates)
        if not verdict.allowed:
            raise too_many(verdict)
        return rate_lines(verdict)


def _proven(state: dict[str, object], actor: Actor | None) -> Actor:
    if actor is None:
        refusal = state.get("refusal")
        raise refusal if isinstance(refusal, UnauthenticatedError) else UnauthenticatedError()
    return actor


async def _read_body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _is_limited(scope: Scope, actor: Actor | None) -> bool:
    path: str = scope["path"]
    if path.startswith("/api"):
        return path not in UNLIMITED_PATHS
    # Of pages, the forms: all of those who are not known, and logging in and signing up of everybody.
    return scope["method"] == "POST" and (actor is None or group_of("POST", path) is not None)


def rate_lines(verdict: Verdict) -> bytes:
    """The IETF RateLimit fields (window and reset in seconds) and the older X- names (reset in Unix seconds)."""
    name, limit, left, after = verdict.name.encode(), verdict.limit, verdict.remaining, verdict.reset_after
    return (
        b'ratelimit-policy: "%b";q=%d;w=60\r\nratelimit: "%b";r=%d;t=%d\r\n'
        b"x-ratelimit-limit: %d\r\nx-ratelimit-remaining: %d\r\nx-ratelimit-reset: %d\r\n"
    ) % (name, limit, name, left, after, limit, left, time.time() + after)


_WHOSE = {"key": " with this key", AUTH: " for logging in and signing up", CHAT: " to the assistant"}


def too_many(verdict: Verdict) -> TollkeeperError:
    """Return how a call that may not be made is refused."""
    if verdict.closed:
        return UncountedError(retry_after=verdict.reset_after)
    known = {name.decode(): value.decode() for name, value in pairs(rate_lines(verdict))}
    return RateLimitedError(
        f"{verdict.limit} calls a minute{_WHOSE.get(verdict.name, '')} are allowed; "
        f"try again in {verdict.reset_after} s.",
        headers={**known, "Retry-After": str(verdict.reset_after)},
        limit=verdict.limit,
        retry_after=verdict.reset_after,
    )


def _cookie_of(scope: Scope, public_url: str) -> str:
    https = public_url.startswith("https://") if public_url else scope.get("scheme") == "https"
    return cookie_name(SESSION_COOKIE, https=https)


def _read_headers(scope: Scope, cookie: str) -> Sent:
    bearer = session = csrf = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, credential = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer" and credential:
                bearer = credential.strip()
        elif name == b"cookie" and _COOKIE_NAME in value:
            session = _session_cookie(value.decode("latin-1"), cookie)
        elif name == CSRF_HEADER_BYTES:
            csrf = value.decode("latin-1")
    return Sent(bearer, session, csrf)


CSRF_HEADER_BYTES = CSRF_HEADER.lower().encode()


def _session_cookie(header: str, name: str) -> str | None:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found else None


def _adding(send: Send, standing: bytes) -> Send:
    if not standing:
        return send
    headers: list[Header] = pairs(standing)

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return add
