"""A cache in front of a loader: one load per key at a time, forgotten on a word from the database, bounded."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LoadingCache(Generic[K, V]):
    """Keeps what `load` returned, for at most `ttl_seconds` and `max_entries` (least recently loaded go first).

    `about` tells what a value is about, so that everything about one thing is forgotten without a look at all the rest.

    None is handed out but never kept: what does not exist yet may exist a moment later.
    A value whose load began before a `forget` that concerns it is handed out but not kept: it may be the old one.
    """

    def __init__(
        self,
        load: Callable[[K], Awaitable[V]],
        *,
        ttl_seconds: float,
        max_entries: int = 100_000,
        about: Callable[[V], Hashable] | None = None,
    ) -> None:
        self._load = load
        self._ttl = ttl_seconds
        self._max = max_entries
        self._about = about
        # Plain dicts and tuples: with a hundred thousand entries what each takes beside its value is what counts.
        self._kept: dict[K, tuple[float, V]] = {}
        self._keys_about: dict[Hashable, tuple[K, ...]] = {}
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
                self._keep(key, value)
            return value
        finally:
            if self._loading.get(key) is asyncio.current_task():
                del self._loading[key]

    def _keep(self, key: K, value: V) -> None:
        self._drop(key)
        self._kept[key] = (time.monotonic() + self._ttl, value)
        if self._about is not None:
            what = self._about(value)
            self._keys_about[what] = (*self._keys_about.get(what, ()), key)
        while len(self._kept) > self._max:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: K) -> None:
        entry = self._kept.pop(key, None)
        if entry is None or self._about is None:
            return
        what = self._about(entry[1])
        keys = tuple(each for each in self._keys_about.pop(what) if each != key)
        if keys:
            self._keys_about[what] = keys

    def forget_about(self, what: Hashable) -> None:
        """Drop every kept value that is about this."""
        self._began_forgetting()
        for key in self._keys_about.get(what, ()):
            self._drop(key)

    def forget_key(self, key: K) -> None:
        """Drop what is kept for the key."""
        self._began_forgetting()
        self._drop(key)

    def clear(self) -> None:
        """Drop everything."""
        self._began_forgetting()
        self._kept.clear()
        self._keys_about.clear()

    def _began_forgetting(self) -> None:
        self._forgotten += 1
        self._loading.clear()  # callers from now on start a load of their own, which sees the change
