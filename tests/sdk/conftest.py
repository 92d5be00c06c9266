"""A really running server with an operator's key, shared by the tests of this folder."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest

from live_server import LiveServer
from tollkeeper_sdk import Tollkeeper


@dataclass
class Live:
    """The server, and customers of it."""

    server: LiveServer
    operator: str
    _numbers: "count[int]" = field(default_factory=count)

    def customer(self) -> str:
        """Sign somebody new up; return a key of theirs."""
        return self.server.new_key(f"sdk-{next(self._numbers)}@example.com")

    def used(self, key: str, feature: str = "prompts") -> int:
        """How much the owner of a key has used."""
        with Tollkeeper(self.server.url, key, timeout=20) as toll:
            used = toll.check(feature).balance.used
        assert used is not None
        return used

    def use_up(self, key: str, left: int, feature: str = "prompts") -> None:
        """Leave so many of a thousand."""
        with Tollkeeper(self.server.url, key, timeout=20) as toll:
            toll.track(feature, 1000 - left - self.used(key, feature))


@pytest.fixture(scope="session")
def live(run_folder: Path) -> Iterator[Live]:
    server = LiveServer(run_folder / f"sdk-{os.getpid()}")
    server.start()
    try:
        yield Live(server, server.operator_key())
    finally:
        server.stop()


@pytest.fixture
def toll(live: Live) -> Iterator[Tollkeeper]:
    """An operator's client."""
    with Tollkeeper(live.server.url, live.operator, timeout=20) as toll:
        yield toll


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """The problem document of an answer, which it must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = answer.json()
    assert (document["status"], document["code"]) == (status, code)
    return document


@pytest.fixture(scope="module")
def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
