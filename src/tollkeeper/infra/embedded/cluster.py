"""One cluster on disk: make it, see whether its server runs, start and stop that server.

Everything here expects the caller to hold the data directory's start lock.
"""

import contextlib
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from . import places
from .account import Account
from .errors import DataDirectoryUnusableError, DataDirectoryVersionError, InitialisationFailedError, StartFailedError

MAJOR_VERSION = "18"
DATABASE = "tollkeeper"
SUPERUSER = "postgres"
START_SECONDS = 120.0  # after a crash the server first replays its write-ahead log
STOP_SECONDS = 30.0
POLL_SECONDS = 0.01
LOG_TAIL_LINES = 15
SCRATCH_PREFIX = ".postgres-init-"

# For a small machine, written into a new cluster's postgresql.conf, where an operator may change them. Commits are
# durable; long checkpoints and a larger write-ahead log keep full-page writes from eating the commit throughput.
DEFAULTS = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "fsync": "on",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_destination": "stderr",
    "log_directory": "log",
    "log_filename": "postgres-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
}


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What a running (or killed) server wrote into `postmaster.pid`."""

    pid: int
    socket_dir: Path
    is_ready: bool

    @classmethod
    def read(cls, pgdata: Path) -> "Postmaster | None":
        """Return what is written there; None when there is no file or it is not written whole yet."""
        try:
            lines = (pgdata / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        try:
            return cls(int(lines[0]), Path(lines[4]), is_ready=lines[7].strip() == "ready")
        except (IndexError, ValueError):
            return None

    def is_alive(self, pgdata: Path) -> bool:
        """Whether the process of this number is a server of this cluster, and not one that got the number later."""
        return _serves(self.pid, pgdata)

    def accepts(self) -> bool:
        """Whether something listens on the socket."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            try:
                probe.connect(str(self.socket_dir / places.SOCKET_NAME))
            except OSError:
                return False
            return True


@dataclass(frozen=True, slots=True)
class Cluster:
    """A complete cluster, its account and the programs to run it with."""

    pgdata: Path
    account: Account
    programs: Path

    @classmethod
    def at(cls, data_dir: Path, system_dir: Path) -> "Cluster":
        """Return the cluster of this data directory, made now when there is none.

        Raises:
            EmbeddedPostgresError: in words, what is in the way.
        """
        link = data_dir / "postgres"
        if link.is_symlink() and not link.exists():
            raise DataDirectoryUnusableError(
                f"{link} points to {link.readlink()}, which is gone; restore or unlink it."
            )
        account = Account.for_server(link)
        cluster = cls(link, account, places.programs(account, system_dir))
        if not link.exists():
            cluster = cluster._initialise(places.cluster_home(data_dir, account, system_dir))
        cluster = cls(link.resolve(), account, cluster.programs)
        cluster._check_version()
        return cluster

    def _initialise(self, home: Path) -> "Cluster":
        """Make the cluster beside its place and move it there when complete, so that half of one is never seen."""
        for leftover in home.glob(f"{SCRATCH_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=home))
        os.chown(scratch, self.account.uid, self.account.gid)
        command: list[str | Path] = [
            self.programs / "initdb",
            f"--pgdata={scratch}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--auth-local=trust",
            "--auth-host=reject",
            "--no-instructions",
        ]
        code, output = self.account.run([*command, *(f"--set={name}={value}" for name, value in DEFAULTS.items())])
        if code:
            shutil.rmtree(scratch, ignore_errors=True)
            raise InitialisationFailedError(f"Making a database in {home} failed:\n{_tail(output)}")
        places.settle(scratch, self.pgdata)
        return self

    def _check_version(self) -> None:
        try:
            found = (self.pgdata / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise DataDirectoryUnusableError(f"{self.pgdata} is not a PostgreSQL database; move it away.") from None
        if found != MAJOR_VERSION:
            raise DataDirectoryVersionError(
                f"{self.pgdata} holds a database of PostgreSQL version {found}; this release runs {MAJOR_VERSION}."
            )

    def ensure_running(self, options: Mapping[str, str]) -> str:
        """Adopt the server that runs, or start one; return the database's address.

        Raises:
            StartFailedError: with the end of the server's log.
        """
        deadline = time.monotonic() + START_SECONDS
        reason = ""
        while time.monotonic() < deadline:
            found = Postmaster.read(self.pgdata)
            if found and found.accepts():
                code, reason = self._ensure_database(found.socket_dir)
                if not code:
                    return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(found.socket_dir), safe='/')}"
                time.sleep(POLL_SECONDS * 5)  # it is starting up, recovering or shutting down
            elif found and found.is_alive(self.pgdata):
                time.sleep(POLL_SECONDS)
            else:
                reason = self._launch(options, deadline)
        raise StartFailedError(f"PostgreSQL in {self.pgdata} does not answer.\n{_tail(reason or self._log())}")

    def _ensure_database(self, socket_dir: Path) -> tuple[int, str]:
        script = (
            f"SELECT 'CREATE DATABASE {DATABASE}' "  # noqa: S608 - a constant of ours
            f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec\n"
        )
        command: list[str | Path] = [
            self.programs / "psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            SUPERUSER,
            "-d",
            "postgres",
        ]
        return Account.current().run([*command, "-h", socket_dir], stdin=script)

    def _launch(self, options: Mapping[str, str], deadline: float) -> str:
        """Start the server and wait until it is ready. Returns words only when another try may help."""
        socket_dir = places.socket_dir(self.pgdata, self.account)
        # PostgreSQL takes a killed server's files for live when another process got its number since. We know better,
        # and should some part of the old server live on, it is still refused by its shared memory.
        for stale in (self.pgdata / "postmaster.pid", socket_dir / f"{places.SOCKET_NAME}.lock"):
            stale.unlink(missing_ok=True)
        fixed = {
            "listen_addresses": "",
            "unix_socket_directories": _quoted(socket_dir),
            "unix_socket_permissions": "0700",
        }
        settings = [part for name, value in {**fixed, **options}.items() for part in ("-c", f"{name}={value}")]
        server: list[str | Path] = [self.programs / "postgres", "-D", self.pgdata, *settings]
        # The shell goes away at once and leaves the server to init: in a session of its own, so that Ctrl-C in the
        # terminal stops us in order rather than the database under us.
        detach = 'log=$1; shift; "$@" >"$log" 2>&1 </dev/null & echo $!'
        code, output = self.account.run(["/bin/sh", "-c", detach, "sh", self._start_log, *server], new_session=True)
        if code or not output.isdigit():
            raise StartFailedError(f"PostgreSQL in {self.pgdata} could not be started:\n{_tail(output)}")
        return self._await_ready(int(output), deadline)

    def _await_ready(self, pid: int, deadline: float) -> str:
        while time.monotonic() < deadline:
            found = Postmaster.read(self.pgdata)
            if found and found.is_ready:
                return ""
            if not _lives(pid):
                log = self._log()
                # Processes of a killed server take a moment to notice that it is gone.
                if "shared memory block" in log and "in use" in log:
                    time.sleep(POLL_SECONDS * 20)
                    return log
                raise StartFailedError(f"PostgreSQL in {self.pgdata} did not start:\n{_tail(log)}")
            time.sleep(POLL_SECONDS)
        return self._log()

    def is_running(self) -> bool:
        """Whether the server's process lives."""
        found = Postmaster.read(self.pgdata)
        return found is not None and found.is_alive(self.pgdata)

    def stop(self) -> None:
        """Stop the server if it runs: open transactions are rolled back, everything committed is kept."""
        found = Postmaster.read(self.pgdata)
        if found is None or not found.is_alive(self.pgdata):
            return
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, without a checkpoint, without mercy
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, how)
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline:
                if not found.is_alive(self.pgdata):
                    if found.socket_dir != self.pgdata:
                        shutil.rmtree(found.socket_dir, ignore_errors=True)
                    return
                time.sleep(POLL_SECONDS)

    @property
    def _start_log(self) -> Path:
        return self.pgdata / "start.log"

    def _log(self) -> str:
        """Return the end of what the server said: at its start, and in its newest log after it had opened one."""
        logs = [self._start_log, *sorted(self.pgdata.glob("log/*.log"), key=lambda path: path.stat().st_mtime)[-1:]]
        return "\n".join(_tail(path.read_text(errors="replace")) for path in logs if path.exists())


def _quoted(path: Path) -> str:
    """Write one entry of PostgreSQL's list of folders."""
    return '"' + str(path).replace('"', '""') + '"'


def _serves(pid: int, pgdata: Path) -> bool:
    import psutil  # noqa: PLC0415 - needed only when a server is found or started; start-up time counts

    try:
        return str(pgdata) in psutil.Process(pid).cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _lives(pid: int) -> bool:
    """Whether the process we have just started still runs; its command line is empty while it becomes PostgreSQL."""
    import psutil  # noqa: PLC0415 - as above

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _tail(text: str) -> str:
    return "\n".join(f"  {line.strip()}" for line in text.splitlines()[-LOG_TAIL_LINES:])
