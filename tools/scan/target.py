"""The running system that is scanned: a server of its own with a member who bought nothing, and their key."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from live_server import LiveServer

PASSWORD = "a toll for every bridge"  # noqa: S105 - of a login that lives as long as the scan
_FAILED = re.compile(r'tollkeeper_http_request_seconds_count\{status="500"\} (\d+)')


@dataclass(frozen=True, slots=True)
class Target:
    """Where it answers, and what lets one in."""

    server: LiveServer
    cookie: str
    key: str

    @property
    def url(self) -> str:
        """Its address."""
        return self.server.url

    @property
    def port(self) -> int:
        """Its port of this machine."""
        return self.server.port

    def openapi(self) -> dict[str, Any]:
        """The API as it describes itself."""
        document: dict[str, Any] = httpx.get(f"{self.url}/api/openapi.json", timeout=30, trust_env=False).json()
        return document

    def faults(self) -> list[str]:
        """What the server itself did wrong meanwhile: answers of 500, and traces in its log."""
        text = httpx.get(f"{self.url}/metrics", timeout=30, trust_env=False).text
        counted = sum(int(number) for number in _FAILED.findall(text))
        said = self.server.said
        told = [line.strip() for line in said if "unhandled error" in line]
        for number, line in enumerate(said):
            if "Traceback" in line:  # what was raised stands below it, at the margin
                told.append(next((each.strip() for each in said[number + 1 :] if not each.startswith(" ")), line))
        return ([f"{counted} answers of 500"] if counted else []) + told[:20]


@contextmanager
def running() -> Iterator[Target]:
    """Serve while inside."""
    data_dir = Path(tempfile.mkdtemp(prefix="tollkeeper-scan-"))
    server = LiveServer(data_dir)
    server.start()
    try:
        with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:
            wish = {"email": "scanned@example.com", "password": PASSWORD, "name": "Scanned"}
            joined = client.post("/api/auth/register", json=wish).raise_for_status()
            cookie = "; ".join(f"{name}={value}" for name, value in joined.cookies.items())
            client.cookies.clear()
            bearer = {"Authorization": f"Bearer {joined.json()['access_token']}"}
            key = client.post("/api/keys", json={"name": "scanned"}, headers=bearer).raise_for_status().json()["secret"]
        yield Target(server, cookie, key)
    finally:
        server.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
