"""The pages of the trail, and the banner above pages that staff look at in somebody's place."""

import re

import httpx
import pytest

from tollkeeper import identity
from tollkeeper.identity.staff import StaffRole, find_person, set_staff
from tollkeeper.infra import Runtime
from tollkeeper.kit import Role
from tollkeeper.orgs.http import audit

from .conftest import Browser
from .team import now_is


def actions(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return re.findall(r'data-action="([^"]+)"', page.text)


async def test_the_trail_of_the_organization(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await other_browser.sign_up("eve@example.com")
    await other_browser.create_key("hers")
    await browser.create_key("server")
    page = await browser.get("/audit")
    assert actions(page) == ["key.created", "login.opened", "organization.created"]
    for words in ("Key created", "Logged in", "ada@example.com", "POST /keys", "127.0.0.1", "server"):
        assert words in page.text
    assert "hers" not in page.text
    assert 'href="/audit" aria-current="page"' in page.text


async def test_choosing_what_and_when(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await browser.create_key("server")
    assert actions(await browser.get("/audit?area=key.")) == ["key.created"]
    assert actions(await browser.get("/audit?from=2026-03-10&to=2026-03-10")) != []
    empty = await browser.get("/audit?to=2026-03-09")
    assert actions(empty) == []
    assert "Nothing was found" in empty.text
    for wrong in ("tea", "9999-12-31", "0001-01-01", "2026-02-30", "%00"):
        answer = await browser.get(f"/audit?from={wrong}")
        assert answer.status_code == 422
        assert "Use a day such as 2026-03-31." in answer.text
    assert len(actions(await browser.get("/audit?area=nonsense&cursor=nonsense"))) == 3


async def test_the_file_has_what_the_page_shows(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await browser.create_key("server")
    page = await browser.get("/audit?area=key.&from=2026-03-01")
    link = re.search(r'href="(/api/audit/export[^"]+)"', page.text)
    assert link is not None
    answer = await browser.get(link[1].replace("&amp;", "&"))
    assert answer.status_code == 200, answer.text
    assert [line.split(",")[2] for line in answer.text.splitlines()] == ["action", "key.created"]
    assert answer.headers["x-total-count"] == "1", "so that a page can show how far it is"
    assert '<progress class="meter w-48" aria-label="Export"' in page.text


async def test_more_records_than_are_counted_come_without_their_number(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_up("ada@example.com")
    monkeypatch.setattr(audit, "MOST_COUNTED", 2)
    counted = await browser.get("/api/audit/export?action=login.opened")
    assert counted.headers["x-total-count"] == "1"
    many = await browser.get("/api/audit/export")
    assert "x-total-count" not in many.headers
    assert len(many.text.splitlines()) > 3


async def test_older_records_are_on_the_next_page(browser: Browser, runtime: Runtime) -> None:
    await browser.sign_up("ada@example.com")
    async with runtime.transaction() as tx:
        user = await find_person(tx, "ada@example.com")
        for number in range(60):
            await tx.record("user.changed", target=("user", user.id), after={"number": number})
    first = await browser.get("/activity?area=")
    older = re.search(r'href="(/activity\?[^"]+)" rel="next"', first.text)
    assert older is not None
    rest = await browser.get(older[1].replace("&amp;", "&"))
    assert (len(actions(first)), len(actions(rest))) == (50, 13)
    assert actions(rest)[-1] == "user.registered"
    assert "Back to the newest" in rest.text


async def test_the_own_activity(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    page = await browser.get("/activity")
    assert actions(page) == ["login.opened", "organization.created", "user.registered"]
    assert "/api/audit/export" not in page.text


async def test_who_may_not_read_the_trail_is_not_shown_the_way(browser: Browser, runtime: Runtime) -> None:
    await browser.sign_up("ada@example.com")
    assert 'href="/audit"' in (await browser.get("/dashboard")).text
    await now_is(runtime, Role.VIEWER)
    assert (await browser.get("/audit")).status_code == 403
    assert 'href="/audit"' not in (await browser.get("/dashboard")).text
    assert (await browser.get("/activity")).status_code == 200


async def test_staff_who_look_in_somebodys_place_are_told_so(
    browser: Browser, other_browser: Browser, runtime: Runtime
) -> None:
    await browser.sign_up("ada@example.com")
    assert "data-impersonation" not in (await browser.get("/dashboard")).text
    await other_browser.sign_up("sam@example.com")
    async with runtime.transaction() as tx:
        await set_staff(tx, await find_person(tx, "sam@example.com"), StaffRole.SUPPORT)
    token = (await other_browser.client.get("/api/auth/me")).json()["csrf_token"]
    begun = await other_browser.client.post(
        "/api/staff/impersonations",
        json={"email": "ada@example.com", "reason": "ticket 7"},
        headers={identity.CSRF_HEADER: token},
    )
    assert begun.status_code == 201, begun.text
    page = await other_browser.get("/dashboard")
    assert "You act as Ada Lovelace" in page.text
    assert "ada@example.com" in page.text
    refused = await other_browser.send("/keys", "/keys", name="way back", expires="")
    assert (refused.status_code, "not done while acting as somebody else" in refused.text) == (403, True)
    assert (await other_browser.send("/dashboard", "/logout")).status_code == 303
    own = await other_browser.get("/dashboard")
    assert (own.url.path, "You act as" in own.text) == ("/dashboard", False), "back in their own place"
    activity = await browser.get("/activity")
    assert actions(activity)[:2] == ["impersonation.ended", "impersonation.begun"]
    assert "ticket 7" in activity.text
    assert "sam@example.com" in activity.text
