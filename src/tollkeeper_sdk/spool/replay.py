"""Sends what the spool holds: in the background, in batches, in order, until the server has answered for each."""

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .model import Entry, SpoolError
from .queue import Spool

BATCH = 200
BATCH_AT_ONCE = 500
"""How many entries one call takes; with the longest keys they are still less than the server reads."""
LANES_AT_ONCE = 8
IDLE_SECONDS = 1.0
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
MAX_ATTEMPTS = 10
"""How often the server may fail at one entry, while it takes others, before the entry is set aside."""

_log = logging.getLogger("tollkeeper_sdk.spool")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of sending one entry: it was taken, or refused for good, or neither (later)."""

    taken: bool = False
    refused: bool = False
    failed: bool = False
    """The server failed at this entry; others may do better."""
    status: int = 0
    code: str = ""
    reason: str = ""
    retry_after: float | None = None


Send = Callable[[Entry], Verdict]
SendMany = Callable[[Sequence[Entry]], "Sequence[Verdict] | Verdict | None"]
"""Sends entries in one call: a verdict each; or one, that all have to wait; or None, that each has to go by itself."""


@dataclass(slots=True)
class _Round:
    """What one batch came to."""

    sent: list[Entry] = field(default_factory=list)
    dead: list[tuple[Entry, int, str, str]] = field(default_factory=list)
    failed: list[Entry] = field(default_factory=list)
    later: Verdict | None = None

    def note(self, entry: Entry, verdict: Verdict) -> bool:
        """Note what became of an entry; return whether those behind it in its lane may go."""
        if verdict.taken:
            self.sent.append(entry)
        elif verdict.refused or (verdict.failed and entry.attempts + 1 >= MAX_ATTEMPTS):
            self.dead.append((entry, verdict.status, verdict.code, verdict.reason))
        elif verdict.failed:
            self.failed.append(entry)
            return False  # its lane waits for it, the others go on
        else:
            self.later = verdict
            return False
        return True


class Replay:
    """The thread that sends: many entries in a call, in the order they came, where that can be.

    Where it cannot, entries of one customer and feature go one after the other, others beside them.
    """

    def __init__(self, spool: Spool, send: Send, send_many: SendMany | None = None) -> None:
        self._spool = spool
        self._send = send
        self._send_many = send_many
        self._news = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._in_vain = 0
        self.last_error = ""
        """Why the last round could not send everything, in words; empty when it could."""
        spool.tell(self.wake)

    def wake(self) -> None:
        """Say that there is something to send; starts the thread where there is none (after a fork, too)."""
        self._news.set()
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if (self._thread is None or not self._thread.is_alive()) and not self._ending.is_set():
                    self._thread = threading.Thread(target=self._run, name="tollkeeper-spool", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        with ThreadPoolExecutor(LANES_AT_ONCE, "tollkeeper-spool") as pool:
            while not self._ending.is_set():
                self._news.clear()
                try:
                    wait = self._round(pool)
                except SpoolError as error:
                    self.last_error, wait = str(error), LONGEST_WAIT_SECONDS
                    _log.warning("The spool cannot be read: %s", error)
                if self._in_vain:
                    self._ending.wait(wait)  # appends do not hurry a server that is down
                elif wait:
                    self._news.wait(wait)

    def _round(self, pool: ThreadPoolExecutor) -> float:
        """Send one batch; return how long to wait before the next (seconds)."""
        if not self._spool.lead():
            return IDLE_SECONDS
        self._spool.expire()
        batch = self._spool.first(BATCH_AT_ONCE if self._send_many else BATCH)
        if not batch:
            return IDLE_SECONDS
        came = self._send_at_once(batch) or self._send_apart(batch, pool)
        self._spool.settle(came.sent, came.dead, came.failed)
        for entry, status, code, reason in came.dead:
            _log.warning("Set aside a use of %s (%s %s): %s", entry.lane, status, code, reason)
        return self._wait_after(came)

    def _send_at_once(self, batch: list[Entry]) -> _Round | None:
        """Send entries in one call; None: each has to go by itself."""
        if self._send_many is None or len(batch) == 1:
            return None
        answer = self._send_many(batch)
        if answer is None:
            return None
        came = _Round()
        if isinstance(answer, Verdict):
            came.later = answer
            return came
        for entry, verdict in zip(batch, answer, strict=True):
            came.note(entry, verdict)
        return came

    def _send_apart(self, batch: list[Entry], pool: ThreadPoolExecutor) -> _Round:
        lanes: dict[str, list[Entry]] = {}
        for entry in batch:
            lanes.setdefault(entry.lane, []).append(entry)
        came = _Round()
        list(pool.map(lambda lane: self._send_lane(lane, came), lanes.values()))
        return came

    def _send_lane(self, entries: list[Entry], came: _Round) -> None:
        for entry in entries:
            if came.later is not None or self._ending.is_set():
                return
            if not came.note(entry, self._send(entry)):
                return

    def _wait_after(self, came: _Round) -> float:
        if came.later is None and not came.failed:
            self._in_vain, self.last_error = 0, ""
            return 0.0
        self._in_vain = 1 if came.sent else self._in_vain + 1
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(self._in_vain, 10))
        wait = random.uniform(0, longest)
        if came.later is None:
            self.last_error = "the server failed at some entries"
            return wait
        self.last_error = came.later.reason
        return max(wait, min(came.later.retry_after or 0.0, LONGEST_WAIT_SECONDS))

    def flush(self, timeout: float) -> bool:
        """Wait until everything was sent, at most `timeout` seconds; False: something is left (and stays on disk)."""
        deadline = time.monotonic() + timeout
        while self._spool.pending():
            if time.monotonic() >= deadline:
                return False
            self.wake()
            time.sleep(0.02)
        return True

    def close(self) -> None:
        """End the thread after the calls under way; what is left stays on disk."""
        self._ending.set()
        self._news.set()
        self._spool.tell(None)
        if self._thread is not None:
            with contextlib.suppress(RuntimeError):  # a thread of before a fork
                self._thread.join()
