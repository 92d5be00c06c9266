"""The HTTP edge of the control plane: one transaction a request, the actor, and failures as problems."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, TollkeeperError, UnauthenticatedError

from .problems import (
    MalformedBodyError,
    MethodNotAllowedError,
    RouteNotFoundError,
    as_tollkeeper_error,
    problem_response,
)
from .runtime import Runtime, Tx

log = structlog.get_logger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ErrorPage = Callable[[Request, TollkeeperError, str], Awaitable[Response]]


def runtime_of(request: Request) -> Runtime:
    """Return the process's runtime."""
    found: Runtime = request.app.state.runtime
    return found


def base_url_of(request: Request) -> str:
    """Return the address customers reach this server at, without a trailing slash."""
    return runtime_of(request).settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")


async def _transaction(request: Request) -> AsyncIterator[Tx]:
    async with runtime_of(request).transaction() as tx:
        yield tx


def optional_actor(request: Request) -> Actor | None:
    """Return who calls, or None when nobody is logged in. Found out by the admission middleware."""
    actor: Actor | None = request.scope.get("state", {}).get("actor")
    return actor


def current_actor(request: Request) -> Actor:
    """Return who calls.

    Raises:
        UnauthenticatedError: when nobody is logged in, or the credential sent is not valid.
    """
    refusal: TollkeeperError | None = request.scope.get("state", {}).get("refusal")
    if refusal is not None:
        raise refusal
    actor = optional_actor(request)
    if actor is None:
        raise UnauthenticatedError
    return actor


async def _runtime(request: Request) -> Runtime:
    # A coroutine, for FastAPI sends other functions to another thread, which takes far longer than this.
    return runtime_of(request)


# scope="function": the commit happens before the answer leaves, so that a yes is never followed by a rollback.
TxDep = Annotated[Tx, Depends(_transaction, scope="function")]
ActorDep = Annotated[Actor, Depends(current_actor)]
OptionalActorDep = Annotated[Actor | None, Depends(optional_actor)]
RuntimeDep = Annotated[Runtime, Depends(_runtime)]


def request_id_of(request: Request) -> str:
    """Return the id this request is known by in logs and answers."""
    found: str = request.scope.get("state", {}).get("request_id", "")
    return found


def install_error_handlers(app: FastAPI, error_page: ErrorPage) -> None:
    """Answer every failure below `/api` as a problem document, and elsewhere with a page."""

    async def answer(request: Request, error: TollkeeperError) -> Response:
        if wants_problem(request):
            return problem_response(error, request_id_of(request))
        return await error_page(request, error, request_id_of(request))

    async def known(request: Request, error: Exception) -> Response:
        return await answer(request, as_tollkeeper_error(error))

    async def invalid(request: Request, error: Exception) -> Response:
        return await answer(request, _from_validation(error))

    async def http(request: Request, error: Exception) -> Response:
        return await answer(request, _from_http(request, error))

    async def unknown(request: Request, error: Exception) -> Response:
        request.scope.setdefault("app", app)  # raised before the application was reached
        shown = as_tollkeeper_error(error)
        if shown is error:
            return await answer(request, shown)
        if shown.code == "internal_error":
            log.error("unhandled error", exc_info=error, path=request.url.path)
        elif shown.status >= TollkeeperError.status:
            log.warning("dependency failed", code=shown.code, error=str(error).strip(), path=request.url.path)
        return await answer(request, shown)

    app.add_exception_handler(TollkeeperError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unknown)
    app.state.answer_unknown_error = unknown


def wants_problem(request: Request) -> bool:
    """Whether the caller is a program rather than a person with a browser."""
    return request.url.path.startswith(("/api", "/health", "/metrics"))


def _methods_at(request: Request) -> set[str]:
    """Every method this address takes; the framework itself tells those of the first route alone."""
    return {
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    }


def _from_validation(error: Exception) -> TollkeeperError:
    if not isinstance(error, RequestValidationError):
        raise TypeError(type(error))
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return MalformedBodyError("The body is not valid JSON.")
    return InvalidInputError([_field_problem(item) for item in error.errors()])


def _field_problem(item: dict[str, Any]) -> FieldProblem:
    where = [str(part) for part in item["loc"] if part not in {"body", "query", "path", "form"}]
    return FieldProblem(".".join(where), item["msg"].removeprefix("Value error, "), item["type"])


def _from_http(request: Request, error: Exception) -> TollkeeperError:
    if not isinstance(error, HTTPException):
        raise TypeError(type(error))
    if isinstance(error.__cause__, TollkeeperError):  # raised while the framework was reading the body
        return error.__cause__
    if error.status_code == RouteNotFoundError.status:
        return RouteNotFoundError()
    if error.status_code == MethodNotAllowedError.status:
        return MethodNotAllowedError(headers={"Allow": ", ".join(sorted(_methods_at(request)))})
    if error.status_code == 400:  # noqa: PLR2004 - Starlette's answer to a form or body it cannot parse
        return MalformedBodyError(str(error.detail))
    shown = TollkeeperError(str(error.detail))
    shown.status = error.status_code  # type: ignore[misc]
    return shown
