"""Password hashing: argon2id, away from the event loop, a bounded number at a time."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from tollkeeper.infra import make_secret
from tollkeeper.kit import UnavailableError

T = TypeVar("T")

# OWASP's recommended cost for argon2id: 19 MiB, two passes, one lane. About 20 ms of one core each.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
MAX_WAITING = 2_000


class LoginBusyError(UnavailableError):
    """More people log in at this moment than passwords can be checked."""

    code = "login_busy"
    title = "Too many people are logging in right now"
    hint = "Try again in a few seconds."


class PasswordHasher:
    """Hashes and checks passwords on threads of its own, so that neither requests nor other thread work wait for it.

    argon2 releases the interpreter's lock while it works. At least one core is left to the event loop where there
    is more than one; memory is bounded by `workers` times 19 MiB.
    """

    def __init__(self, workers: int | None = None, *, memory_kib: int = MEMORY_KIB) -> None:
        """Nothing is hashed yet.

        Args:
            workers: how many hashes run at once; None takes the cores but one, at most four.
            memory_kib: what a hash costs. Less is for tests that are about something else.
        """
        self._hashing = PasswordHash(
            (Argon2Hasher(time_cost=PASSES, memory_cost=memory_kib, parallelism=LANES),),
        )
        self._threads = ThreadPoolExecutor(
            workers or max(1, min(4, (os.cpu_count() or 1) - 1)), thread_name_prefix="password"
        )
        self._waiting = 0
        self._dummy = self._hashing.hash(make_secret())

    async def hash(self, password: str) -> str:
        """Return the hash to keep, with its salt and cost in it.

        Raises:
            LoginBusyError: when too many wait already.
        """
        return await self._run(lambda: self._hashing.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password fits. None (nobody by that name) takes just as long and is False.

        Raises:
            LoginBusyError: when too many wait already.
        """
        fits = await self._run(lambda: self._fits(password, password_hash or self._dummy))
        return fits and password_hash is not None

    def close(self) -> None:
        """Let go of the threads; hashes not begun are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fits(self, password: str, password_hash: str) -> bool:
        try:
            return self._hashing.verify(password, password_hash)
        except PwdlibError:  # a hash of a kind we do not know
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise LoginBusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
