"""Addresses for tests of webhooks: misdelivery on demand, endpoints with a chosen secret, and secrets that roll."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stripe_twin.core.misdelivery import NORMAL, read
from stripe_twin.core.params import decode
from stripe_twin.core.store import equals
from stripe_twin.core.twin import Twin
from stripe_twin.pages.control import number, wrong
from stripe_twin.resources import webhook_endpoints

_LONGEST_ROLL = 86_400


def routes(twin: Twin) -> list[Route]:
    """The control addresses of webhooks."""

    async def misdelivery(request: Request) -> Response:
        """GET shows the settings, POST sets those given and resets the others, DELETE resets all."""
        if request.method != "GET":
            try:
                twin.misdeliver(read(await request.body()) if request.method == "POST" else NORMAL)
            except (ValueError, msgspec.MsgspecError) as error:
                return wrong(str(error))
        return JSONResponse(twin.misdelivery.shown)

    async def roll(request: Request) -> Response:
        seconds = await number(request, "old_secret_seconds", _LONGEST_ROLL)
        if seconds is None:
            return wrong(f"old_secret_seconds must be a number from 0 to {_LONGEST_ROLL}")
        endpoint = twin.store.get(request.path_params["ident"], "webhook_endpoint")
        if endpoint is None:
            return wrong("there is no such webhook endpoint", 404)
        with twin.work() as unit:
            webhook_endpoints.roll(unit, endpoint, int(seconds))
        return JSONResponse({"id": endpoint["id"], "secret": endpoint["_secret"]})

    async def webhook(request: Request) -> Response:
        return _webhook(twin, decode((await request.body()).decode("utf-8", "replace")))

    return [
        Route("/_twin/misdelivery", misdelivery, methods=["GET", "POST", "DELETE"]),
        Route("/_twin/webhook_endpoints/{ident}/roll", roll, methods=["POST"]),
        Route("/_config/webhooks/{name}", webhook, methods=["POST"]),
    ]


def _webhook(twin: Twin, form: dict[str, Any]) -> Response:
    """An endpoint for all events whose secret the caller chooses; the address is that of other stand-ins for Stripe."""
    url, secret = form.get("url"), form.get("secret")
    if (
        not isinstance(url, str)
        or not isinstance(secret, str)
        or not url.startswith(("http://", "https://"))
        or not secret
    ):
        return wrong("url and secret are needed, as a form")
    with twin.work() as unit:
        for known in unit.find("webhook_endpoint", equals("$.url", url)):
            unit.store.remove(known["id"])
        endpoint = webhook_endpoints.make(unit, {"url": url, "enabled_events": ["*"]}, secret)
        return JSONResponse(unit.render(endpoint))
