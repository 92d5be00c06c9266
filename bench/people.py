"""A lean client over HTTP/1.1, and what a server's processes have used: who measures must not need what is measured."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psutil

_LONGEST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call was answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body's content."""
        return json.loads(self.body)


class Caller:
    """One person's connection, opened when it is entered and closed when it is left."""

    def __init__(self, url: str) -> None:
        """`url` is the server's, without a path."""
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=_LONGEST_HEAD)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._writer.close()

    async def send(self, method: str, path: str, *, body: Any = None, bearer: str | None = None) -> Answer:
        """Make one call; the body is sent as JSON.

        Raises:
            OSError, EOFError: the line was cut.
        """
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}", "User-Agent: bench/1.0"]
        lines += [f"Authorization: Bearer {bearer}"] if bearer else []
        lines += ["Content-Type: application/json"] if content else []
        lines += [f"Content-Length: {len(content)}", "", ""]
        self._writer.write("\r\n".join(lines).encode() + content)
        head = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head[1:] if line)
        length = int(fields.get(b"content-length", b"0"))
        return Answer(int(head[0].split()[1]), await self._reader.readexactly(length) if length else b"")


def processor_seconds(pid: int) -> float:
    """Return how long a process and all that descend from it have kept processors busy."""
    process = psutil.Process(pid)
    found = 0.0
    for each in (process, *process.children(recursive=True)):
        times = each.cpu_times()
        found += times.user + times.system + times.children_user + times.children_system
    return found


def database_pid(data_dir: Path) -> int:
    """Return the first process of a server's own database."""
    return int(next(data_dir.glob("postgres/**/postmaster.pid")).read_text().split()[0])
