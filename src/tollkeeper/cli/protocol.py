"""uvicorn's HTTP protocol, able to write an answer that comes in one piece."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tollkeeper.infra import WHOLE_ANSWER_EXTENSION

_STATUS = b"HTTP/1.1 200 OK\r\n"


class Protocol(HttpToolsProtocol):
    """Offers each request the extension `WHOLE_ANSWER_EXTENSION`: the rest of the head and the body in one write."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        def write_whole(rest: bytes) -> None:
            _write_whole(cycle, rest)

        extensions: dict[str, Any] = {WHOLE_ANSWER_EXTENSION: write_whole}
        cycle.scope["extensions"] = extensions
        super()._start_asgi_task(cycle, app)


def _write_whole(cycle: RequestResponseCycle, rest: bytes) -> None:
    """What the cycle's own `send` does for a start and a body, for one that is rendered and known to be sound."""
    cycle.response_started = True
    if cycle.disconnected:
        return
    own = b"".join(b"%b: %b\r\n" % pair for pair in cycle.default_headers)
    closing = b"" if cycle.keep_alive else b"connection: close\r\n"
    transport: asyncio.Transport = cycle.transport
    transport.write(b"".join((_STATUS, own, closing, rest)))
    cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        transport.close()
    cycle.on_response()
