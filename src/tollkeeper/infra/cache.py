"""A cache in front of a loader: one load per key at a time, forgotten on a word from the database, bounded."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
# What is loaded within so long is over at the same time, and keeps one number for it.
TOGETHER_SECONDS = 0.1


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
        self._keys_about: dict[Hashable, K | list[K]] = {}  # most things have one
        self._loading: dict[K, asyncio.Task[V]] = {}
        self._tasks: set[asyncio.Task[V]] = set()  # of which some are of keys forgotten meanwhile
        self._forgotten = 0
        self._over = 0.0

    def __len__(self) -> int:
        """How many values are kept, those whose time is over included."""
        return len(self._kept)

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
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
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

    async def settled(self) -> None:
        """Wait for what is being loaded, for callers who may have gone: then nothing of it needs the database."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _keep(self, key: K, value: V) -> None:
        self._drop(key)
        over = time.monotonic() + self._ttl
        if over - self._over > TOGETHER_SECONDS:
            self._over = over
        self._kept[key] = (self._over, value)
        if self._about is not None:
            what = self._about(value)
            others = self._keys_of(what)
            self._keys_about[what] = [*others, key] if others else key
        while len(self._kept) > self._max:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: K) -> None:
        entry = self._kept.pop(key, None)
        if entry is None or self._about is None:
            return
        what = self._about(entry[1])
        keys = [each for each in self._keys_of(what) if each != key]
        if keys:
            self._keys_about[what] = keys
        else:
            del self._keys_about[what]

    def _keys_of(self, what: Hashable) -> Sequence[K]:
        if what not in self._keys_about:
            return ()
        keys = self._keys_about[what]
        return keys if isinstance(keys, list) else (keys,)

    def forget_about(self, what: Hashable) -> None:
        """Drop every kept value that is about this."""
        self._began_forgetting()
        for key in self._keys_of(what):
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
