"""The proof itself, in its short forms, as anybody would run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("options", "report"),
    [(["--short", "--heard-within", "5"], "proof.json"), (["--spool", "--outage", "15"], "proof-spool.json")],
)
def test_every_promise_holds(options: list[str], report: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "proof", *options, "--build", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / report).read_text())["holds"] is True
