"""The short way on the wire: whole requests take it, everything else is uvicorn's, and answers keep their order."""

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tollkeeper.cli.protocol import MAX_BODY, HttpProtocol, Reply

TARGET = b"/quick"


class Echo:
    """Takes what does not say otherwise; answers late when asked to."""

    targets = frozenset({TARGET})

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def take(self, _target: bytes, _headers: list[tuple[bytes, bytes]], body: bytes, reply: Reply) -> bool:
        self.seen.append(body)
        if body == b"decline":
            return False
        if body == b"break":
            raise ValueError("broken")
        rest = b"x-way: quick\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        if body == b"late":
            asyncio.get_running_loop().call_later(0.05, reply.write, 200, rest)
        else:
            reply.write(200, rest)
        return True


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo, the ordinary way."""
    assert scope["type"] == "http"
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [(b"x-way", b"ordinary"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def server(echo: Echo) -> uvicorn.Server:
    http = partial(HttpProtocol, short_way=echo)
    options = {"lifespan": "off", "log_config": None, "server_header": False}
    return uvicorn.Server(uvicorn.Config(application, http=http, **options))  # type: ignore[arg-type]


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


def post(body: bytes, *, target: bytes = TARGET, extra: bytes = b"", version: bytes = b"1.1") -> bytes:
    head = b"POST %b HTTP/%b\r\nhost: x\r\ncontent-length: %d\r\n%b\r\n" % (target, version, len(body), extra)
    return head + body


async def talk(port: int, *pieces: bytes, answers: int) -> list[tuple[str, bytes]]:
    """Send pieces with pauses between, read so many answers: which way each went, and its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    found = []
    async with asyncio.timeout(30):
        for _ in range(answers):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
            assert "date" in fields
            found.append((fields["x-way"], await reader.readexactly(int(fields["content-length"]))))
            if fields.get("connection") == "close":
                assert await reader.read() == b""
    writer.close()
    return found


async def test_a_whole_request_takes_the_short_way_again_and_again(port: int) -> None:
    assert await talk(port, post(b"one"), post(b"two"), answers=2) == [("quick", b"one"), ("quick", b"two")]


@pytest.mark.parametrize("body", [b"decline", b"break"])
async def test_what_it_declines_or_breaks_on_goes_the_ordinary_way_with_its_body(port: int, body: bytes) -> None:
    assert await talk(port, post(body), post(b"one"), answers=2) == [("ordinary", body), ("quick", b"one")]


async def test_a_request_may_come_byte_by_byte(port: int) -> None:
    whole = post(b"slow")
    assert await talk(port, *(whole[at : at + 7] for at in range(0, len(whole), 7)), answers=1) == [("quick", b"slow")]


async def test_pipelined_requests_are_answered_in_their_order(port: int) -> None:
    requests = [post(b"late"), post(b"2"), post(b"3", target=b"/other"), post(b"late"), post(b"5")]
    found = await talk(port, b"".join(requests), answers=5)
    assert [body for _, body in found] == [b"late", b"2", b"3", b"late", b"5"]
    assert found[0] == ("quick", b"late")


async def test_what_is_not_plain_is_ordinary(port: int) -> None:
    chunked = b"POST /quick HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    assert await talk(port, chunked, answers=1) == [("ordinary", b"abc")]
    large = b"x" * (MAX_BODY + 1)
    assert await talk(port, post(large), answers=1) == [("ordinary", large)]
    assert await talk(port, post(b"a", target=b"/quick?x=1"), answers=1) == [("ordinary", b"a")]
    get = b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n"
    assert await talk(port, get, answers=1) == [("ordinary", b"")]


async def test_the_connection_ends_when_the_caller_wants_it_to(port: int) -> None:
    assert await talk(port, post(b"bye", extra=b"connection: close\r\n"), answers=1) == [("quick", b"bye")]
    assert await talk(port, post(b"old", version=b"1.0"), answers=1) == [("quick", b"old")]


async def test_a_caller_who_leaves_early_disturbs_nobody(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post(b"late"))
    await writer.drain()
    writer.transport.abort()
    await asyncio.sleep(0.1)
    assert await talk(port, post(b"one"), answers=1) == [("quick", b"one")]


async def test_an_answer_under_way_is_finished_at_shutdown(server: uvicorn.Server, port: int, echo: Echo) -> None:
    talking = asyncio.create_task(talk(port, post(b"late"), answers=1))
    async with asyncio.timeout(30):
        while not echo.seen:  # noqa: ASYNC110 - the protocol tells nobody
            await asyncio.sleep(0.001)
    server.should_exit = True
    assert await talking == [("quick", b"late")]
