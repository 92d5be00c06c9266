"""The pages on which people say who they are, take their data along, and leave."""

import re
import zipfile
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import httpx
from PIL import Image
from sqlalchemy import text

from tollkeeper import billing
from tollkeeper.billing.flows.service import part_with
from tollkeeper.identity import erase_person, find_credentials
from tollkeeper.infra import Runtime, run_job
from tollkeeper.kit import FixedClock
from tollkeeper.wiring import every_job
from tollkeeper.wiring.privacy import check_erasures, find_text

from .conftest import Browser
from .shop import Shop

EMAIL = "ada@example.com"


def picture() -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (300, 300), (20, 90, 60)).save(drawn, "PNG")
    return drawn.getvalue()


async def upload(browser: Browser, content: bytes | None) -> httpx.Response:
    shown = await browser.get("/profile")
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
    assert token is not None
    files = {"picture": ("me.png", content, "image/png")} if content is not None else None
    return await browser.client.post("/profile/picture", data={"csrf_token": token[1]}, files=files)


async def test_what_is_said_is_shown_and_what_is_wrong_is_told_beside_it(browser: Browser) -> None:
    await browser.sign_up(EMAIL)
    said = {"name": "Ada King", "locale": "de-at", "time_zone": "Europe/Vienna"}
    assert (await browser.send("/profile", "/profile", **said)).headers["location"] == "/profile"
    page = (await browser.get("/profile")).text
    assert 'value="Ada King"' in page
    assert 'value="de-AT"' in page
    assert '<option value="Europe/Vienna" selected>' in page
    assert '<html lang="en" data-locale="de-AT" data-time-zone="Europe/Vienna">' in page
    refused = await browser.send("/profile", "/profile", name=" ", locale="german", time_zone="Vienna")
    assert refused.status_code == 422
    for words in ("Enter your name.", "Is not a language tag", "Is not an IANA time zone"):
        assert words in refused.text
    assert 'value="Ada King"' in (await browser.get("/profile")).text


async def test_a_theme_is_the_persons_in_every_browser(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up(EMAIL)
    sent = await browser.send("/profile", "/profile/settings", theme="dark", language="en")
    assert sent.cookies["theme"] == "dark"
    shown = await browser.get("/profile")
    assert 'data-theme="dark"' in shown.text
    await other_browser.send("/login", "/login", email=EMAIL, password="a toll for every bridge")
    assert 'data-theme="dark"' in (await other_browser.get("/dashboard")).text
    await browser.send("/profile", "/profile/settings", theme="system", language="en")
    assert 'data-theme="' not in (await browser.get("/dashboard")).text


async def test_a_picture_is_shown_replaced_and_removed(browser: Browser) -> None:
    await browser.sign_up(EMAIL)
    assert (await upload(browser, picture())).status_code == 303
    assert '<img src="/profile/picture"' in (await browser.get("/profile")).text
    shown = await browser.get("/profile/picture")
    assert shown.headers["content-type"] == "image/webp"
    for content in (None, b"", b"<svg></svg>"):
        refused = await upload(browser, content)
        assert refused.status_code == 422
        assert 'aria-invalid="true"' in refused.text
    assert (await browser.get("/profile/picture")).content == shown.content
    await browser.send("/profile", "/profile/picture/remove")
    assert (await browser.get("/profile/picture")).status_code == 404


async def test_ones_data_is_downloaded_from_the_page(
    browser: Browser, other_browser: Browser, runtime: Runtime
) -> None:
    await browser.sign_up(EMAIL)
    await browser.send("/profile", "/profile/exports")
    assert "Gathering your data" in (await browser.get("/profile")).text
    make = next(each for each in every_job() if each.name == "identity.make_export")
    async with runtime.transaction() as tx:
        waiting = text("select args from procrastinate_jobs where task_name = 'identity.make_export'")
        args = (await tx.connection.execute(waiting)).scalar_one()
    await run_job(runtime, make, **args)
    link = re.search(r'href="(/profile/exports/[^"]+)"', (await browser.get("/profile")).text)
    assert link is not None
    with zipfile.ZipFile(BytesIO((await browser.get(link[1])).content)) as archive:
        assert "users.json" in archive.namelist()
    await other_browser.sign_up("eve@example.com")
    assert (await other_browser.get(link[1])).status_code == 404


async def test_leaving_is_meant_announced_and_can_be_taken_back(browser: Browser) -> None:
    await browser.sign_up(EMAIL)
    refused = await browser.send("/profile/delete", "/profile/delete", email="eve@example.com")
    assert refused.status_code == 422
    assert "Type ada@example.com." in refused.text
    await browser.send("/profile/delete", "/profile/delete", email="Ada@Example.com")
    assert "Your account is being deleted" in (await browser.get("/dashboard")).text
    await browser.send("/profile/delete", "/profile/delete/keep")
    assert "Your account is being deleted" not in (await browser.get("/dashboard")).text


async def test_an_old_login_proves_itself_before_it_leaves(browser: Browser, clock: FixedClock) -> None:
    await browser.sign_up(EMAIL)
    clock.advance(timedelta(minutes=11))
    for path in ("/profile/delete", "/profile/exports"):
        answer = await browser.send("/profile/delete", path, email=EMAIL)
        assert answer.status_code == 307
        assert answer.headers["location"].startswith("/step-up/keep?to=%2Fprofile")
    assert "is being deleted" not in (await browser.get("/dashboard")).text


async def test_what_somebody_alone_bought_ends_and_their_invoices_stay(
    browser: Browser, shop: Shop, runtime: Runtime, clock: FixedClock
) -> None:
    await browser.sign_up(EMAIL)
    customer = await shop.buy(browser)
    await browser.send("/profile/delete", "/profile/delete", email=EMAIL)
    clock.advance(timedelta(days=14))
    async with runtime.transaction() as tx:
        known = await find_credentials(tx, EMAIL)
        assert known is not None
        assert await erase_person(tx, known.user_id)
    waiting = text(
        "select distinct args ->> 'organization_id' from procrastinate_jobs where task_name = 'billing.part_with'"
    )
    async with runtime.transaction() as tx:
        (ended,) = [UUID(each) for each in (await tx.connection.execute(waiting)).scalars()]
    for _ in range(2):  # a job may run twice
        async with runtime.transaction() as tx:
            await part_with(tx, ended)
    assert (await shop.api("GET", f"subscriptions/{await subscription_of(runtime, ended)}"))["status"] == "canceled"
    told = await shop.api("GET", f"customers/{customer}")
    assert (told["name"], told["email"]) == ("Deleted customer", None)
    async with runtime.transaction() as tx:
        assert (await billing.list_invoices(tx, ended)).data
        found = [*await check_erasures(tx), *await find_text(tx, EMAIL)]
        assert {f"{each.table}.{each.column}" for each in found if each.why_kept} == {"invoices.billed_to"}
        assert [each for each in found if each.why_kept is None] == []


async def subscription_of(runtime: Runtime, organization_id: UUID) -> str:
    async with runtime.transaction() as tx:
        found = await billing.list_of_organization(tx, organization_id)
    return found[0].provider_id
