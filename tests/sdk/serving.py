"""A really running server for the client to talk to, lose and find again."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import httpx

PROGRAM = Path(sys.executable).with_name("tollkeeper")
START_SECONDS = 60.0
_ADDRESS = re.compile(r"Tollkeeper\s+(http://[\d.:]+)")


def surroundings() -> dict[str, str]:
    """The environment of the test run without what would lead the server elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_SECRET", "DATABASE_"))}
    return kept | {"TOLLKEEPER_RATE_LIMITS": "off", "TOLLKEEPER_LOG_LEVEL": "warning", "PYTHONUNBUFFERED": "1"}


class Server:
    """`tollkeeper serve` on a data directory of its own; started again, it takes the same port."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and return once it answers."""
        port = self.url.rpartition(":")[2] or "0"
        options = ["--port", port, "--data-dir", str(self.data_dir), "--workers", "1"]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [str(PROGRAM), "serve", *options],
            env=surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready, said = threading.Event(), list[str]()
        threading.Thread(target=self._listen, args=(self._process, ready, said), daemon=True).start()
        assert ready.wait(START_SECONDS), "the server did not start:\n" + "".join(said[-40:])
        assert self.url, "the server ended:\n" + "".join(said[-40:])

    def _listen(self, process: "subprocess.Popen[str]", ready: threading.Event, said: list[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                said.append(line)
                if found := _ADDRESS.search(line):
                    self.url = found[1]
                    ready.set()
        ready.set()

    def kill(self) -> None:
        """End it the hard way, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it in an orderly way."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(40)

    def operator_key(self) -> str:
        """Make a key that acts for every customer."""
        command = [str(PROGRAM), "keys", "create-operator", "--data-dir", str(self.data_dir)]
        done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - our own program
        return done.stdout.strip().splitlines()[0]

    def new_key(self, email: str) -> str:
        """Sign somebody up and return a key of theirs."""
        with httpx.Client(base_url=self.url, timeout=20) as client:
            answer = client.post("/api/auth/register", json={"email": email, "password": "lose me and find me again"})
            assert answer.status_code == 201, answer.text
            client.cookies.clear()
            bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            made = client.post("/api/keys", json={"name": "sdk"}, headers=bearer)
            assert made.status_code == 201, made.text
            return str(made.json()["secret"])
