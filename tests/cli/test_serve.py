"""The supervisor: starts, restarts, stops in order, and leaves nothing behind when it is killed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tollkeeper.cli.errors import AddressInUseError, AddressUnusableError
from tollkeeper.cli.sockets import listen, url_of
from tollkeeper.cli.standins import EVERY_STAND_IN, StandIn

SAMPLE = Path(__file__).with_name("sample_server.py")


class Server:
    """A sample server in a process of its own."""

    def __init__(self, data: Path, *faults: str, port: int = 0, **environment: str) -> None:
        self.data = data
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, SAMPLE, data, str(port), *faults],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=data,
            env={name: value for name, value in os.environ.items() if not name.startswith("STRIPE_")} | environment,
        )
        self.output = ""
        self.url = ""

    def read_until(self, pattern: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if found := re.search(pattern, line):
                return found.group()
        raise AssertionError(f"the server ended without saying {pattern!r}:\n{self.output}")

    def await_ready(self) -> "Server":
        self.url = self.read_until(r"http://127\.0\.0\.1:\d+")
        self.read_until("Ctrl-C")
        return self

    def get(self, path: str = "/") -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(self.url + path, timeout=20).json()
        return answer

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        rest, _ = self.process.communicate(timeout=60)
        self.output += rest
        return self.process.returncode

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def notes(self) -> list[str]:
        return (self.data / "log").read_text().splitlines()


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


def eventually(condition: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if result := condition():
                return result
        except (httpx.HTTPError, OSError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError("it did not come to be in time")


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts sample servers on one data directory; ends what is left of them."""
    folder = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    folder.chmod(0o711)
    servers: list[Server] = []

    def start_one(*faults: str, **options: Any) -> Server:
        servers.append(Server(folder, *faults, **options))
        return servers[-1]

    yield start_one
    for server in servers:
        if server.process.poll() is None:
            server.end(signal.SIGTERM)
        if server.process.stdout:
            server.process.stdout.close()
    pidfile = folder / "postgres" / "postmaster.pid"
    if pidfile.exists():
        os.kill(int(pidfile.read_text().split()[0]), signal.SIGQUIT)
        eventually(lambda: not pidfile.exists())
    shutil.rmtree(folder)


def test_it_serves_with_everything_it_needs_and_stops_in_order(start: Callable[..., Server]) -> None:
    server = start().await_ready()
    facts = server.get()
    assert facts["visits"] == 1
    assert httpx.get(facts["stripe"] + "/v1/customers", auth=("sk_test_x", "")).json()["object"] == "list"
    family = server.family()
    assert server.end(signal.SIGTERM) == 0
    assert server.notes()[0] == "prepared"
    assert server.notes()[2:] == ["web drained", "web drained", "worker finished"]
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert not (server.data / "postgres" / "postmaster.pid").exists()
    assert "demo@example.com / secret" in server.output
    assert "Stopped." in server.output


def test_a_second_start_keeps_data_and_the_twin_at_its_address(start: Callable[..., Server]) -> None:
    first = start().await_ready()
    twin = first.get()["stripe"]
    first.end(signal.SIGTERM)
    second = start().await_ready()
    facts = second.get()
    assert facts["visits"] == 2
    assert facts["stripe"] == twin


def test_requests_under_way_are_answered_before_it_stops(start: Callable[..., Server]) -> None:
    server = start().await_ready()
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(server.get("/slow")))
    asking.start()
    eventually(lambda: "slow asked" in server.notes())
    assert server.end(signal.SIGINT) == 0
    asking.join()
    assert answers
    assert answers[0]["visits"] == 1


def test_a_killed_server_takes_its_children_along_and_the_next_one_takes_over(start: Callable[..., Server]) -> None:
    first = start().await_ready()
    first.get()
    port = int(first.url.rpartition(":")[2])
    family, database = first.family(), postmaster(first.data)
    first.end(signal.SIGKILL)
    second = start(port=port).await_ready()
    assert second.url == first.url
    assert second.get()["visits"] == 2, "what was committed is there"
    assert postmaster(second.data) == database, "the database went on running and was adopted"
    eventually(lambda: not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE])


def test_whatever_dies_is_started_again(start: Callable[..., Server]) -> None:
    server = start().await_ready()
    for dead in (server.get()["pid"], postmaster(server.data), int(server.notes()[1].split()[1])):
        os.kill(dead, signal.SIGKILL)
    eventually(lambda: server.get()["pid"] and server.get()["visits"])
    eventually(lambda: len([note for note in server.notes() if note.startswith("worker ")]) == 2)
    assert server.end(signal.SIGTERM) == 0
    assert "web process" in server.output
    assert "was ended by SIGKILL; starting it again" in server.output
    assert "the database has ended; starting it again" in server.output


def test_stopping_it_while_it_starts_leaves_nothing(start: Callable[..., Server]) -> None:
    server = start()
    eventually((server.data / "stripe_twin" / "port").exists)
    assert server.end(signal.SIGINT) == 0
    assert "Stopped." in server.output
    assert "Traceback" not in server.output
    assert not (server.data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("prepare", "tollkeeper: the tables are newer than this program"),
        ("web", "RuntimeError: the application is broken"),
    ],
)
def test_a_part_that_cannot_start_ends_the_whole_in_words(start: Callable[..., Server], fault: str, words: str) -> None:
    server = start(fault)
    assert server.wait() == 1
    assert words in server.output
    assert "tollkeeper doctor" in server.output
    assert not (server.data / "postgres" / "postmaster.pid").exists()


def test_a_port_in_use_is_said_before_anything_is_started(start: Callable[..., Server]) -> None:
    with listen("127.0.0.1", 0) as taken:
        server = start(port=taken.getsockname()[1])
        assert server.wait() == 1
    assert (
        f"Another program listens on 127.0.0.1:{taken.getsockname()[1] if taken.fileno() > 0 else ''}" in server.output
    )
    assert "--port" in server.output
    assert not (server.data / "postgres").exists()


def test_two_servers_on_one_data_directory_share_database_and_twin(start: Callable[..., Server]) -> None:
    first, second = start(), start()
    assert first.await_ready().get()["stripe"] == second.await_ready().get()["stripe"]
    assert {first.get()["visits"], second.get()["visits"]} == {3, 4}
    first.end(signal.SIGTERM)
    assert second.get()["visits"] == 5


def test_with_a_database_and_a_key_of_ones_own_nothing_is_started_beside(start: Callable[..., Server]) -> None:
    first = start().await_ready()
    socket_folder = first.data / "postgres"
    url = f"postgresql://postgres@/tollkeeper?host={socket_folder}"
    second = start(DATABASE_URL=url, STRIPE_SECRET_KEY="sk_test_mine").await_ready()
    facts = second.get()
    assert facts["stripe"] is None
    assert "embedded" not in second.output
    assert "twin" not in second.output


def test_a_port_that_is_let_go_within_moments_is_waited_for() -> None:
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    threading.Timer(0.4, taken.close).start()
    with listen("127.0.0.1", port) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(("host", "port"), [("no-such-host.invalid", 0), ("192.0.2.7", 0)])
def test_an_address_of_another_machine_is_refused(host: str, port: int) -> None:
    with pytest.raises(AddressUnusableError, match=host):
        listen(host, port)


def test_a_port_that_stays_in_use_is_refused() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(AddressInUseError):
        listen("127.0.0.1", taken.getsockname()[1])


def test_an_address_for_everybody_is_shown_as_one_to_open() -> None:
    with listen("0.0.0.0", 0) as listener:  # noqa: S104 - the point of the test
        assert url_of(listener).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("kind", EVERY_STAND_IN)
def test_a_stand_in_has_one_runner_and_lasting_ports(tmp_path: Path, kind: type[StandIn]) -> None:
    first, second = kind(tmp_path), kind(tmp_path)
    assert first.claim()
    assert not second.claim()
    assert second.ports == first.ports
    first.release()
    assert second.claim()
    assert second.ports == first.ports
    second.release()
    with socket.create_server(("127.0.0.1", first.port)):
        third = kind(tmp_path)
        assert third.claim()
        assert third.port != first.port, "somebody else took the port meanwhile"
        assert third.ports[1:] == first.ports[1:]
        third.release()
