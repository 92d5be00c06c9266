"""A server of our own for the benchmarks: on a fresh data directory, with one customer whose limit is never reached."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CATALOGUE = Path(__file__).parent / "catalogue.yaml"
STARTUP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and a key of its one customer.

    `pid` is its first process, which all but the database's descend from; None where somebody else runs it.
    """

    url: str
    key: str
    data_dir: Path
    pid: int | None = None


@contextmanager
def running(data_dir: Path, *, workers: int = 1) -> Iterator[Server]:
    """Serve while inside."""
    program = Path(sys.executable).with_name("tollkeeper")
    environment = {**os.environ, "TOLLKEEPER_LOG_LEVEL": "warning"}
    options = ["--data-dir", str(data_dir)]
    subprocess.run(
        [program, "plans", "apply", str(CATALOGUE), *options],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    made = subprocess.run(
        [program, "keys", "create-operator", *options], check=True, env=environment, capture_output=True, text=True
    )
    found = re.search(r"tk_op_\w+", made.stdout)
    assert found, made.stdout
    operator = found.group()
    process = subprocess.Popen(
        [program, "serve", "--port", "0", "--workers", str(workers), *options],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = _address(process)
        yield Server(url, operator, data_dir, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        found = re.search(r"Tollkeeper\s+(http://\S+)", line)
        if found:
            return found.group(1)
    raise TimeoutError("the server did not start")


def call(server: Server, path: str, body: dict[str, object]) -> dict[str, object]:
    """POST as the operator."""
    request = urllib.request.Request(
        server.url + path,
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        found: dict[str, object] = json.load(answer)
        return found
