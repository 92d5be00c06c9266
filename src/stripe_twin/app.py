"""The ASGI application: API, pages, control addresses, and the background work that runs beside them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from stripe_twin import resources
from stripe_twin.core import api, ids
from stripe_twin.core.delivery import Dispatcher
from stripe_twin.core.json import pretty
from stripe_twin.core.twin import Twin
from stripe_twin.pages import authenticate, checkout, control, deliveries, front, invoice, misdelivery, portal
from stripe_twin.pages.common import STATIC, show

__all__ = ["build", "resources"]


def build(twin: Twin) -> Starlette:
    """The application around a twin, which it closes at the end."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        dispatcher = Dispatcher(twin)
        background = [asyncio.create_task(dispatcher.run()), asyncio.create_task(twin.keep_time())]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await dispatcher.close()
            twin.close()

    pages = [
        route
        for module in (front, deliveries, checkout, authenticate, invoice, portal, control, misdelivery)
        for route in module.routes(twin)
    ]
    return Starlette(
        routes=[*api.routes(twin), *pages, Mount("/static", StaticFiles(directory=STATIC))],
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused},
    )


async def _refused(request: Request, error: Exception) -> Response:
    """No such address, or not with this method: in Stripe's words below /v1 and /v2, as a page elsewhere."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if request.url.path.startswith(("/v1", "/v2")):
        return api.reply(ids.request(), 404, pretty(api.unrecognized(request).body()))
    return show(
        "message.html",
        status,
        title="Not found",
        words="There is nothing at this address.",
        link=("/", "To the front page"),
    )
