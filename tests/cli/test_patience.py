"""Clients that send too much or too slowly, or take nothing of what they are sent, do not keep a place."""

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tollkeeper.cli.patience import BODY_SECONDS, HEAD_SECONDS, MAX_HEAD_BYTES, READ_SECONDS, is_late
from tollkeeper.cli.protocol import HttpProtocol, NoShortWay

HUGE = 32 * 1024 * 1024


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    while (await receive()).get("more_body"):
        pass
    body = b"x" * (HUGE if scope["path"] == "/huge" else 2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def server() -> uvicorn.Server:
    http = partial(HttpProtocol, short_way=NoShortWay())
    return uvicorn.Server(uvicorn.Config(application, http=http, lifespan="off", log_config=None, ws="none"))  # type: ignore[arg-type]


@pytest.fixture
async def port(server: uvicorn.Server) -> AsyncIterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has only this flag
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def said(port: int, *pieces: bytes) -> bytes:
    """Send pieces one after the other and return everything that comes back until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(30):
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        found = await reader.read()
    writer.close()
    return found


def head(size: int) -> bytes:
    return b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-much: " + b"m" * size + b"\r\n\r\n"


async def test_a_head_may_have_32_kib(port: int) -> None:
    assert (await said(port, head(MAX_HEAD_BYTES - 200))).startswith(b"HTTP/1.1 200 ")
    assert (await said(port, head(MAX_HEAD_BYTES))).startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_never_ends_is_refused_while_it_comes(port: int) -> None:
    piece = b"m" * 20_000
    assert (await said(port, head(0)[:-4], piece, piece)).startswith(b"HTTP/1.1 431 ")


async def test_many_small_headers_count_as_one_large(port: int) -> None:
    many = b"".join(b"x-%d: y\r\n" % number for number in range(6000))
    assert (await said(port, b"GET / HTTP/1.1\r\nhost: x\r\n" + many + b"\r\n")).startswith(b"HTTP/1.1 431 ")


async def test_a_large_body_before_the_next_head_does_not_count_to_it(port: int) -> None:
    body = b"b" * 100_000
    first = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    found = await said(port, first + b"GET / HTTP/1.1\r\nhost: x\r\n", b"connection: close\r\n\r\n")
    assert found.count(b"HTTP/1.1 200 ") == 2


async def late(server: uvicorn.Server, seconds: float) -> int:
    """Let so many seconds pass for all connections; return how many were ended."""
    now = asyncio.get_running_loop().time() + seconds
    return sum(each.hurry(now) for each in list(server.server_state.connections))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("sent", "seconds", "answer"),
    [
        (b"", HEAD_SECONDS, b""),
        (b"GET / HTTP/1.1\r\nhos", HEAD_SECONDS, b"HTTP/1.1 408 "),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nxx", BODY_SECONDS, b""),
    ],
)
async def test_who_trickles_is_sent_away(
    server: uvicorn.Server, port: int, sent: bytes, seconds: float, answer: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in (sent[:5], sent[5:]):
        writer.write(piece)
        await asyncio.sleep(0.05)
    assert await late(server, seconds - 1) == 0
    assert await late(server, seconds + 1) == 1
    async with asyncio.timeout(30):
        try:
            assert (await reader.read()).startswith(answer)
        except ConnectionResetError:
            assert answer == b""
    writer.close()


def is_stuck(connection: object) -> bool:
    return isinstance(connection, HttpProtocol) and connection._stuck_since is not None


async def test_who_takes_nothing_of_an_answer_is_sent_away(server: uvicorn.Server, port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET /huge HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(30):
        while not any(is_stuck(each) for each in server.server_state.connections):  # noqa: ASYNC110 - asyncio tells nobody
            await asyncio.sleep(0.02)
    assert await late(server, READ_SECONDS - 10) == 0
    assert await late(server, READ_SECONDS + 1) == 1
    writer.close()


async def test_who_rests_between_two_requests_is_left_to_the_keep_alive(server: uvicorn.Server, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(30):
        await reader.readuntil(b"\r\n\r\nxx")
    assert await late(server, 1000) == 0
    writer.close()


def test_nobody_is_late_who_does_nothing_wrong() -> None:
    assert not is_late(1e9, reading_since=None, head_open=True, stuck_since=None)
