"""`tollkeeper serve`: web and worker processes, and the database and provider beside them when none are set.

Order of the start: the socket (nothing else is worth starting without it), the stand-ins, and while they start the
database and the imports all children share; then migrations and demo data in a child of their own, then web and worker
at once.
Order of the stop: web drains, worker finishes, stand-ins, database.
"""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tollkeeper.infra import Settings
from tollkeeper.infra.embedded import EmbeddedPostgres, EmbeddedPostgresError

from . import local
from .sockets import listen, url_of
from .standins import StandIn, needed_stand_ins
from .supervisor import Child, InterruptedStartError, Signals, Supervisor

Ready = Callable[[], None]
WEB_GRACE_SECONDS = 15.0
WORKER_GRACE_SECONDS = 30.0
STAND_IN_GRACE_SECONDS = 7.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server is made of. Each runs in a process of its own, forked from one that has imported all of it.

    Attributes:
        prepare: migrate, fill an empty catalogue in development, register the webhook endpoint at the twin; returns
            when done. Also gets the address the web processes answer at on this machine.
        web: serve requests from the socket until SIGTERM, then drain; calls back when it is ready.
        worker: run jobs until SIGTERM, then finish those under way; calls back when it is ready.
        demo_login: e-mail and password of the demo account; None when there is none.
    """

    prepare: Callable[[Settings, str], None]
    web: Callable[[Settings, socket.socket, Ready], None]
    worker: Callable[[Settings, Ready], None]
    demo_login: tuple[str, str] | None = None


def serve(settings: Settings, host: str, port: int, workers: int, load: Callable[[], Parts]) -> int:
    """Serve until asked to stop.

    Args:
        settings: as read; what they leave out is started here.
        host: name or address to listen on.
        port: 0 takes a free one.
        workers: number of web processes, at least 1.
        load: imports the parts; called once, while database and twin are starting.

    Returns:
        The exit code: 0 after an orderly stop, 130 after one that was cut short.

    Raises:
        TollkeeperError: a part cannot be started; everything that was started has been stopped.
    """
    began = time.monotonic()
    with listen(host, port) as listener, Signals().caught() as signals:
        if not settings.public_url:
            settings = settings.model_copy(update={"public_url": url_of(listener)})
        server = _Server(settings, listener, workers, signals)
        try:
            with server.running(load) as parts:
                _say(server.summary(parts, time.monotonic() - began))
                server.supervisor.watch(server.keep_database)
                _say("\nStopping: finishing the requests under way (Ctrl-C again stops at once) ...")
        except InterruptedStartError:
            pass
        except EmbeddedPostgresError:
            if not signals.received:  # Ctrl-C in the terminal reaches the database's own programs, too
                raise
        _say("Stopped.")
        return 130 if signals.received > 1 else 0


class _Server:
    """One run of the server."""

    def __init__(self, settings: Settings, listener: socket.socket, workers: int, signals: Signals) -> None:
        self.settings = settings
        self.supervisor = Supervisor(signals, _say)
        self._signals = signals
        self._listener = listener
        self._workers = workers
        self._database = EmbeddedPostgres(settings.data_dir) if local.needs_database(settings) else None
        self._stand_ins = needed_stand_ins(settings)

    @contextmanager
    def running(self, load: Callable[[], Parts]) -> Iterator[Parts]:
        """Have everything running while inside; leaving stops what was started, in order."""
        with ExitStack() as stack:
            if self._database is not None:
                stack.callback(self._database.stop)
            started = [child for each in self._stand_ins for child in self._start_stand_in(stack, each)]
            if self._database is not None:
                self.settings = local.with_database(self.settings, self._database.start())
            self._signals.check()
            parts = load()
            self.supervisor.await_ready(*started)
            address = url_of(self._listener)
            self.supervisor.run_once("the preparation of the database", lambda: parts.prepare(self.settings, address))
            self._start_processes(stack, parts)
            yield parts

    def _start_stand_in(self, stack: ExitStack, stand_in: StandIn) -> list[Child]:
        ours = stand_in.claim()
        self.settings = stand_in.fill_in(self.settings)
        if not ours:
            return []
        stack.callback(stand_in.release)

        def become_it(_: Ready) -> None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            os.execv(stand_in.command[0], stand_in.command)  # noqa: S606 - our own program

        child = Child(stand_in.name, become_it, STAND_IN_GRACE_SECONDS, stand_in.is_ready)
        self._start(stack, child)
        return [child]

    def _start_processes(self, stack: ExitStack, parts: Parts) -> None:
        worker = Child("the worker", lambda ready: self._work(parts, ready), WORKER_GRACE_SECONDS)
        webs = [self._web(parts, number) for number in range(self._workers)]
        self._start(stack, worker)
        self._start(stack, *webs)
        stack.callback(self._listener.close)  # before anything stops: who comes now is refused rather than left waiting
        self.supervisor.await_ready(worker, *webs)

    def _work(self, parts: Parts, ready: Ready) -> None:
        self._listener.close()
        parts.worker(self.settings, ready)

    def _web(self, parts: Parts, number: int) -> Child:
        settings = self.settings.model_copy(update={"worker_id": number})
        name = "the web process" if self._workers == 1 else f"web process {number + 1}"
        return Child(name, lambda ready: parts.web(settings, self._listener, ready), WEB_GRACE_SECONDS)

    def _start(self, stack: ExitStack, *children: Child) -> None:
        """Start these children at once; they are stopped before whatever was started earlier."""
        stack.callback(self.supervisor.stop, *children)
        for child in children:
            self.supervisor.start(child)

    def keep_database(self) -> None:
        """Start the database again when it has died."""
        if self._database is not None and not self._database.is_running():
            _say("the database has ended; starting it again")
            self._database.start()

    def summary(self, parts: Parts, seconds: float) -> str:
        """Say what runs where."""
        data = self.settings.data_dir.resolve()
        rows = {
            "Demo login": " / ".join(parts.demo_login) if parts.demo_login else "",
            **{each.title: f"{each.url}  ({each.remark})" for each in self._stand_ins},
            "Database": f"embedded PostgreSQL in {_short(data / 'postgres')}" if self._database else "",
            "Data": _short(data),
            "Stop": "Ctrl-C",
        }
        title = f"Tollkeeper  {self.settings.public_url}"
        lines = [f"  {_dim(f'{name:<12}')}{value}" for name, value in rows.items() if value]
        return "\n".join(["", f"  {_bold(title)}  {_dim(f'ready in {seconds:.1f} s')}", "", *lines, ""])


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


def _dim(text: str) -> str:
    return f"\x1b[2m{text}\x1b[0m" if sys.stdout.isatty() else text


def _say(text: str) -> None:
    print(text, flush=True)
