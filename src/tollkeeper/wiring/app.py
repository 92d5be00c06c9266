"""Builds the web application: routes of every door, error answers, and the layers every request passes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any, cast

import structlog
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tollkeeper import __version__, billing, identity, web
from tollkeeper.gate import Admission, Gate, Narrowing, Quick, arrays_router, keys_router, leases_router, limits_report
from tollkeeper.infra import Cors, Edge, Health, Runtime, follow_clock, install_error_handlers, load_clock
from tollkeeper.orgs.sign_on import provide as provide_sign_on

from . import health, metrics, reports
from .openapi import describe
from .runtime import DOORS

log = structlog.get_logger(__name__)


def build_api(runtime: Runtime) -> FastAPI:
    """Build the application without the layers around it; also what the OpenAPI document is made from."""
    app = FastAPI(
        title="Tollkeeper",
        version=__version__,
        summary="Accounts, plans, subscriptions, metering and enforced quotas.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        separate_input_output_schemas=False,
    )
    app.state.runtime = runtime
    app.router.routes.extend(_routes())
    install_error_handlers(app, web.error_page)
    describe(app)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """Every route, made once in a process: how each is answered is worked out when one is first asked for."""
    router = APIRouter()
    router.include_router(arrays_router, prefix="/api")  # first, because every address before it is asked in turn
    for door in DOORS:
        if hasattr(door, "router"):
            router.include_router(door.router, prefix="/api")
    router.include_router(keys_router, prefix="/api")
    router.include_router(leases_router, prefix="/api")
    router.include_router(health.router)
    router.include_router(metrics.router)
    router.include_router(reports.router, prefix="/api")
    for each in web.page_routers:
        router.include_router(each, include_in_schema=False)
    return tuple(router.routes)


def build_app(runtime: Runtime) -> ASGIApp:
    """Build what the server serves: the application inside admission inside the edge."""
    gate = Gate(runtime)
    runtime.provide(Gate, gate)
    runtime.parts[billing.UsageReport] = limits_report
    runtime.provide(web.Site, _site(runtime))
    runtime.provide(web.Live, web.Live())
    runtime.provide(Health, Health(partial(health.health_report, runtime)))
    provide_sign_on(runtime)
    app = build_api(runtime)
    admission = _with_cors(Admission(Narrowing(app), runtime, gate), runtime.settings.cors_origins)
    runtime.provide(Quick, Quick(runtime, gate))
    edge = Edge(admission, answer_error=app.state.answer_unknown_error, https=runtime.settings.is_production)
    return _behind_proxies(edge, runtime.settings.trusted_proxies)


def _with_cors(app: ASGIApp, origins: list[str]) -> ASGIApp:
    return Cors(app, origins) if origins else app


def _behind_proxies(app: ASGIApp, trusted: list[str]) -> ASGIApp:
    """Believe what these proxies say about who calls; without any, a caller's own word counts for nothing."""
    return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), trusted)) if trusted else app


def _site(runtime: Runtime) -> web.Site:
    settings = runtime.settings
    demo = None if settings.is_production else web.DemoLogin(settings.demo_email, settings.demo_password)
    return web.Site(provider_page_origins=settings.hosted_page_origins, demo_login=demo)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runtime: Runtime = app.state.runtime
    gate = runtime.part(Gate)
    await load_clock(runtime)  # before the first request, which would else be counted in a period that is over
    await gate.start()
    beside = [asyncio.create_task(each(runtime)) for each in (follow_clock, web.watch_status)]
    try:
        yield
    finally:
        for each in beside:
            each.cancel()
        await gate.close()
        await billing.close(runtime)
        runtime.part(identity.PasswordHasher).close()
        await identity.close_captcha(runtime)
        await runtime.database.close()
