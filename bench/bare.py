"""The bare limit of HTTP here: Starlette and msgspec on the same server program, doing nothing else.

`/check` answers a body; `/insert` writes one row and answers when it is on disk.
"""

import sys
from typing import Any

import msgspec
import psycopg
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


class Inserts:
    """Rows written one by one, each committed, on one connection."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def insert(self, request: Request) -> Response:
        """Read a body, keep it, answer."""
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(self._database, autocommit=True)
            await self._connection.execute("create table if not exists bare (feature text, count bigint)")
        body = decode(await request.body())
        await self._connection.execute("insert into bare values (%s, %s)", [body.feature, body.count], prepare=True)
        return Response(encode({"feature": body.feature}), media_type="application/json")


if __name__ == "__main__":
    inserts = Inserts(sys.argv[2])
    routes = [Route("/check", check, methods=["POST"]), Route("/insert", inserts.insert, methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
