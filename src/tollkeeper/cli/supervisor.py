"""A parent that keeps child processes running, and stops them in order.

The parent imports what the children need and forks them, so that the imports are paid for once; it runs nothing of it
itself, has one thread and no event loop, and so has nothing a fork could break (random generators, pools, locks).
Children live in sessions of their own: Ctrl-C in the terminal reaches the parent alone, which stops them in order.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

from .errors import ChildFailedError
from .run import guarded

PR_SET_PDEATHSIG = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A child that has run this long starts its next life without a pause."""
START_SECONDS = 60.0
"""A child that is not ready after this long has failed."""


class InterruptedStartError(Exception):
    """Somebody asked to stop while the parts were still being started."""


class Signals:
    """The requests to stop that have come in: none, one (stop in order) or more (stop at once)."""

    def __init__(self) -> None:
        self.received = 0
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def _note(self, number: int, _: FrameType | None) -> None:
        if number in STOP_SIGNALS:
            self.received += 1

    @contextmanager
    def caught(self) -> Iterator["Signals"]:
        """Catch signals while inside; a signal also ends a `pause`."""
        before = {number: signal.signal(number, self._note) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
        wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        try:
            yield self
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self._reader)
            os.close(self._writer)

    def pause(self, seconds: float, *also: int) -> None:
        """Wait, but not longer than until the next signal or until one of the descriptors can be read."""
        select.select([self._reader, *also], [], [], max(0.0, seconds))
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)

    def check(self) -> None:
        """Raise when somebody asked to stop."""
        if self.received:
            raise InterruptedStartError

    def release(self) -> None:
        """Give a forked child the signals a new program has."""
        signal.set_wakeup_fd(-1)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)


@dataclass(slots=True)
class Child:
    """One part of the server.

    Attributes:
        name: as people read it.
        run: what the forked process does; it calls its argument when it is ready, and returns when it was asked to
            stop (SIGTERM). It may also replace the process by another program.
        grace_seconds: how long it may take to stop before it is killed.
        is_ready: for a program that cannot call back: asked again and again from outside.
    """

    name: str
    run: Callable[[Callable[[], None]], None]
    grace_seconds: float = 10.0
    is_ready: Callable[[], bool] | None = None
    pid: int = field(default=0, init=False)
    ready: bool = field(default=False, init=False)
    failures: int = field(default=0, init=False)
    started: float = field(default=0.0, init=False)
    restart_at: float = field(default=0.0, init=False)
    pipe: int = field(default=-1, init=False)

    @property
    def is_alive(self) -> bool:
        """Whether it has been started and has not been seen to end."""
        return self.pid != 0

    def note_ready(self) -> None:
        """See whether it has become ready."""
        if self.ready or not self.is_alive:
            return
        if self.is_ready is not None:
            self.ready = self.is_ready()
        elif select.select([self.pipe], [], [], 0)[0]:
            self.ready = os.read(self.pipe, 1) == b"+"

    def close_pipe(self) -> None:
        """Forget the pipe it reports on."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1


class Supervisor:
    """Starts children, restarts those that end by themselves, stops all of them in order."""

    def __init__(self, signals: Signals, say: Callable[[str], None]) -> None:
        """`say` tells the operator a line."""
        self._signals = signals
        self._say = say
        self._children: list[Child] = []
        # Children hold the reading end: it ends when this process ends, however it ends.
        self._lifeline, self._kept_open = os.pipe()

    def start(self, child: Child) -> None:
        """Start a child without waiting for it."""
        if child not in self._children:
            self._children.append(child)
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._live(child, parent, writer)
        os.close(writer)
        child.close_pipe()
        child.pid, child.pipe, child.ready, child.started = pid, reader, False, time.monotonic()

    def _live(self, child: Child, parent: int, writer: int) -> NoReturn:
        """Be the child, from the fork to the end of the process."""
        code = 1
        try:
            os.setsid()
            self._signals.release()
            os.close(self._kept_open)
            _die_with(parent, self._lifeline)
            code = guarded(lambda: child.run(lambda: _report(writer)))
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        except BaseException:  # noqa: BLE001 - the last line of a process: say what happened, then leave
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def await_ready(self, *children: Child) -> None:
        """Wait until all of these are ready.

        Raises:
            ChildFailedError: one of them ended or took too long.
            InterruptedStartError: somebody asked to stop.
        """
        deadline = time.monotonic() + START_SECONDS
        while waiting := [child for child in children if not child.ready]:
            self._signals.check()
            for child in waiting:
                child.note_ready()
                if not child.ready and (code := self._reap(child)) is not None:
                    raise ChildFailedError(f"{child.name} {_in_words(code)} before it was ready.")
            if time.monotonic() > deadline:
                raise ChildFailedError(f"{waiting[0].name} was not ready within {START_SECONDS:.0f} seconds.")
            polled = any(child.is_ready for child in waiting)
            pipes = [child.pipe for child in waiting if child.pipe >= 0 and not child.ready and not child.is_ready]
            self._signals.pause(0.02 if polled else 0.25, *pipes)

    def run_once(self, name: str, work: Callable[[], None]) -> None:
        """Do something in a process of its own, so that this one stays fit for forking.

        Raises:
            ChildFailedError: it failed; it has said why itself.
            InterruptedStartError: somebody asked to stop.
        """
        child = Child(name, lambda _: work())
        self.start(child)
        try:
            while (code := self._reap(child)) is None:
                self._signals.check()
                self._signals.pause(0.25)
        finally:
            self.stop(child)
            self._children.remove(child)
        if code:
            raise ChildFailedError(f"{name} {_in_words(code)}.")

    def watch(self, tick: Callable[[], None]) -> None:
        """Keep everything running until somebody asks to stop; `tick` is called about every second."""
        while not self._signals.received:
            for child in self._children:
                self._look_after(child)
            tick()
            self._signals.pause(TICK_SECONDS)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        child.note_ready()
        if child.is_alive:
            code = self._reap(child)
            if code is None:
                return
            child.failures = 1 if now - child.started > STEADY_SECONDS else child.failures + 1
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (child.failures - 1), LONGEST_PAUSE_SECONDS)
            child.restart_at = now + pause
            self._say(f"{child.name} {_in_words(code)}; starting it again in {pause:g} s")
        if now >= child.restart_at:
            self.start(child)

    def stop(self, *children: Child) -> None:
        """Ask these to stop and wait for them; kill those that take too long, and all of them when asked twice."""
        for child in children:
            self._signal(child, signal.SIGTERM)
        deadlines = {id(child): time.monotonic() + child.grace_seconds for child in children}
        while living := [child for child in children if child.is_alive and self._reap(child) is None]:
            for child in living:
                if self._signals.received > 1 or time.monotonic() > deadlines[id(child)]:
                    self._signal(child, signal.SIGKILL)
            self._signals.pause(0.1)

    def _signal(self, child: Child, number: signal.Signals) -> None:
        if child.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, number)

    def _reap(self, child: Child) -> int | None:
        """Return the code a child ended with; None while it runs."""
        if not child.is_alive:
            return 1
        ended, status = os.waitpid(child.pid, os.WNOHANG)
        if not ended:
            return None
        child.pid = 0
        child.close_pipe()
        return os.waitstatus_to_exitcode(status)


def _report(pipe: int) -> None:
    with contextlib.suppress(OSError):
        os.write(pipe, b"+")


def _die_with(parent: int, lifeline: int) -> None:
    """End this process when its parent ends in whatever way, so that a killed server leaves nothing behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)
        return

    def wait_for_the_end() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=wait_for_the_end, name="lifeline", daemon=True).start()


def _in_words(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return "ended by itself" if code == 0 else f"failed with code {code}"
