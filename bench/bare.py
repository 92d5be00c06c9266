"""The bare limit of an HTTP route here: Starlette and msgspec on the same server program, doing nothing else."""

import sys

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Check(msgspec.Struct):
    """The same body as a check's."""

    feature: str
    count: int = 1


decode = msgspec.json.Decoder(Check).decode
encode = msgspec.json.Encoder().encode


async def check(request: Request) -> Response:
    """Read a body, answer one."""
    body = decode(await request.body())
    return Response(encode({"allowed": True, "feature": body.feature}), media_type="application/json")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/check", check, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
