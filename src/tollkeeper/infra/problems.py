"""Failures as Problem Details (RFC 9457): one shape for every error the API answers."""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from procrastinate.exceptions import ConnectorException
from psycopg import errors as pg
from sqlalchemy import exc as sa
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from tollkeeper.kit import InvalidInputError, NotFoundError, TollkeeperError, UnavailableError

from .watching import watch_refusal

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_encode = msgspec.json.Encoder().encode


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer."""

    code = "database_unavailable"
    title = "The database does not answer"
    hint = "Nothing was recorded. Try again in a moment; the operator finds the reason with `tollkeeper doctor`."


class PayloadTooLargeError(TollkeeperError):
    """The body of the request is larger than allowed."""

    code = "payload_too_large"
    status = 413
    title = "The body is too large"
    hint = "Send less at once; batches can be split."


class MalformedBodyError(InvalidInputError):
    """The body cannot be read as what its content type says."""

    code = "malformed_body"
    title = "The body cannot be read"
    hint = "Send valid JSON in UTF-8 with `Content-Type: application/json`."


class MethodNotAllowedError(TollkeeperError):
    """The address exists, the method does not."""

    code = "method_not_allowed"
    status = 405
    title = "This address does not take this method"
    hint = "See the `Allow` header for the methods it takes."


class RouteNotFoundError(NotFoundError):
    """Nothing is served at this address."""

    code = "route_not_found"
    title = "Nothing is served at this address"
    hint = "See /docs for every address there is."


def is_outage(error: BaseException) -> bool:
    """Whether the error means that the database is unreachable or restarting, rather than that we used it wrongly."""
    if isinstance(error, sa.DBAPIError) and error.connection_invalidated:
        return True
    cause = _cause(error)
    if cause is not error:
        return cause is not None and is_outage(cause)
    if isinstance(error, sa.TimeoutError):  # no pooled connection within the time allowed
        return True
    return isinstance(error, pg.OperationalError | pg.AdminShutdown | pg.CrashShutdown | pg.InterfaceError | OSError)


def as_tollkeeper_error(error: BaseException) -> TollkeeperError:
    """Return the error as one the caller can be told; anything unknown becomes a bare internal error."""
    if isinstance(error, TollkeeperError):
        return error
    if isinstance(error, ClientDisconnect):  # nobody is there to be told; it is no fault of ours
        return MalformedBodyError("The connection ended before the body did.")
    if is_outage(error):
        return DatabaseUnavailableError()
    return InvalidInputError("A text holds a NUL character.") if _holds_nul(error) else TollkeeperError()


def _holds_nul(error: BaseException) -> bool:
    """Whether the database refused a text because it knows no NUL; the net below what checks its own fields."""
    return isinstance(_cause(error), pg.DataError) and "NUL" in str(_cause(error))


def _cause(error: BaseException) -> BaseException | None:
    """What the driver itself raised, when another library has wrapped it."""
    if isinstance(error, sa.DBAPIError):
        return error.orig
    return error.__cause__ if isinstance(error, ConnectorException) else error


def problem_document(error: TollkeeperError, request_id: str) -> dict[str, Any]:
    """Return the members of the problem document."""
    return {
        "type": f"/docs/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "hint": error.hint,
        "request_id": request_id,
        **error.extra,
    }


def problem_response(error: TollkeeperError, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer for a failure."""
    watch_refusal(error)
    return Response(
        _encode(problem_document(error, request_id)),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), **error.headers},
    )


def every_error() -> list[type[TollkeeperError]]:
    """Every error class declared so far, by code; the reference page is made from it."""
    found: dict[str, type[TollkeeperError]] = {}
    waiting = [TollkeeperError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return [found[code] for code in sorted(found)]
