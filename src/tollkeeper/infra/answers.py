"""Whole answers: status line, headers and body in one piece, for the calls that come thousands of times a second.

A server that can write such an answer in one go says so by the ASGI extension `EXTENSION`; before others it is told in
the two messages every ASGI server knows. Rendering some twenty headers one by one costs more than deciding a check.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from starlette.types import Message, Scope

Header: TypeAlias = tuple[bytes, bytes]

EXTENSION = "tollkeeper.whole_answer"
WHOLE = "tollkeeper.http.whole_answer"


class Answer(NamedTuple):
    """A 200 with a JSON body. `head` holds the lines of its own headers, each ended by CR LF, names in lower case."""

    head: bytes
    body: bytes


WriteWhole: TypeAlias = Callable[[bytes], None]
"""Writes everything after the status line and the server's own headers, and ends the request."""


def writer_of(scope: Scope) -> WriteWhole | None:
    """Return the server's way to write a whole answer; None when it has none."""
    extensions = scope.get("extensions")
    found: WriteWhole | None = extensions.get(EXTENSION) if extensions else None
    return found


def lines(headers: list[Header]) -> bytes:
    """Render headers."""
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)


def pairs(head: bytes) -> list[Header]:
    """Read rendered headers back."""
    found = (line.split(b": ", 1) for line in head.split(b"\r\n") if line)
    return [(name, value) for name, value in found]


async def send_in_pieces(answer: Answer, send: Callable[[Message], Awaitable[None]]) -> None:
    """Tell a whole answer in the messages every server knows."""
    headers = [*pairs(answer.head), (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
