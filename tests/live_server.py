"""A really running server, to be spoken to, loaded, killed and found again."""

import os
import re
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import httpx

import program
from program import Program

START_SECONDS = 180.0
STOP_SECONDS = 40.0
_ADDRESS = re.compile(r"Tollkeeper\s+(http://[\d.:]+)")


def surroundings() -> dict[str, str]:
    """The environment of the test run without what would lead the server elsewhere."""
    foreign = ("STRIPE_SECRET", "DATABASE_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"TOLLKEEPER_RATE_LIMITS": "off", "TOLLKEEPER_LOG_LEVEL": "warning", "PYTHONUNBUFFERED": "1"}


@dataclass
class LiveServer:
    """`tollkeeper serve` on a data directory of its own. Started again after a kill, it takes the same port."""

    data_dir: Path
    workers: int = 1
    port: int = 0
    url: str = ""
    process: Program | None = None
    said: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    start_seconds: float = START_SECONDS

    def start(self) -> None:
        """Start, and return once it answers."""
        options = ["--port", str(self.port), "--data-dir", str(self.data_dir), "--workers", str(self.workers)]
        self.process, said = program.start(["serve", *options], surroundings() | self.settings)
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(said, ready), daemon=True).start()
        deadline = time.monotonic() + self.start_seconds
        while not ready.wait(0.05):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the server did not start:\n" + "".join(self.said[-40:]))
        self.port = int(self.url.rpartition(":")[2])

    def _listen(self, said: TextIO, ready: threading.Event) -> None:
        with said:
            for line in said:
                self.said.append(line)
                found = _ADDRESS.search(line)
                if found:
                    self.url = found.group(1)
                    ready.set()

    def kill(self) -> None:
        """End it the hard way, as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it in an orderly way and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def operator_key(self) -> str:
        """Make a key that acts for every customer."""
        done = program.run(["keys", "create-operator", "--data-dir", self.data_dir], surroundings())
        done.check_returncode()
        return done.stdout.strip().splitlines()[0]

    def new_key(self, email: str) -> str:
        """Sign somebody up and return a key of theirs."""
        with httpx.Client(base_url=self.url, timeout=20) as client:
            answer = client.post("/api/auth/register", json={"email": email, "password": "kill me at any moment"})
            assert answer.status_code == 201, answer.text
            bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            client.cookies.clear()
            made = client.post("/api/keys", json={"name": "test"}, headers=bearer)
            assert made.status_code == 201, made.text
            return str(made.json()["secret"])
