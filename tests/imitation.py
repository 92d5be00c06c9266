"""An imitation of somebody else's service as a process of its own, keeping nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

START_SECONDS = 90


class Imitation:
    """The program `python -m <name>` on a port of its own; `http` reaches it."""

    def __init__(self, name: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
        command = [sys.executable, "-m", name, "--port", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - ours
        assert self._process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", self._process.stdout.readline())
        assert found, "the imitation did not start"
        self.url = found.group()
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=START_SECONDS)

    def stop(self) -> None:
        self.http.close()
        self._process.terminate()
        self._process.wait(START_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()
