"""Addresses for tests: health, virtual time, artificial slowness."""

import json
import math

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stripe_twin.core.twin import Twin
from stripe_twin.core.version import API_VERSION

_LONGEST_STEP = 5 * 366 * 86_400


def routes(twin: Twin) -> list[Route]:
    """The control addresses."""

    async def health(_: Request) -> Response:
        twin.store.setting("clock_offset")
        body = {"status": "ok", "service": "stripe_twin", "api_version": API_VERSION, "now": int(twin.clock.now())}
        return JSONResponse({**body, "clock_offset": twin.clock.offset})

    async def clock(request: Request) -> Response:
        seconds = await number(request, "advance_seconds", _LONGEST_STEP)
        if seconds is None:
            return wrong(f"advance_seconds must be a number from 0 to {_LONGEST_STEP}")
        now = await twin.advance(seconds, deliver=await _flag(request, "deliver"))
        return JSONResponse({"now": int(now), "clock_offset": twin.clock.offset})

    async def latency(request: Request) -> Response:
        seconds = await number(request, "seconds", 60)
        if seconds is None:
            return wrong("seconds must be a number from 0 to 60")
        twin.latency_seconds = seconds
        return JSONResponse({"seconds": seconds})

    return [
        Route("/_twin/health", health, methods=["GET"]),
        Route("/_twin/clock", clock, methods=["POST"]),
        Route("/_twin/latency", latency, methods=["POST"]),
    ]


async def number(request: Request, name: str, high: float) -> float | None:
    """The number under that name in a JSON object, None when it is not one from 0 to `high`."""
    try:
        value = json.loads(await request.body())[name]
    except (ValueError, KeyError, TypeError):
        return None
    right = (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= high
    )
    return float(value) if right else None


async def _flag(request: Request, name: str) -> bool:
    """Whether the JSON object in the body says true under that name."""
    return bool(json.loads(await request.body()).get(name) is True)


def wrong(words: str, status: int = 400) -> Response:
    """A refusal in words."""
    return JSONResponse({"error": {"message": words}}, status)
