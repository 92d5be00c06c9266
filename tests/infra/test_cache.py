"""A cache never keeps what it was told to forget."""

import asyncio

from tollkeeper.infra import LoadingCache


class Source:
    """A value that can change, and be slow to read."""

    def __init__(self) -> None:
        self.value: str | None = "old"
        self.loads = 0
        self.go = asyncio.Event()
        self.go.set()

    async def load(self, key: str) -> str | None:
        self.loads += 1
        value = self.value
        await self.go.wait()
        return None if value is None else f"{key}:{value}"


async def test_one_load_serves_all_who_ask_at_once_and_after() -> None:
    source = Source()
    cache = LoadingCache(source.load, ttl_seconds=60)
    assert await asyncio.gather(*(cache.get("a") for _ in range(5))) == ["a:old"] * 5
    assert cache.peek("a") == "a:old"
    assert source.loads == 1


async def test_a_load_that_began_before_the_change_is_not_kept() -> None:
    source = Source()
    cache = LoadingCache(source.load, ttl_seconds=60)
    source.go.clear()
    early = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.01)
    source.value = "new"
    cache.forget_key("a")
    late = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.01)
    source.go.set()
    assert await early == "a:old"
    assert await late == "a:new"
    assert cache.peek("a") != "a:old"
    assert await cache.get("a") == "a:new"


async def test_what_is_loading_is_waited_for_though_nobody_asks_any_more() -> None:
    source = Source()
    cache = LoadingCache(source.load, ttl_seconds=60)
    source.go.clear()
    asking = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.01)
    asking.cancel()
    cache.clear()
    settled = asyncio.create_task(cache.settled())
    await asyncio.sleep(0.01)
    assert not settled.done()
    source.go.set()
    await settled
    assert source.loads == 1
    await cache.settled()


async def test_forgetting_what_is_about_one_thing_and_clearing() -> None:
    source = Source()
    cache = LoadingCache(source.load, ttl_seconds=60, about=lambda value: value and value[0])
    for key in ("a1", "a2", "b"):
        await cache.get(key)
    cache.forget_about("nobody")
    cache.forget_about("a")
    assert (cache.peek("a1"), cache.peek("a2"), cache.peek("b")) == (None, None, "b:old")
    cache.clear()
    cache.forget_about("b")
    assert cache.peek("b") is None


async def test_entries_age_and_nothing_is_not_kept() -> None:
    source = Source()
    cache = LoadingCache(source.load, ttl_seconds=0)
    await cache.get("a")
    assert cache.peek("a") is None
    source.value = None
    lasting = LoadingCache(source.load, ttl_seconds=60)
    assert await lasting.get("a") is None
    source.value = "made"
    assert await lasting.get("a") == "a:made"


async def test_it_is_bounded() -> None:
    source = Source()
    cache = LoadingCache(source.load, ttl_seconds=60, max_entries=2)
    for key in ("a", "b", "c"):
        await cache.get(key)
    assert [cache.peek(key) for key in ("a", "b", "c")] == [None, "b:old", "c:old"]
