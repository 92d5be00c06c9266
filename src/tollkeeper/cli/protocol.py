"""uvicorn's HTTP protocol with a short way for the few calls that come thousands of times a second.

A request that may take it is read whole, without the objects an ASGI application needs; when the short way declines
it, or it cannot be told beforehand, uvicorn goes on with it as with any other. Pipelining, keep-alive and shutdown stay
uvicorn's; heads that are too large and clients that take too long, which it does not mind, are ended here.
"""

import asyncio
import logging
from typing import Any, Protocol

import uvicorn.protocols.http.httptools_impl as uv

from .patience import MAX_HEAD_BYTES, is_late

Header = tuple[bytes, bytes]

MAX_BODY = 16 * 1024
log = logging.getLogger(__name__)


class ShortWay(Protocol):
    """Answers some requests from what it has at hand."""

    @property
    def targets(self) -> frozenset[bytes]:
        """The addresses it takes by POST, exactly as they stand in the request."""
        ...

    def take(self, target: bytes, headers: list[Header], body: bytes, reply: "Reply") -> bool:
        """Take a request and write its answer to `reply`, now or later; False: it is not taken, nothing was done."""
        ...


class NoShortWay:
    """Everything goes through the application."""

    targets: frozenset[bytes] = frozenset()

    def take(self, *_: Any) -> bool:
        """Take nothing."""
        return False


class Reply:
    """The answer under way of one request; stands where uvicorn has a cycle, and is asked what uvicorn asks of one."""

    __slots__ = ("_protocol", "body", "disconnected", "keep_alive", "message_event", "more_body", "response_complete")

    def __init__(self, protocol: "HttpProtocol") -> None:
        self._protocol = protocol
        self.keep_alive: bool = protocol.parser.should_keep_alive()
        self.response_complete = False
        self.disconnected = False
        self.more_body = False
        self.body = bytearray()
        self.message_event = _NOBODY_WAITS

    def write(self, status: int, rest: bytes) -> None:
        """Send the answer; `rest` is everything after the status line and the server's own headers."""
        if self.disconnected:
            return
        protocol = self._protocol
        closing = b"" if self.keep_alive else b"connection: close\r\n"
        protocol.transport.write(b"".join((uv.STATUS_LINE[status], protocol.own_lines(), closing, rest)))
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


class _NobodyWaits(asyncio.Event):
    def set(self) -> None:
        """Nothing waits for the rest of a request that was read whole."""


_NOBODY_WAITS = _NobodyWaits()


class HttpProtocol(uv.HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, short_way: ShortWay, **options: Any) -> None:
        super().__init__(*args, **options)
        self._short_way = short_way
        self._targets = short_way.targets
        self._whole: bytes | None = None
        self._rendered: tuple[list[Header], bytes] = ([], b"")
        self._reading_since: float | None = None
        self._stuck_since: float | None = None
        self._head_open, self._head_ended = True, False
        self._head_bytes = self._chunk_bytes = 0
        self._too_large = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._reading_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Read on; of a head that comes in pieces no more than allowed."""
        began_before, self._head_ended, self._chunk_bytes = self._head_open, False, len(data)
        super().data_received(data)
        if began_before and self._head_open and not self._head_ended:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self._too_large:
                self._too_large = True
                self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or one whose head is too large."""
        if self._too_large:
            self._end(b"431 Request Header Fields Too Large")
        else:
            super().send_400_response(msg)

    def hurry(self, now: float) -> bool:
        """End the connection if its client took too long."""
        if not is_late(
            now, reading_since=self._reading_since, head_open=self._head_open, stuck_since=self._stuck_since
        ):
            return False
        before: uv.RequestResponseCycle | None = self.cycle
        if self._head_open and self._head_bytes and (before is None or before.response_complete):
            self._end(b"408 Request Timeout")
        else:
            self.transport.abort()
        return True

    def _end(self, status: bytes) -> None:
        self.transport.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        self.transport.close()

    def pause_writing(self) -> None:
        """Note since when the client takes nothing of its answer."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client takes its answer again."""
        self._stuck_since = None
        super().resume_writing()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._reading_since = self.loop.time()
        self._head_open, self._head_bytes = True, 0
        super().on_message_begin()

    def own_lines(self) -> bytes:
        """Return the server's own headers (the date), rendered again when they have changed."""
        present = self.server_state.default_headers
        if self._rendered[0] is not present:
            self._rendered = (present, b"".join([b"%b: %b\r\n" % pair for pair in present]))
        return self._rendered[1]

    def on_headers_complete(self) -> None:
        """Hold back what may take the short way."""
        self._head_open, self._head_ended = False, True
        if self._head_bytes + self._chunk_bytes > MAX_HEAD_BYTES:
            self._measure()
        if self.url in self._targets and self._is_plain():
            self._whole = b""
        else:
            self._whole = None
            super().on_headers_complete()

    def _measure(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._too_large = True
            raise ValueError("the head is too large")  # the parser stops, and a refusal is sent

    def _is_plain(self) -> bool:
        before: uv.RequestResponseCycle | None = self.cycle
        busy = before is not None and not before.response_complete
        if busy or self.expect_100_continue or self.limit_concurrency is not None:
            return False
        if self.parser.get_method() != b"POST" or self.parser.should_upgrade():
            return False
        size = next((value for name, value in self.headers if name == b"content-length"), b"")
        return size.isdigit() and int(size) <= MAX_BODY

    def on_body(self, body: bytes) -> None:
        """Collect the body of what is held back."""
        if self._whole is None:
            super().on_body(body)
        else:
            self._whole += body

    def on_message_complete(self) -> None:
        """Try the short way."""
        self._reading_since = None
        whole, self._whole = self._whole, None
        if whole is None:
            super().on_message_complete()
            return
        before = self.cycle
        reply = Reply(self)
        self.cycle = reply  # type: ignore[assignment]
        try:
            taken = self._short_way.take(self.url, self.headers, whole, reply)
        except Exception:
            log.exception("the short way failed; the request goes the long one")
            taken = False
        if not taken:
            self.cycle = before
            super().on_headers_complete()
            super().on_body(whole)
            super().on_message_complete()
