"""What happens while the load runs: kills, restarts, and periods that end."""

import asyncio
import signal
import time
from collections.abc import Callable

from .history import Move, Times
from .servers import Servers

MONTH_SECONDS = 31 * 24 * 3600.0


class Trouble:
    """Makes trouble in turn, and notes when the clock was moved."""

    def __init__(self, servers: Servers, say: Callable[[str], None], heard_within: float) -> None:
        self._servers = servers
        self._say = say
        self.times = Times(time.time() - time.monotonic(), heard_within=heard_within)
        self.done: list[str] = []

    async def make(self, pause: float, rounds: int) -> None:
        """Let the load run, and between pauses of so many seconds make every kind of trouble, in every round."""
        for _ in range(rounds):
            for what in (
                self._kill_one,
                self._reset,
                self._restart_in_order,
                self._kill_one,
                self._kill_the_database,
                self._reset,
                self._kill_all,
            ):
                await asyncio.sleep(pause)
                self._note(await asyncio.to_thread(what))
        await asyncio.sleep(pause)

    def _note(self, what: str) -> None:
        self.done.append(what)
        self._say(what)

    def _kill_one(self) -> str:
        return self._servers.kill_a_web_process()

    def _kill_all(self) -> str:
        return self._servers.kill_everything()

    def _restart_in_order(self) -> str:
        return self._servers.restart_the_database(signal.SIGINT)

    def _kill_the_database(self) -> str:
        return self._servers.restart_the_database(signal.SIGKILL)

    def _reset(self) -> str:
        ahead = MONTH_SECONDS * (len(self.times.moves) + 1)
        began = time.monotonic()
        self._servers.move_the_clock(ahead)
        self.times.moves.append(Move(began, time.monotonic(), ahead))
        return "every period ends: the clock moved on by 31 days"
