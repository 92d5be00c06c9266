"""The servers the proof is made on: `tollkeeper serve` on a fresh data directory, and what may happen to them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from tollkeeper.infra.embedded import EmbeddedPostgres

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
START_SECONDS = 180.0
STOP_SECONDS = 40.0
RECOVERY_SECONDS = 60.0
_ADDRESS = re.compile(r"Tollkeeper\s+(http://[\d.]+:(\d+))")

_WATCH = """
create table proof_told (args jsonb not null);
grant insert on proof_told to public;
create function proof_note() returns trigger language plpgsql as $$
begin
    insert into proof_told values (new.args);
    return new;
end $$;
create trigger proof_note after insert on procrastinate_jobs
    for each row when (new.task_name = 'metering.announce_threshold') execute function proof_note();
"""
_MOVE = """
insert into product_clock (id, ahead, moved_at) values (1, make_interval(secs => %s), now())
on conflict (id) do update set ahead = excluded.ahead, moved_at = excluded.moved_at
"""


class Servers:
    """One supervisor with its web processes and its worker, on an embedded PostgreSQL."""

    def __init__(self, data_dir: Path, workers: int) -> None:
        """Nothing is started yet."""
        self._data_dir = data_dir
        self._workers = workers
        self._database = EmbeddedPostgres(data_dir)
        self._process: subprocess.Popen[str] | None = None
        self.said: list[str] = []
        self.port = 0
        self.operator = ""
        self.database = ""

    @property
    def url(self) -> str:
        """Where they answer."""
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Make everything that is there before the first call."""
        self.database = self._database.start()
        self._run("plans", "apply", str(CATALOGUE))
        self.operator = self._run("keys", "create-operator").strip().splitlines()[0]
        with psycopg.connect(self.database) as connection:
            connection.execute(_WATCH)
        self.start()

    def _run(self, *arguments: str) -> str:
        command = [str(_program()), *arguments, "--data-dir", str(self._data_dir)]
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start the servers, on the same port as before; returns once they answer."""
        options = ["--port", str(self.port), "--data-dir", str(self._data_dir), "--workers", str(self._workers)]
        self._process = subprocess.Popen(
            [str(_program()), "serve", *options],
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self._process, ready), daemon=True).start()
        if not ready.wait(START_SECONDS) or self._process.poll() is not None:
            raise RuntimeError("the servers did not start:\n" + "".join(self.said[-40:]))

    def _listen(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.said.append(line)
                if found := _ADDRESS.search(line):
                    self.port = int(found[2])
                    ready.set()
        ready.set()

    def web_processes(self) -> list[int]:
        """The processes that answer calls."""
        assert self._process is not None
        found = []
        for child in psutil.Process(self._process.pid).children():
            with suppress(psutil.Error):
                sockets = child.net_connections("tcp")
                if any(each.status == psutil.CONN_LISTEN and each.laddr.port == self.port for each in sockets):
                    found.append(child.pid)
        return found

    def kill_a_web_process(self) -> str:
        """End one web process the hard way; the supervisor starts another."""
        deadline = time.monotonic() + START_SECONDS
        while not (there := self.web_processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not there:
            raise RuntimeError("no web process is there:\n" + "".join(self.said[-40:]))
        pid = there[0]
        os.kill(pid, signal.SIGKILL)
        return f"kill -9 of web process {pid}"

    def kill(self) -> None:
        """End the supervisor and with it all its processes the hard way."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def kill_everything(self) -> str:
        """The same, and start anew."""
        self.kill()
        self.start()
        return "kill -9 of the whole server, started again"

    def restart_the_database(self, how: signal.Signals) -> str:
        """End PostgreSQL, in order (SIGINT) or not (SIGKILL); the supervisor starts it again."""
        pid = self._postmaster()
        os.kill(pid, how)
        deadline = time.monotonic() + RECOVERY_SECONDS
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError, FileNotFoundError, ValueError):
                psycopg.connect(self.database, connect_timeout=5).close()
                if self._postmaster() != pid:
                    break
            time.sleep(0.05)
        return "PostgreSQL restarted in order" if how is signal.SIGINT else "kill -9 of PostgreSQL, recovered"

    def _postmaster(self) -> int:
        return int((self._data_dir / "postgres" / "postmaster.pid").read_text().split()[0])

    def move_the_clock(self, ahead: float) -> None:
        """Set the product's clock so many seconds before the machine's."""
        with psycopg.connect(self.database) as connection:
            connection.execute(_MOVE, [ahead])
            connection.execute("select pg_notify('tollkeeper_changes', 'clock:')")

    def stop(self) -> None:
        """Stop everything in order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._database.stop()


def _program() -> Path:
    return Path(sys.executable).with_name("tollkeeper")


def _environment() -> dict[str, str]:
    foreign = ("STRIPE_", "TOLLKEEPER_", "DATABASE_", "JWT_", "REDIS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"TOLLKEEPER_RATE_LIMITS": "off", "TOLLKEEPER_LOG_LEVEL": "error", "PYTHONUNBUFFERED": "1"}
