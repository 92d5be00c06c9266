"""A cache in front of a loader: one load per key at a time, forgotten on a word from the database, bounded."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LoadingCache(Generic[K, V]):
    """Keeps what `load` returned, for at most `ttl_seconds` and `max_entries` (least recently loaded go first).

    None is handed out but never kept: what does not exist yet may exist a moment later.
    A value whose load began before a `forget` that concerns it is handed out but not kept: it may be the old one.
    """

    def __init__(self, load: Callable[[K], Awaitable[V]], *, ttl_seconds: float, max_entries: int = 100_000) -> None:
        self._load = load
        self._ttl = ttl_seconds
        self._max = max_entries
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._loading: dict[K, asyncio.Task[V]] = {}
        self._forgotten = 0

    def peek(self, key: K) -> V | None:
        """Return what is kept for the key without waiting; None when it has to be loaded."""
        entry = self._kept.get(key)
        if entry is None or entry[0] < time.monotonic():
            return None
        return entry[1]

    async def get(self, key: K) -> V:
        """Return the value for the key, loading it when it is not kept. Errors of the loader are not kept."""
        kept = self.peek(key)
        if kept is not None:
            return kept
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._load_and_keep(key))
        return await asyncio.shield(task)

    async def _load_and_keep(self, key: K) -> V:
        before = self._forgotten
        try:
            value = await self._load(key)
            if value is not None and before == self._forgotten:
                self._kept[key] = (time.monotonic() + self._ttl, value)
                while len(self._kept) > self._max:
                    self._kept.popitem(last=False)
            return value
        finally:
            if self._loading.get(key) is asyncio.current_task():
                del self._loading[key]

    def forget(self, matches: Callable[[V], bool]) -> None:
        """Drop every kept value that matches."""
        self._began_forgetting()
        for key in [key for key, (_, value) in self._kept.items() if matches(value)]:
            del self._kept[key]

    def forget_key(self, key: K) -> None:
        """Drop what is kept for the key."""
        self._began_forgetting()
        self._kept.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        self._began_forgetting()
        self._kept.clear()

    def _began_forgetting(self) -> None:
        self._forgotten += 1
        self._loading.clear()  # callers from now on start a load of their own, which sees the change
