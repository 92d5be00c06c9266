"""`tollkeeper twin stripe` is the twin itself: it says where it listens, answers, and stops when told to."""

import os
import re
import signal
import subprocess
from pathlib import Path

import httpx

from .test_commands import PROGRAM, environment, tollkeeper


def test_the_twin_runs_by_itself(tmp_path: Path) -> None:
    command: list[str | Path] = [PROGRAM, "twin", "stripe", "--port", "0", "--data", tmp_path / "twin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path) as running:  # noqa: S603 - our own program
        assert running.stdout
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", running.stdout.readline())
        assert found
        assert httpx.get(f"{found[1]}/_twin/health").json()["service"] == "stripe_twin"
        assert "Stripe test double" in httpx.get(found[1]).text
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(15) == 0
    assert (tmp_path / "twin" / "stripe_twin.sqlite3").is_file()


def test_it_refuses_production_and_explains_itself(tmp_path: Path) -> None:
    code, _, said = tollkeeper(
        "twin", "stripe", "--port", "0", "--data", tmp_path / "twin", TOLLKEEPER_ENV="production"
    )
    assert (code, "never runs there" in said) == (2, True)
    code, said, _ = tollkeeper("twin", "--help")
    assert (code, "stripe" in said) == (0, True)
