"""The admin's pages of running it: webhooks, jobs, the system, settings, the trail; by staff, support and nobody."""

import asyncio
import importlib
import json
import re
from dataclasses import dataclass, replace

import psycopg
import pytest

from tollkeeper.identity.staff import StaffRole, find_person, set_staff
from tollkeeper.infra import Runtime, SoughtJobs, Tx, job, list_jobs, seal_trail

from .conftest import Browser, Employ, employing
from .shop import Shop
from .test_live import following

EMAIL = "grace@example.com"


@job("test.break")
async def broken(_: Tx, *, name: str) -> None:
    """Fail."""
    raise ValueError(f"<script>{name}</script>")


@dataclass
class Failed:
    """A job that was given up."""

    id: int


@pytest.fixture
async def employ(browser: Browser, runtime: Runtime) -> Employ:
    """A browser in which somebody of staff is logged in."""

    return employing(browser, runtime, EMAIL)


@pytest.fixture
async def failed(runtime: Runtime, browser: Browser, clean_database: str) -> Failed:
    assert not browser.client.is_closed  # the application is there
    runtime.jobs.register([broken], runtime)
    async with runtime.transaction() as tx:
        await tx.defer(broken, name="ada")
    with psycopg.connect(clean_database) as connection:
        connection.execute("update procrastinate_jobs set attempts = 10 where task_name = 'test.break'")
    async with runtime.jobs.app.open_async():
        await runtime.jobs.drain()
    async with runtime.transaction() as tx:
        [found] = (await list_jobs(tx, SoughtJobs(name="test.break"))).data
    return Failed(found.id)


async def test_what_a_job_failed_of_is_seen_and_it_runs_again(employ: Employ, failed: Failed) -> None:
    admin = await employ(StaffRole.ADMIN)
    listed = await admin.get("/admin/jobs?state=failed")
    assert "test.break" in listed.text
    assert "&lt;script&gt;ada&lt;/script&gt;" in listed.text
    assert "<script>ada" not in listed.text
    page = await admin.get(f"/admin/jobs/{failed.id}")
    for words in ("ValueError", "Began", "Given up", "Run it now"):
        assert words in page.text
    asking = await admin.get(f"/admin/jobs/{failed.id}/retry")
    assert "Run test.break now?" in asking.text
    answer = await admin.send(f"/admin/jobs/{failed.id}/retry", f"/admin/jobs/{failed.id}/retry")
    assert answer.status_code == 303
    assert "It runs as soon as a worker is free." in (await admin.get("/admin/jobs")).text
    assert "Waiting" in (await admin.get(f"/admin/jobs/{failed.id}")).text
    again = await admin.send(f"/admin/jobs/{failed.id}/cancel", f"/admin/jobs/{failed.id}/retry")
    assert again.status_code == 409


async def test_a_job_is_called_off(employ: Employ, runtime: Runtime) -> None:
    admin = await employ(StaffRole.ADMIN)
    async with runtime.transaction() as tx:
        await tx.defer(broken, name="ada")
        waiting = (await list_jobs(tx, SoughtJobs(name="test.break"))).data[0]
    assert (await admin.send(f"/admin/jobs/{waiting.id}/cancel", f"/admin/jobs/{waiting.id}/cancel")).status_code == 303
    assert "Cancelled" in (await admin.get(f"/admin/jobs/{waiting.id}")).text
    assert "job.cancelled" in (await admin.get("/admin/trail?area=job.")).text
    assert f"job {waiting.id}" in (await admin.get(f"/admin/trail?target=job+{waiting.id}")).text


async def test_the_queues_are_followed_as_they_change(employ: Employ, runtime: Runtime) -> None:
    support = await employ(StaffRole.SUPPORT)
    async with following(support, "/admin/jobs/live") as stream:
        assert "test.break" not in await stream.until("event: part")
        async with runtime.transaction() as tx:
            await tx.defer(replace(broken, queue="elsewhere"), name="ada")
        assert "elsewhere" in await stream.until("elsewhere")


@pytest.mark.parametrize("what", ["jobs", "system"])
async def test_who_is_staff_no_more_follows_nothing_any_more(
    employ: Employ, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(importlib.import_module("tollkeeper.web.ui.live"), "STAY_SECONDS", 0.0)
    support = await employ(StaffRole.SUPPORT)
    async with following(support, f"/admin/{what}/live") as stream:
        await stream.until("event: part")
        async with runtime.transaction() as tx:
            await set_staff(tx, await find_person(tx, EMAIL), None)
        await stream.until("event: end")
    assert (await support.client.get("/dashboard")).status_code == 200, "who they are to their customers stays"


async def test_support_looks_and_others_see_nothing(employ: Employ, other_browser: Browser, failed: Failed) -> None:
    support = await employ(StaffRole.SUPPORT)
    page = await support.get(f"/admin/jobs/{failed.id}")
    assert page.status_code == 200
    assert "Run it now" not in page.text
    assert (await support.get(f"/admin/jobs/{failed.id}/retry")).status_code == 403
    assert (await support.send("/admin/jobs", f"/admin/jobs/{failed.id}/retry")).status_code == 403
    await other_browser.sign_up("eve@example.com")
    for path in ("jobs", "jobs/live", "webhooks", "system", "system/live", "settings", "trail", f"jobs/{failed.id}"):
        assert (await other_browser.get(f"/admin/{path}")).status_code == 403


async def test_a_webhook_is_read_and_replayed(employ: Employ, shop: Shop, other_browser: Browser) -> None:
    admin = await employ(StaffRole.ADMIN)
    await other_browser.sign_up("ada@example.com")
    await shop.buy(other_browser)
    listed = await admin.get("/admin/webhooks?status=processed&type=customer.")
    link = re.search(r'href="(/admin/webhooks/[0-9a-f-]{36})">(customer\.[a-z.]+)<', listed.text)
    assert link is not None, listed.text
    page = await admin.get(link[1])
    shown = re.search(r'<code id="body-text">(.*?)</code>', page.text, re.DOTALL)
    assert shown is not None
    assert json.loads(shown[1].replace("&#34;", '"').replace("&amp;", "&").replace("&#39;", "'"))["type"] == link[2]
    assert "Replay" in page.text
    event = re.search(r"evt_\w+", page.text)
    assert event is not None
    assert link[1] in (await admin.get(f"/admin/search?q={event[0]}")).text
    assert (await admin.send(f"{link[1]}/replay", f"{link[1]}/replay")).status_code == 303
    again = await admin.get(link[1])
    assert "Received" in again.text
    assert "billing.process_event" in again.text
    trail = await admin.get("/admin/trail?area=webhook.")
    assert "A webhook was worked off again" in trail.text
    nothing = await admin.get("/admin/webhooks?id=evt_nothing")
    assert "No webhook is like that" in nothing.text


async def test_the_system_tells_of_itself(employ: Employ, runtime: Runtime) -> None:
    admin = await employ(StaffRole.SUPPORT)
    async with runtime.transaction() as tx:
        await seal_trail(tx)
    page = await admin.get("/admin/system")
    for _ in range(100):
        if "The parts are being asked" not in page.text:
            break
        await asyncio.sleep(0.1)
        page = await admin.get("/admin/system")
    for words in ("PostgreSQL", "Seals of the trail", "no worker is running", "This process's pool", "Sessions"):
        assert words in page.text


async def test_settings_say_where_they_come_from_and_keep_their_secrets(
    employ: Employ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLKEEPER_ENV", "test")
    admin = await employ(StaffRole.SUPPORT)
    page = await admin.get("/admin/settings")
    assert "a" * 64 not in page.text
    assert "sk_test_nobody" not in page.text
    assert "demo-password" not in page.text
    row = re.search(r">JWT_SECRET</h2>.*?</li>", page.text, re.DOTALL)
    assert row is not None
    assert "••••" in row[0]
    chosen = await admin.get("/admin/settings?source=environment&q=tollkeeper_env")
    assert re.findall(r">([A-Z_]+)</h2>", chosen.text) == ["TOLLKEEPER_ENV"]
    assert "No setting is like that" in (await admin.get("/admin/settings?q=nothing+like+that")).text


async def test_the_trail_is_found_by_whom_where_and_when(employ: Employ, other_browser: Browser) -> None:
    admin = await employ(StaffRole.SUPPORT)
    await other_browser.sign_up("eve@example.com")
    await other_browser.create_key("hers")

    async def found(query: str) -> list[str]:
        answer = await admin.get(f"/admin/trail?{query}")
        assert answer.status_code == 200, answer.text
        return re.findall(r'data-action="([^"]+)"', answer.text)

    assert await found("area=key.&person=eve@example.com") == ["key.created"]
    everything = await admin.get("/admin/trail?area=key.")
    organization = re.search(r"/admin/organizations/([0-9a-f-]{36})", everything.text)
    request = re.search(r"\?request=([0-9a-f]{32})", everything.text)
    assert organization is not None
    assert request is not None
    assert await found(f"area=key.&organization={organization[1]}") == ["key.created"]
    assert await found(f"request={request[1]}") == ["key.created"]
    for nobody in ("person=nobody@example.com", "organization=nowhere", "to=2020-01-01", "area=key.&from=2999-01-01"):
        assert await found(nobody) == []
    assert (await admin.get("/admin/trail?from=tea")).status_code == 422
