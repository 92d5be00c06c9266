"""Calls with an Idempotency-Key and work of its own transactions: done once, told when running, freed by failure."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import BaseModel
from starlette.responses import Response

from tollkeeper.infra import (
    Idempotency,
    IdempotencyAnswerLostError,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    Runtime,
    Seal,
)
from tollkeeper.kit import FixedClock


class Made(BaseModel):
    number: int


class Work:
    """Counts how often it was done; may be held up, or fail."""

    def __init__(self) -> None:
        self.done = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.started = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> Made:
        self.started.set()
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        self.done += 1
        return Made(number=self.done)


def call(runtime: Runtime, key: str | None = "once", fingerprint: bytes = b"f") -> Idempotency:
    return Idempotency(runtime, "scope", key, fingerprint)


async def send(runtime: Runtime, work: Work, **more: object) -> Response:
    return await call(runtime, **more).run(work, status=201)  # type: ignore[arg-type]


async def test_a_repeated_call_is_answered_without_being_done(runtime: Runtime) -> None:
    work = Work()
    first, again = await send(runtime, work), await send(runtime, work)
    assert (first.status_code, first.body) == (again.status_code, again.body) == (201, b'{"number":1}')
    assert again.headers["idempotent-replayed"] == "true"
    assert work.done == 1
    with pytest.raises(IdempotencyKeyReusedError):
        await send(runtime, work, fingerprint=b"other")


async def test_without_a_key_every_call_is_done(runtime: Runtime) -> None:
    work = Work()
    await send(runtime, work, key=None)
    await send(runtime, work, key=None)
    async with runtime.transaction() as tx:
        await call(runtime, None).run_in(tx, work, status=200)
    assert work.done == 3


async def test_a_call_still_running_is_told_so(runtime: Runtime) -> None:
    work = Work()
    work.go_on.clear()
    first = asyncio.create_task(send(runtime, work))
    await work.started.wait()
    with pytest.raises(IdempotencyInProgressError) as refused:
        await send(runtime, Work())
    assert refused.value.headers["Retry-After"] == "1"
    work.go_on.set()
    assert (await first).body == (await send(runtime, work)).body
    assert work.done == 1


async def test_a_failure_frees_the_key(runtime: Runtime) -> None:
    work = Work()
    work.error = LookupError("the provider is down")
    with pytest.raises(LookupError):
        await send(runtime, work)
    work.error = None
    assert (await send(runtime, work)).status_code == 201


async def test_a_call_whose_process_was_killed_can_be_sent_again(runtime: Runtime, clock: FixedClock) -> None:
    work = Work()
    work.go_on.clear()
    killed = asyncio.create_task(send(runtime, work))
    await work.started.wait()
    killed.cancel()
    await asyncio.wait([killed])
    clock.advance(timedelta(seconds=59))
    with pytest.raises(IdempotencyInProgressError):
        await send(runtime, Work())
    clock.advance(timedelta(seconds=1))
    assert (await send(runtime, Work())).body == b'{"number":1}'


async def test_a_late_answer_does_not_overwrite_the_attempt_that_took_over(runtime: Runtime, clock: FixedClock) -> None:
    slow = Work()
    slow.done = 6
    slow.go_on.clear()
    late = asyncio.create_task(send(runtime, slow))
    await slow.started.wait()
    clock.advance(timedelta(minutes=1))
    taken_over = await send(runtime, Work())
    slow.go_on.set()
    assert (await late).body == b'{"number":7}'
    assert (await send(runtime, slow)).body == taken_over.body == b'{"number":1}'


async def test_an_answer_sealed_under_another_secret_is_lost_but_not_redone(runtime: Runtime) -> None:
    work = Work()
    await send(runtime, work)
    settings = runtime.settings.model_copy(update={"jwt_secret": runtime.settings.jwt_refresh_secret})
    changed = Runtime(settings, runtime.clock, runtime.database, runtime.jobs)
    with pytest.raises(IdempotencyAnswerLostError):
        await send(changed, work)
    assert work.done == 1


def test_what_is_sealed_opens_only_whole_and_for_its_purpose() -> None:
    seal = Seal("s" * 64, "one purpose")
    sealed = seal.close(b"content")
    assert "content" not in sealed
    assert seal.open(sealed) == b"content"
    assert seal.close(b"content") != sealed
    assert Seal("s" * 64, "another purpose").open(sealed) is None
    assert Seal("t" * 64, "one purpose").open(sealed) is None
    head, *rest = sealed.split(".")
    forged = ".".join([head, *rest[:-1], rest[-1][::-1]])
    for text in (forged, "", "a.b.c.d.e", "ä"):
        assert seal.open(text) is None
