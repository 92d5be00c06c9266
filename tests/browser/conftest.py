"""A really running server, and Chromium in front of it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from name_server import NameServer
from tollkeeper.infra.embedded import EmbeddedPostgres

from .acts import declared
from .people import Visitors

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 180
STOP_SECONDS = 60


@dataclass
class Server:
    """A `tollkeeper serve` of our own, and where it answers."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    names: NameServer

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """What the server keeps, for what no visitor can bring about; committed in the end."""
        with EmbeddedPostgres(self.log.parent / "data") as embedded, psycopg.connect(embedded.start()) as connection:
            yield connection

    def forget_proof(self, email: str) -> None:
        """Let the last time this person proved who they are be long ago."""
        with self.database() as connection:
            connection.execute(
                "update sessions set proved_at = proved_at - interval '1 hour'"
                " where user_id = (select id from users where email = %s)",
                [email],
            )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            pytest.fail(f"the server stopped:\n{server.log.read_text()[-4000:]}")
        try:
            if httpx.get(f"{server.url}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(f"the server is not up after {START_SECONDS} s:\n{server.log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def names() -> Iterator[NameServer]:
    """The name server that the server asks who holds a domain."""
    server = NameServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, names: NameServer) -> Iterator[Server]:
    """One server for all browser tests, on embedded PostgreSQL with the twin and the demo plans."""
    home = tmp_path_factory.mktemp("browser")
    port = _free_port()
    program = str(Path(sys.executable).parent / "tollkeeper")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE", "DATABASE_"))}
    # Tests do in seconds what people do in minutes; limits of calls a minute have tests of their own.
    environment |= {
        "TOLLKEEPER_DATA_DIR": str(home / "data"),
        "TOLLKEEPER_RATE_LIMITS": "off",
        "TOLLKEEPER_PAUSE": "60",
        "TOLLKEEPER_DNS_SERVERS": names.address,
    }
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [program, "serve", "--port", str(port)], env=environment, cwd=home, stdout=output, stderr=output
        )
        server = Server(f"http://127.0.0.1:{port}", process, log, names)
        try:
            _wait_until_up(server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


# Ended when the next test is of another folder: while it runs, its event loop counts as running in this thread.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; install it with `apt-get install chromium` or set CHROMIUM")
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)  # as long as for what is pressed: a machine may stand still for seconds
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def visitors(chromium: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Visitors]:
    """Visitors of the running server. A policy violation or script error in any of them fails the test.

    So does an act the test is marked with, which none of them performed.
    """
    visitors = Visitors(chromium, server.url)
    yield visitors
    assert visitors.close() == []
    assert declared(request.node.iter_markers()) - visitors.performed == set(), "declared, and not performed"
