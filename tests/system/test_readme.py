"""The README's tour is true: its commands print on a fresh server what it says they print."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from live_server import LiveServer

from .tour import agrees, take, tour


@pytest.fixture
def server() -> Iterator[LiveServer]:
    folder = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    folder.chmod(0o711)
    live = LiveServer(folder / "data")
    live.start()
    yield live
    live.stop()
    shutil.rmtree(folder)


def test_the_tour_prints_what_it_says(server: LiveServer) -> None:
    steps = tour()
    assert len(steps) > 10
    found = zip(steps, take(steps, server.url), strict=True)
    wrong = [
        f"$ {step.command}\nREADME: {step.printed}\nreally: {out}"
        for step, out in found
        if not agrees(out, step.printed)
    ]
    assert not wrong, "\n\n".join(wrong)


def test_a_lie_is_noticed() -> None:
    assert agrees('{"used": 1, "at": "2026-01-02T03:04:05Z"}', '{"used": 1, "at": "2030-01-02T03:04:05.123Z"}')
    assert not agrees('{"used": 1}', '{"used": 2}')
    assert not agrees('{"used": 1}', "")
