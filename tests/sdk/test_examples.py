"""The examples, each run as its README tells, against a really running Tollkeeper."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from .conftest import Live, bearer, problem

EXAMPLES = Path(__file__).parents[2] / "examples"
START_SECONDS = 120
# What the example's README tells to type, on a port that is free.
COUNTS_ERRORS = {"fastapi": False, "flask": True, "django": False}


def command_of(name: str) -> list[str]:
    """The line of the README that starts the example."""
    text = (EXAMPLES / name / "README.md").read_text()
    found = re.search(r"^3\. `([^`]*?)9000`", text, re.MULTILINE)
    assert found, "the README tells how to start it"
    program, *rest = shlex.split(found[1])
    return [str(Path(sys.executable).with_name(program)), *rest]


class Example:
    """One example as a process."""

    def __init__(self, name: str, live: Live, port: int) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        surroundings = {"TOLL_URL": live.server.url, "TOLL_KEY": live.operator}
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [*command_of(name), str(port)],
            cwd=EXAMPLES / name,
            env={**os.environ, **surroundings, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said += line

    def await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/hello", timeout=5).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"{self.name} did not start:\n{self.said}")

    def stop(self) -> None:
        for child in psutil.Process(self.process.pid).children(recursive=True):
            child.send_signal(signal.SIGTERM)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@pytest.fixture(scope="module", params=sorted(COUNTS_ERRORS))
def example(request: pytest.FixtureRequest, live: Live, free_port: int) -> Iterator[Example]:
    example = Example(request.param, live, free_port)
    try:
        example.await_ready()
        yield example
    finally:
        example.stop()


def test_it_verifies_meters_and_tells(live: Live, example: Example) -> None:
    key = live.customer()
    with httpx.Client(base_url=example.url, timeout=20) as client:
        assert client.get("/hello").json() == {"hello": "world"}
        refused = client.get("/me")
        problem(refused, 401, "unauthenticated")
        assert refused.headers["www-authenticate"] == "Bearer"
        assert problem(client.get("/me", headers=bearer("tk_live_wrong")), 401, "invalid_credential")["reason"]
        me = client.get("/me", headers={"X-API-Key": key})
        assert me.json()["plan"] == "free"
        assert "x-quota-used" not in me.headers
        assert me.headers["ratelimit-policy"] == '"default";q=300;w=60'
        answer = client.post("/chat", content="hello", headers=bearer(key))
        assert (answer.status_code, answer.text) == (200, "You said: hello ")
        told = {name: answer.headers[f"x-quota-{name}"] for name in ("limit", "used", "remaining")}
        assert told == {"limit": "1000", "used": "1", "remaining": "999"}
        assert int(answer.headers["x-quota-reset"]) > time.time()
        assert answer.headers["ratelimit"].startswith('"default";r=')
    assert live.used(key) == 1


def test_what_fails_costs_as_told(live: Live, example: Example) -> None:
    key = live.customer()
    with httpx.Client(base_url=example.url, timeout=20, headers=bearer(key)) as client:
        crashed = client.post("/chat", content="crash")
        assert crashed.status_code == 500
    assert live.used(key) == int(COUNTS_ERRORS[example.name])


def test_a_hard_limit_holds_in_front_of_it(live: Live, example: Example) -> None:
    key = live.customer()
    live.use_up(key, left=2)
    with httpx.Client(base_url=example.url, timeout=20, headers=bearer(key)) as client:
        statuses = [client.post("/chat", content="hello").status_code for _ in range(4)]
        assert statuses == [200, 200, 402, 402]
        document = problem(client.post("/chat", content="hello"), 402, "quota_exceeded")
    assert isinstance(document["upgrade"], dict)
    assert document["upgrade"]["plan"] == "pro"
    assert live.used(key) == 1000
