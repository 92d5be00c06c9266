"""What was read of the catalogue, kept by the process for as long as the version holds that it was read of.

Every change of the catalogue is a version, written by the transaction that makes it. So one small question, which
version holds, answers for all the tables: no page waits for a dozen statements to learn what it knew a moment ago.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from tollkeeper.infra import Tx

from .versions import version_mark

T = TypeVar("T")


@dataclass(slots=True)
class Kept:
    """What was read while a version held, by what it is; `mark` tells the version from every other one."""

    mark: object
    found: dict[str, Any] = field(default_factory=dict)


async def read_once(tx: Tx, what: str, read: Callable[[Tx], Awaitable[T]]) -> T:
    """Return what `read` finds, which is read once a version; by who changes the catalogue, each time.

    Args:
        tx: the transaction.
        what: the name of what is read, of this reader alone.
        read: reads it. What it returns is shared by all who ask, and must not be changed.
    """
    if Kept not in tx.memory:
        tx.memory[Kept] = await _kept(tx)
    kept: Kept | None = tx.memory[Kept]
    if kept is None:
        return await read(tx)
    if what not in kept.found:
        kept.found[what] = await read(tx)
    return cast("T", kept.found[what])


def read_each_time(tx: Tx) -> None:
    """Keep nothing in this transaction from now on: it changes the catalogue."""
    tx.memory[Kept] = None


async def _kept(tx: Tx) -> Kept:
    """Return what goes with the version that holds; before the first one, what this transaction reads itself."""
    mark = await version_mark(tx)
    if mark is None:
        return Kept(None)
    kept: Kept | None = tx.runtime.parts.get(Kept)
    if kept is None or kept.mark != mark:
        kept = tx.runtime.parts[Kept] = Kept(mark)
    return kept
