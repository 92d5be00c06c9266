"""Requests gather while the batch before them is under way, and each hears its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from tollkeeper.gate import queueing
from tollkeeper.gate.model import OverloadedError
from tollkeeper.gate.queueing import Batcher


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
    batcher = Batcher(slow.flush)
    first = batcher.submit(1)
    await asyncio.sleep(0)
    later = [batcher.submit(number) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    slow.go.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert slow.batches == [[1], [2, 3, 4]]


async def test_a_failed_batch_fails_its_own_callers_and_nobody_else() -> None:
    slow = Slow()
    batcher = Batcher(slow.flush)
    slow.go.set()
    unlucky = batcher.submit(13)
    with pytest.raises(ValueError, match="unlucky"):
        await unlucky
    assert await batcher.submit(5) == 10


async def test_a_caller_who_gave_up_does_not_disturb_the_others() -> None:
    slow = Slow()
    batcher = Batcher(slow.flush)
    first, second = batcher.submit(1), batcher.submit(2)
    await asyncio.sleep(0)
    first.cancel()
    slow.go.set()
    assert await second == 4


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "MAX_WAITING", 3)
    slow = Slow()
    batcher = Batcher(slow.flush)
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
    batcher = Batcher(slow.flush)
    future = batcher.submit(21)
    asyncio.get_running_loop().call_later(0.05, slow.go.set)
    await batcher.close()
    assert future.result() == 42
