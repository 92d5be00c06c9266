"""The addresses of people, keys and customers on a small application, and callers to send them requests."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from tollkeeper.identity import (
    SESSION_COOKIE,
    KeyKind,
    PasswordHasher,
    create_key,
    find_key,
    key_digest,
    read_access_token,
    session_of,
)
from tollkeeper.infra import Runtime, Tx, install_error_handlers
from tollkeeper.kit import Actor, ActorKind, TollkeeperError
from tollkeeper.orgs import actor_of_member, projections, router

from .callers import Caller, register


async def find_actor(tx: Tx, request: Request) -> Actor | None:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    if bearer.startswith("tk_"):
        key = await find_key(tx, key_digest(bearer))
        return key.actor if key and key.problem(tx.now) is None else None
    if bearer:
        claims = read_access_token(tx.runtime.settings, bearer, tx.now)
        if claims is None:
            return None
        return await actor_of_member(
            tx,
            user_id=claims.user_id,
            organization_id=claims.organization_id,
            kind=ActorKind.TOKEN,
            credential_id=claims.family_id,
        )
    session = await session_of(tx, request.cookies.get(SESSION_COOKIE, ""))
    if session is None:
        return None
    return await actor_of_member(
        tx,
        user_id=session.user_id,
        organization_id=session.organization_id,
        kind=ActorKind.SESSION,
        credential_id=session.id,
    )


@pytest.fixture
def app(runtime: Runtime, hasher: PasswordHasher) -> FastAPI:
    runtime.provide(PasswordHasher, hasher)
    runtime.routes.add(projections=projections)
    app = FastAPI()
    app.state.runtime = runtime
    app.include_router(router, prefix="/api")

    async def error_page(_: Request, error: TollkeeperError, __: str) -> Response:
        return PlainTextResponse(error.detail, error.status)

    install_error_handlers(app, error_page)

    @app.middleware("http")
    async def authenticate(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        async with runtime.transaction() as tx:
            request.state.actor = await find_actor(tx, request)
        return await call_next(request)

    return app


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[Caller]:
    """A browser: it keeps cookies."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        yield Caller(http)


@pytest.fixture
async def program(app: FastAPI) -> AsyncIterator[Caller]:
    """A program: it has a credential or none, and keeps no cookies."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        caller = Caller(http)
        http.event_hooks["response"].append(_forget_cookies(caller))
        yield caller


def _forget_cookies(caller: Caller) -> Callable[[httpx.Response], Awaitable[None]]:
    async def forget(_: httpx.Response) -> None:
        caller.http.cookies.jar.clear()

    return forget


@pytest.fixture
async def ada(program: Caller) -> Caller:
    """An owner with an access token."""
    return Caller(program.http, (await register(program, "ada@example.com"))["access_token"])


@pytest.fixture
async def eve(program: Caller) -> Caller:
    """The owner of another organization."""
    return Caller(program.http, (await register(program, "eve@example.com"))["access_token"])


@pytest.fixture
async def operator(program: Caller, runtime: Runtime) -> Caller:
    async with runtime.transaction() as tx:
        _, secret = await create_key(tx, organization_id=None, created_by=None, name="op", kind=KeyKind.OPERATOR)
    return Caller(program.http, secret)
