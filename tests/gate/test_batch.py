"""Requests gather while the batch before them is under way, and each hears its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from tollkeeper.gate import queueing
from tollkeeper.gate.model import OverloadedError
from tollkeeper.gate.queueing import Batcher, FairBatcher, unforeseen


class Slow:
    """Doubles numbers, a batch at a time, when let through."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()

    async def flush(self, questions: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(questions))
        await self.go.wait()
        if 13 in questions:
            raise ValueError("unlucky")
        return [question * 2 for question in questions]


async def test_what_comes_during_a_batch_shares_the_next_one() -> None:
    slow = Slow()
    batcher = Batcher(unforeseen(slow.flush))
    first = batcher.submit(1)
    await asyncio.sleep(0)
    later = [batcher.submit(number) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    slow.go.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert slow.batches == [[1], [2, 3, 4]]


async def test_a_failed_batch_fails_its_own_callers_and_nobody_else() -> None:
    slow = Slow()
    batcher = Batcher(unforeseen(slow.flush))
    slow.go.set()
    unlucky = batcher.submit(13)
    with pytest.raises(ValueError, match="unlucky"):
        await unlucky
    assert await batcher.submit(5) == 10


async def test_a_caller_who_gave_up_does_not_disturb_the_others() -> None:
    slow = Slow()
    batcher = Batcher(unforeseen(slow.flush))
    first, second = batcher.submit(1), batcher.submit(2)
    await asyncio.sleep(0)
    first.cancel()
    slow.go.set()
    assert await second == 4


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "MAX_WAITING", 3)
    slow = Slow()
    batcher = Batcher(unforeseen(slow.flush))
    held = batcher.submit(0)
    await asyncio.sleep(0)
    waiting = [batcher.submit(number) for number in (1, 2, 3)]
    with pytest.raises(OverloadedError) as refused:
        batcher.submit(4)
    assert refused.value.headers["Retry-After"] == "1"
    slow.go.set()
    assert await asyncio.gather(held, *waiting) == [0, 2, 4, 6]


async def test_close_waits_for_what_is_queued() -> None:
    slow = Slow()
    batcher = Batcher(unforeseen(slow.flush))
    future = batcher.submit(21)
    asyncio.get_running_loop().call_later(0.05, slow.go.set)
    await batcher.close()
    assert future.result() == 42


Array = tuple[str, int, int]
"""Whose it is, which one, and how many events it holds."""


def arrays(taken: list[list[Array]], go: asyncio.Event) -> FairBatcher[Array, int]:
    async def flush(questions: Sequence[Array]) -> Sequence[int]:
        taken.append(list(questions))
        await go.wait()
        return [number for _, number, _ in questions]

    return FairBatcher(unforeseen(flush), owner=lambda each: each[0], size=lambda each: each[2])


async def test_nobody_waits_behind_the_flood_of_another() -> None:
    taken: list[list[Array]] = []
    go = asyncio.Event()
    batcher = arrays(taken, go)
    flood = [batcher.submit(("flood", number, 1000)) for number in range(10)]
    small = batcher.submit(("small", 0, 1))
    go.set()
    assert await small == 0
    assert await asyncio.gather(*flood) == list(range(10))
    assert [[(who, number) for who, number, _ in batch] for batch in taken] == [
        [("flood", 0), ("small", 0), *(("flood", number) for number in range(1, 8))],
        [("flood", 8), ("flood", 9)],
    ]


async def test_turns_are_taken_by_owner_and_kept_in_order_within() -> None:
    taken: list[list[Array]] = []
    go = asyncio.Event()
    go.set()
    batcher = arrays(taken, go)
    sent: list[Array] = [("a", 1, 10), ("a", 2, 10), ("b", 1, 10), ("a", 3, 10), ("c", 1, 10), ("b", 2, 10)]
    await asyncio.gather(*(batcher.submit(each) for each in sent))
    assert [(who, number) for who, number, _ in taken[0]] == [
        ("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2), ("a", 3)
    ]  # fmt: skip


async def test_one_owner_may_fill_half_of_the_queue_and_all_together_all_of_it() -> None:
    taken: list[list[Array]] = []
    go = asyncio.Event()
    batcher = arrays(taken, go)
    waiting = [batcher.submit(("flood", number, 1000)) for number in range(10)]
    with pytest.raises(OverloadedError) as refused:
        batcher.submit(("flood", 10, 1000))
    assert refused.value.headers["Retry-After"] == "1"
    waiting += [batcher.submit(("other", number, 1000)) for number in range(10)]
    assert batcher.is_full
    with pytest.raises(OverloadedError):
        batcher.submit(("third", 0, 1))
    go.set()
    await asyncio.gather(*waiting)
    assert not batcher.is_full
    assert await batcher.submit(("third", 0, 1)) == 0
