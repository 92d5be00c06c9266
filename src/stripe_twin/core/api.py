"""The HTTP side of the API: keys, version, parameters, idempotency, errors, and how an operation becomes an answer."""

import asyncio
import base64
import binascii
import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_twin.core import ids
from stripe_twin.core.errors import StripeError, invalid, unauthorized
from stripe_twin.core.expand import expand
from stripe_twin.core.json import Json, compact, pretty
from stripe_twin.core.operations import OPERATIONS, Operation
from stripe_twin.core.params import decode
from stripe_twin.core.store import Answer
from stripe_twin.core.twin import Twin
from stripe_twin.core.unit import Cause, Unit
from stripe_twin.core.version import API_VERSION

log = logging.getLogger("stripe_twin")
_MAX_BODY = 1024 * 1024
_TEST_KEY = re.compile(r"(sk|rk)_test_\w+")
_LIVE_KEY = re.compile(r"(sk|rk|pk)_live_")
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class Call:
    """One request to the API, parsed."""

    request_id: str
    operation: Operation
    path: dict[str, str]
    address: str
    raw: Json
    key: str | None

    @property
    def fingerprint(self) -> str:
        """What must be the same when an idempotency key is used again."""
        return hashlib.sha256(compact([self.address, self.raw]).encode()).hexdigest()


def routes(twin: Twin) -> list[Route]:
    """One route per path of the table of operations, fixed paths before those with ids."""
    by_path: dict[str, dict[str, Operation]] = defaultdict(dict)
    for entry in OPERATIONS:
        by_path[entry.path][entry.method] = entry
    ordered = sorted(by_path, key=lambda path: (path.count("{"), path))
    return [Route(path, _endpoint(twin, by_path[path]), methods=list(by_path[path])) for path in ordered]


def _endpoint(twin: Twin, by_method: dict[str, Operation]) -> Endpoint:
    async def handle(request: Request) -> Response:
        request_id = ids.request()
        chosen = by_method.get("GET" if request.method == "HEAD" else request.method)
        try:
            authorize(request.headers.get("authorization"))
            _check_version(request.headers.get("stripe-version"))
            return await _answer(twin, request, chosen, request_id)
        except StripeError as error:
            return reply(request_id, error.status, pretty(error.body()))
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            words = f"An unexpected error occurred in the test double (request {request_id})."
            failure = StripeError(500, "api_error", words)
            return reply(request_id, 500, pretty(failure.body()))

    return handle


async def _answer(twin: Twin, request: Request, operation: Operation | None, request_id: str) -> Response:
    if operation is None:
        raise unrecognized(request)
    raw = decode(await _encoded(request))
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    call = Call(request_id, operation, request.path_params, request.url.path, raw, key)
    if key is None:
        await asyncio.sleep(twin.latency_seconds)
        return _run(twin, call)
    if len(key) > 255:
        raise invalid("Idempotency keys may be at most 255 characters.")
    if key in twin.keys_in_use:
        raise StripeError(
            409,
            "idempotency_error",
            f"There is currently another in-progress request using this Idempotent Key: {key}",
            code="idempotency_key_in_use",
        )
    twin.keys_in_use.add(key)
    try:
        await asyncio.sleep(twin.latency_seconds)
        return _replayed(twin, call, key) or _run(twin, call)
    finally:
        twin.keys_in_use.discard(key)


def _replayed(twin: Twin, call: Call, key: str) -> Response | None:
    """The answer given before under this key, if there is one; another request under it is refused."""
    known = twin.store.answer(key)
    if known is None:
        return None
    if known.path != call.address:
        raise StripeError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{known.path}' vs "
            f"'{call.address}'). Try using a key other than '{key}' if you meant to execute a different request.",
        )
    if known.fingerprint != call.fingerprint:
        raise StripeError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
        )
    extra = {"Idempotent-Replayed": "true", "Original-Request": known.request, "Idempotency-Key": key}
    return reply(call.request_id, known.status, known.body, extra)


def _run(twin: Twin, call: Call) -> Response:
    operation = call.operation
    args = operation.params.read(call.raw)
    paths = args.pop("expand", [])
    if operation.method == "GET":
        unit = twin.reading()
        return reply(call.request_id, 200, pretty(expand(unit, operation.run(unit, args, **call.path), paths)))
    with twin.work(Cause(call.request_id, call.key)) as unit:
        status, body = _outcome(unit, call, args, paths)
        if call.key is not None:
            now = twin.clock.now()
            answer = Answer(call.address, call.fingerprint, status, call.request_id, body)
            twin.store.save_answer(call.key, answer, now)
    return reply(call.request_id, status, body, {"Idempotency-Key": call.key} if call.key else {})


def _outcome(unit: Unit, call: Call, args: Json, paths: list[str]) -> tuple[int, bytes]:
    """Status and body; an error that keeps its effects (a declined card) is an outcome, any other undoes the unit."""
    try:
        return 200, pretty(expand(unit, call.operation.run(unit, args, **call.path), paths))
    except StripeError as error:
        if not error.keep:
            raise
        return error.status, pretty(error.body())


async def _encoded(request: Request) -> str:
    """The parameters as sent: the query for GET and DELETE, the body otherwise."""
    if request.method in ("GET", "HEAD", "DELETE"):
        query = request.url.query
        if request.method != "DELETE" or query:
            return query
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY:
            raise invalid("The request body is too large.", status=413)
    kind = request.headers.get("content-type", "")
    if body and not kind.startswith("application/x-www-form-urlencoded"):
        raise invalid(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded). "
            "If you have any questions, we can help at https://support.stripe.com/."
        )
    return body.decode("utf-8", "replace")


def authorize(header: str | None) -> None:
    """Let test-mode secret and restricted keys in, as Bearer token or as the user of basic authentication."""
    key = _key(header or "")
    if not key:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth "
            "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
            "details."
        )
    if _LIVE_KEY.match(key):
        raise unauthorized(
            "This is a test double of Stripe and refuses live keys. Take the live key out of this environment, "
            "roll it if it was sent here by mistake, and use a key that starts with sk_test_ or rk_test_."
        )
    if not _TEST_KEY.fullmatch(key):
        raise unauthorized(f"Invalid API Key provided: {key[:8]}{'*' * 8}")


def _key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _check_version(version: str | None) -> None:
    if version not in (None, API_VERSION):
        raise invalid(
            f"Invalid Stripe API version: {version}. This test double speaks {API_VERSION} only.",
            param="Stripe-Version",
        )


def unrecognized(request: Request) -> StripeError:
    """No such address."""
    return invalid(
        f"Unrecognized request URL ({request.method}: {request.url.path}). Please see https://stripe.com/docs or we "
        "can help "
        "at https://support.stripe.com/.",
        status=404,
    )


def reply(request_id: str, status: int, body: bytes, extra: dict[str, str] | None = None) -> Response:
    """A JSON answer with the headers every answer has."""
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": API_VERSION,
        "Cache-Control": "no-cache, no-store",
        **(extra or {}),
    }
    if status in (409, 500):
        headers["Stripe-Should-Retry"] = "true" if status == 409 else "false"
    return Response(body, status, headers, "application/json")
