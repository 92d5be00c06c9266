"""Two PostgreSQL servers from the wheel: a primary, and a standby that every commit waits for."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from tollkeeper.infra.embedded import EmbeddedPostgres
from tollkeeper.infra.embedded.account import Account
from tollkeeper.infra.embedded.cluster import Cluster, Postmaster
from tollkeeper.infra.embedded.places import SYSTEM_DIR, programs


@dataclass
class Pair:
    """Both servers. The standby answers questions, and takes writes once it is promoted."""

    primary: Cluster
    standby: Cluster
    primary_url: str
    standby_url: str

    @property
    def url(self) -> str:
        """The address of whichever of the two takes writes."""
        hosts = ",".join(url.partition("?host=")[2] for url in (self.primary_url, self.standby_url))
        return f"postgresql://postgres@/tollkeeper?host={hosts}&target_session_attrs=read-write"

    def lose_the_primary(self) -> None:
        """End the primary and everything of it at once, as when its machine is gone."""
        found = Postmaster.read(self.primary.pgdata)
        assert found is not None
        postmaster = psutil.Process(found.pid)
        for process in (postmaster, *postmaster.children(recursive=True)):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def promote(self) -> None:
        """Have the standby take over; returns when it takes writes."""
        with psycopg.connect(self.standby_url, autocommit=True) as connection:
            assert connection.execute("select pg_promote(wait => true)").fetchone() == (True,)


@contextmanager
def replicating(folder: Path) -> Iterator[Pair]:
    """Have both run while inside, the standby following synchronously."""
    first = EmbeddedPostgres(folder / "one")
    first_url = first.start()
    first_data = (folder / "one" / "postgres").resolve()
    account = Account.for_server(first_data)
    binaries = programs(account, SYSTEM_DIR)
    second_data = first_data.with_name(f"{first_data.name}-standby")
    second_data.mkdir(0o700)
    os.chown(second_data, account.uid, account.gid)
    standby = Cluster(second_data, account, binaries)
    try:
        socket = first_url.partition("?host=")[2]
        code, output = account.run(
            [binaries / "pg_basebackup", "-h", socket, "-U", "postgres", "-D", second_data, "-R", "-c", "fast"]
        )
        assert not code, output
        second_url = standby.ensure_running({})
        with psycopg.connect(first_url, autocommit=True) as connection:
            # Written after the copy was taken, so that the standby waits for nobody once it is the primary.
            connection.execute("alter system set synchronous_standby_names = '*'")
            connection.execute("select pg_reload_conf()")
        yield Pair(Cluster(first_data, account, binaries), standby, first_url, second_url)
    finally:
        standby.stop()
        first.stop()
        shutil.rmtree(second_data, ignore_errors=True)
