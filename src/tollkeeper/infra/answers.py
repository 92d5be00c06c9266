"""Answers as bytes, for the calls that come thousands of times a second: their headers are rendered once, together."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

Header: TypeAlias = tuple[bytes, bytes]


class Answer(NamedTuple):
    """A 200 with a body. `head` holds the lines of its own headers, each ended by CR LF, names in lower case."""

    head: bytes
    body: bytes


def lines(headers: Iterable[Header]) -> bytes:
    """Render headers."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def pairs(head: bytes) -> list[Header]:
    """Read rendered headers back."""
    found = (line.split(b": ", 1) for line in head.split(b"\r\n") if line)
    return [(name, value) for name, value in found]
