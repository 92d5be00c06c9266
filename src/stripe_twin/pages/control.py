"""Addresses for tests: health, virtual time, artificial slowness, webhook endpoints with a chosen secret."""

import json
import math
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stripe_twin.core.params import decode
from stripe_twin.core.store import equals
from stripe_twin.core.twin import Twin
from stripe_twin.core.version import API_VERSION
from stripe_twin.resources import webhook_endpoints

_LONGEST_STEP = 5 * 366 * 86_400


def routes(twin: Twin) -> list[Route]:
    """The control addresses."""

    async def health(_: Request) -> Response:
        twin.store.setting("clock_offset")
        body = {"status": "ok", "service": "stripe_twin", "api_version": API_VERSION, "now": int(twin.clock.now())}
        return JSONResponse({**body, "clock_offset": twin.clock.offset})

    async def clock(request: Request) -> Response:
        seconds = await _number(request, "advance_seconds", _LONGEST_STEP)
        if seconds is None:
            return _wrong(f"advance_seconds must be a number from 0 to {_LONGEST_STEP}")
        return JSONResponse({"now": int(await twin.advance(seconds)), "clock_offset": twin.clock.offset})

    async def latency(request: Request) -> Response:
        seconds = await _number(request, "seconds", 60)
        if seconds is None:
            return _wrong("seconds must be a number from 0 to 60")
        twin.latency_seconds = seconds
        return JSONResponse({"seconds": seconds})

    async def webhook(request: Request) -> Response:
        return _webhook(twin, decode((await request.body()).decode("utf-8", "replace")))

    return [
        Route("/_twin/health", health, methods=["GET"]),
        Route("/_twin/clock", clock, methods=["POST"]),
        Route("/_twin/latency", latency, methods=["POST"]),
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
        return _wrong("url and secret are needed, as a form")
    with twin.work() as unit:
        for known in unit.find("webhook_endpoint", equals("$.url", url)):
            unit.store.remove(known["id"])
        endpoint = webhook_endpoints.make(unit, {"url": url, "enabled_events": ["*"]}, secret)
        return JSONResponse(unit.render(endpoint))


async def _number(request: Request, name: str, high: float) -> float | None:
    """The number under that name in a JSON object, None when it is not one from 0 to `high`."""
    try:
        value = json.loads(await request.body())[name]
    except (ValueError, KeyError, TypeError):
        return None
    right = (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= high
    )
    return float(value) if right else None


def _wrong(words: str) -> Response:
    return JSONResponse({"error": {"message": words}}, 400)
