import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from .conftest import TwinProcess


def run(data: Path, port: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stripe_twin", "--port", str(port), "--data", str(data)]
    return subprocess.run(  # noqa: S603 -- our own program
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=30, check=False
    )


def test_it_never_runs_in_production(tmp_path: Path) -> None:
    ended = run(tmp_path, TOLLKEEPER_ENV="production")
    assert ended.returncode == 2
    assert "never runs there" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_and_a_bad_directory_are_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(tmp_path, taken.getsockname()[1])
    assert ended.returncode == 2
    assert "Choose another --port" in ended.stderr
    assert "Traceback" not in ended.stderr
    blocked = tmp_path / "file"
    blocked.write_text("")
    ended = run(blocked / "below")
    assert ended.returncode == 2
    assert "Choose another --data" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_directory_belongs_to_one_process_and_must_hold_our_file(own_twin: TwinProcess, tmp_path: Path) -> None:
    ended = run(own_twin.data)
    assert ended.returncode == 2
    assert "another test double uses" in ended.stderr
    (tmp_path / "stripe_twin.sqlite3").write_text("something else entirely, and long enough to be looked at" * 20)
    ended = run(tmp_path)
    assert ended.returncode == 2
    assert "cannot use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_health_and_the_clock(own_twin: TwinProcess) -> None:
    before = httpx.get(f"{own_twin.base}/_twin/health").json()
    assert before["status"] == "ok"
    own_twin.advance(1000)
    own_twin.stop()
    own_twin.start()
    after = httpx.get(f"{own_twin.base}/_twin/health").json()
    assert after["clock_offset"] == 1000
    assert 1000 <= after["now"] - before["now"] < 1060
    for wrong in ('{"advance_seconds": -1}', '{"advance_seconds": "x"}', "[]", "{", '{"advance_seconds": 1e99}'):
        assert httpx.post(f"{own_twin.base}/_twin/clock", content=wrong).status_code == 400
