"""The server goes away, clients are killed, and afterwards every use is there exactly once."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from live_server import LiveServer
from tollkeeper.infra.embedded import EmbeddedPostgres
from tollkeeper_sdk import OnOutage, Retry, Spool, Tollkeeper, Unavailable

from .test_spool import first_said, said, start

ONE_TRY = Retry(tries=1)


@pytest.fixture
def server(run_folder: Path) -> Iterator[LiveServer]:
    server = LiveServer(run_folder / f"outage-{os.getpid()}")
    server.start()
    yield server
    server.stop()


def events_of(server: LiveServer) -> list[str]:
    with EmbeddedPostgres(server.data_dir) as database, psycopg.connect(database.start()) as connection:
        return [
            row[0]
            for row in connection.execute(
                "select idempotency_key from usage_events where idempotency_key is not null order by 1"
            )
        ]


def killed_after(process: "subprocess.Popen[str]", seconds: float) -> list[str]:
    begun = first_said(process)
    threading.Timer(seconds, process.send_signal, [signal.SIGKILL]).start()
    acknowledged = begun + said(process)
    assert process.wait(60) == -signal.SIGKILL
    return acknowledged


def test_every_use_once_though_server_and_clients_are_killed(server: LiveServer, tmp_path: Path) -> None:
    """A steady load; the server is killed in its middle and comes back, the client is killed twice."""
    key = server.new_key("spool@example.com")
    directory = tmp_path / "spool"
    acknowledged = killed_after(start(directory, "first", 100_000, server.url, key), 1.5)
    steady = start(directory, "second", 500, server.url, key)
    acknowledged += first_said(steady)
    time.sleep(0.3)
    server.kill()
    acknowledged += killed_after(start(directory, "third", 100_000, server.url, key), 1.5)
    acknowledged += said(steady)
    assert steady.wait(60) == 0
    with Spool(directory) as spool:
        waiting = spool.pending()
        assert waiting > 50, "the outage was felt"
        server.start()
        with Tollkeeper(server.url, key, spool=spool) as toll:
            assert toll.flush(90)
            assert toll.check("ai_tokens").balance.used == spool.stats().sent
        assert spool.dead_letters() == []
    server.stop()
    events = events_of(server)
    assert len(events) == len(set(events))
    assert set(acknowledged) <= set(events)
    assert len(set(events) - set(acknowledged)) <= 2, "at most what a killed client was about to acknowledge"


def test_track_goes_on_through_an_outage_for_what_is_open(server: LiveServer, tmp_path: Path) -> None:
    key = server.new_key("open@example.com")
    features = {"prompts": OnOutage.OPEN, "sandbox_runs": OnOutage.CLOSED}
    with (
        Spool(tmp_path / "spool") as spool,
        Tollkeeper(server.url, key, spool=spool, on_outage=features, retry=ONE_TRY) as toll,
    ):
        before = toll.track("prompts", 5)
        assert (before.used, before.degraded) == (5, False)
        server.kill()
        during = toll.track("prompts", 3)
        assert (during.used, during.degraded, during.spooled) == (None, True, True)
        assert toll.check("prompts").degraded
        with pytest.raises(Unavailable):
            toll.track("sandbox_runs")
        with pytest.raises(Unavailable):
            toll.track("deployments")  # hard in this plan, so closed unless told otherwise
        assert spool.pending() == 1
        server.start()
        assert toll.flush(60)
        assert not toll.check("prompts", 1).degraded
        assert toll.check("prompts", 1).balance.used == 8


def test_what_a_hard_limit_refuses_later_is_set_aside(server: LiveServer, tmp_path: Path) -> None:
    key = server.new_key("late@example.com")
    with Spool(tmp_path / "spool") as spool, Tollkeeper(server.url, key, spool=spool) as toll:
        for count in (600, 600, 300, 1):
            toll.record("prompts", count)
        toll.record("unicorns")
        assert toll.flush(60)
        assert toll.check("prompts").balance.used == 901
        assert sorted(each.code for each in spool.dead_letters()) == ["quota_exceeded", "unknown_feature"]
        assert spool.stats().sent == 3
