"""The provider's imitation as a process of its own, and what a buyer types in there."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

KEY = "sk_test_tollkeeper"
SITE = "http://127.0.0.1:9"
CARD = {"exp_month": "12", "exp_year": "2040", "cvc": "123", "name": "Ada", "postal_code": "10115"}
START_SECONDS = 90


class TwinProcess:
    """The imitation on a port of its own; it can be stopped and started again where it was."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def now(self) -> datetime:
        """Return what time it is there, to the second."""
        answer = httpx.get(f"{self.url}/_twin/health", trust_env=False)
        return datetime.fromtimestamp(answer.json()["now"], UTC)

    def start(self) -> None:
        command = [sys.executable, "-m", "stripe_twin", "--port", str(self.port), "--data", str(self.data)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - ours
        assert self._process.stdout is not None
        found = re.search(r":(\d+)", self._process.stdout.readline())
        assert found, "the imitation did not start"
        self.port = int(found[1])
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/_twin/health", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        pytest.fail("the imitation does not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(START_SECONDS)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
