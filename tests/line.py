"""The line between the product and the provider, which can be cut, or lose answers to what was done."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Line:
    """One line, over which connections go that carry one request after the other.

    Requests that begin with `losing` arrive and are done, but their answers get lost; None: all come back.
    """

    def __init__(self, there: str) -> None:
        """`there` is the address of whoever is at the other end."""
        self._there = urlsplit(there)
        self._writers: set[asyncio.StreamWriter] = set()
        self._whole = True
        self.url = ""
        self.losing: bytes | None = None
        self.lost = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        """Carry connections to an address of its own: `url`."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self.cut()
            server.close()

    def cut(self) -> None:
        """Let nothing through; what was on its way is lost."""
        self._whole = False
        for writer in self._writers:
            writer.close()

    def mend(self) -> None:
        """Carry everything again, and lose nothing."""
        self._whole, self.losing = True, None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.close()
            return
        back, onward = await asyncio.open_connection(self._there.hostname, self._there.port)
        self._writers |= {writer, onward}
        silent = asyncio.Event()
        await asyncio.gather(self._ask(reader, onward, silent), self._answer(back, writer, silent))
        self._writers -= {writer, onward}

    async def _ask(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, silent: asyncio.Event) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await source.read(65536):
                if self.losing is not None and block.startswith(self.losing):
                    silent.set()
                sink.write(block)
                await sink.drain()
        sink.close()

    async def _answer(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, silent: asyncio.Event) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await source.read(65536):
                if silent.is_set():
                    self.lost += 1
                    break
                sink.write(block)
                await sink.drain()
        sink.close()
