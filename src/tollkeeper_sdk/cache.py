"""What was answered a moment ago, and how long it may be believed."""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """Values with the time they were put in; the least used go first. Safe between threads."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()

    def get(self, name: Hashable, max_age: float) -> tuple[V, float] | None:
        """Return the value and its age in seconds; None: there is none so young."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is None:
                return None
            age = time.monotonic() - kept[0]
            if age >= max_age:
                return None
            self._kept.move_to_end(name)
            return kept[1], age

    def put(self, name: Hashable, value: V) -> None:
        """Keep a value from now on."""
        with self._lock:
            self._kept[name] = (time.monotonic(), value)
            self._kept.move_to_end(name)
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)

    def forget(self, name: Hashable) -> None:
        """Drop a value if it is there."""
        with self._lock:
            self._kept.pop(name, None)
