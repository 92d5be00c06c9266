"""What is read over everything, and need not be of this moment."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from tollkeeper.infra import LoadingCache, Runtime, Tx

KEPT_SECONDS = 30.0
"""For how long a process shows the same."""

T = TypeVar("T")


class Lately(ABC, Generic[T]):
    """Something that takes long to read, read again when it is old."""

    def __init__(self, runtime: Runtime) -> None:
        """Nothing is read before it is asked for."""
        self._runtime = runtime
        self._kept: LoadingCache[str, T] = LoadingCache(self._load, ttl_seconds=KEPT_SECONDS)

    async def now(self) -> T:
        """Return how it stands, or stood a moment ago."""
        return await self._kept.get("")

    @abstractmethod
    async def read(self, tx: Tx) -> T:
        """Read it."""

    async def _load(self, _: str) -> T:
        async with self._runtime.transaction(of_all=True) as tx:
            return await self.read(tx)
