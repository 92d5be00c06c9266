"""A lean HTTP client: one connection a caller, so that what is measured is the server."""

import asyncio
import json
import re
from typing import Any, NamedTuple

ANSWER_SECONDS = 40.0
CONNECT_SECONDS = 5.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Answer(NamedTuple):
    """A status and the JSON object that came with it; status 0: no answer."""

    status: int
    body: dict[str, Any]


NO_ANSWER = Answer(0, {})


class Line:
    """One connection to the server, made again when it is lost."""

    def __init__(self, port: int, bearer: str) -> None:
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {bearer}\r\nContent-Type: application/json\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Send a call once and return its answer."""
        content = json.dumps(body).encode()
        request = f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(content)}\r\n\r\n".encode() + content
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                return await self._exchange(*self._streams, request)
        except (OSError, EOFError, TimeoutError):
            await self.close()
            return NO_ANSWER

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Answer:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        content = await reader.readexactly(int(length[1])) if length else b"{}"
        if b"connection: close" in head.lower():
            await self.close()
        return Answer(int(head[9:12]), json.loads(content))

    async def close(self) -> None:
        """Let go of the connection."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
