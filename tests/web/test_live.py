"""Parts of pages that stay up to date: what the streams send, when they end, and what they cost."""

import asyncio
import importlib
import re
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from tollkeeper.identity import PersonalData
from tollkeeper.infra import Runtime, Tx, run_job
from tollkeeper.web import Live
from tollkeeper.wiring import every_job

from .conftest import Browser

EMAIL = "ada@example.com"
Message = MutableMapping[str, Any]


@dataclass
class Stream:
    """A stream as a browser reads it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    sent: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message.get("body"):
            self.sent.put_nowait(message["body"].decode())

    async def until(self, words: str) -> str:
        """Wait for an event with these words in it, and return it."""
        async with asyncio.timeout(15):
            while words not in (event := await self.sent.get()):
                pass
        return event


@asynccontextmanager
async def following(browser: Browser, path: str) -> AsyncIterator[Stream]:
    """Follow a stream; leaving is closing the page."""
    stream, left = Stream(), asyncio.Event()
    cookies = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"cookie", cookies.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    assert isinstance(browser.client._transport, httpx.ASGITransport)  # httpx reads streams to their end
    answering = browser.client._transport.app(scope, receive, stream.send)
    running: asyncio.Task[None] = asyncio.ensure_future(answering)
    running.add_done_callback(lambda _: stream.ended.set())
    try:
        yield stream
    finally:
        left.set()
        await asyncio.wait_for(running, 5)


async def test_usage_is_sent_now_and_whenever_it_changes_and_stops_with_the_page(
    browser: Browser, runtime: Runtime
) -> None:
    await browser.sign_up(EMAIL)
    key = await browser.create_key()
    hub = runtime.part(Live)
    async with following(browser, "/usage/live") as stream, following(browser, "/usage/live") as other:
        assert "Prompts: 0 of 1,000 used" in await stream.until("event: part")
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert stream.headers["cache-control"] == "no-store"
        await other.until("Prompts: 0 of 1,000 used")
        assert (hub.followers, hub.topics) == (2, 1)
        call = {"feature": "prompts", "count": 7}
        bearer = {"Authorization": f"Bearer {key}"}
        assert (await browser.client.post("/api/usage/track", json=call, headers=bearer)).status_code == 200
        await stream.until("Prompts: 7 of 1,000 used")
        await other.until("Prompts: 7 of 1,000 used")
    assert (hub.followers, hub.topics) == (0, 0)


async def test_a_stream_ends_when_the_login_does(browser: Browser) -> None:
    await browser.sign_up(EMAIL)
    async with following(browser, "/usage/live") as stream:
        await stream.until("event: part")
        await browser.send("/dashboard", "/logout")
        await stream.until("event: end")


async def test_a_stream_ends_when_one_is_no_member_any_more(browser: Browser, runtime: Runtime) -> None:
    await browser.sign_up(EMAIL)
    async with following(browser, "/usage/live") as stream:
        await stream.until("event: part")
        async with runtime.transaction() as tx:
            gone = await tx.connection.execute(text("delete from members returning organization_id"))
            await tx.changed("organization", gone.scalar_one())
        await stream.until("event: end")


async def test_a_stream_ends_when_the_process_is_to_stop(browser: Browser, runtime: Runtime) -> None:
    await browser.sign_up(EMAIL)
    async with following(browser, "/usage/live") as stream:
        await stream.until("event: part")
        runtime.part(Live).close()
        await asyncio.wait_for(stream.ended.wait(), 5)
        assert runtime.part(Live).followers == 0


async def test_a_process_that_sends_to_enough_refuses_more_and_the_page_works_on(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_up(EMAIL)
    monkeypatch.setattr(importlib.import_module("tollkeeper.web.ui.live"), "MOST_FOLLOWERS", 0)
    async with following(browser, "/usage/live") as stream:
        await stream.until("Too many pages")
        assert stream.status == 503
    assert (await browser.get("/usage")).status_code == 200


async def test_an_export_is_followed_until_it_is_ready(browser: Browser, runtime: Runtime) -> None:
    await browser.sign_up(EMAIL)
    await browser.send("/profile", "/profile/exports")
    assert 'data-live="/profile/exports/live"' in (await browser.get("/profile")).text
    async with following(browser, "/profile/exports/live") as stream:
        await stream.until("Gathering your data")
        make = next(each for each in every_job() if each.name == "identity.make_export")
        async with runtime.transaction() as tx:
            waiting = text("select args from procrastinate_jobs where task_name = 'identity.make_export'")
            args = (await tx.connection.execute(waiting)).scalar_one()
        await run_job(runtime, make, **args)
        assert re.search(r"/profile/exports/[0-9a-f-]{36}", await stream.until("Download"))
        await stream.until("event: done")
    assert "data-live" not in (await browser.get("/profile")).text


async def test_how_far_an_export_is_shows_in_percent_while_it_is_made(browser: Browser, runtime: Runtime) -> None:
    await browser.sign_up(EMAIL)
    await browser.send("/profile", "/profile/exports")
    before = (await browser.get("/profile")).text
    assert "waits for its turn" in before
    assert "<noscript>" in before
    gather, may_end = runtime.part(PersonalData).collect, asyncio.Event()

    async def slowly(tx: Tx, user_id: UUID) -> Mapping[str, object]:
        files = await gather(tx, user_id)
        await may_end.wait()
        return files

    runtime.provide(PersonalData, PersonalData(slowly))
    runtime.jobs.register(every_job(), runtime)
    async with following(browser, "/profile/exports/live") as stream, runtime.jobs.app.open_async():
        working = asyncio.create_task(runtime.jobs.drain())
        far = await stream.until("At what you used, by month")
        assert re.search(r">9\d%<.*<progress[^>]* max=\"100\" value=\"9\d\"", far, re.DOTALL)
        assert re.search(r">9\d%<", (await browser.get("/profile")).text), "the same without scripts, by reloading"
        may_end.set()
        await stream.until("Download")
        await working
