"""A form that comes when the last proof is too old goes on after the next one, with what was typed."""

import re
from datetime import timedelta

import httpx
import pytest

from tollkeeper.identity.staff import StaffRole
from tollkeeper.infra import Runtime, Sought, search_trail
from tollkeeper.kit import FixedClock
from tollkeeper.web.portal.kept import LIFE

from .conftest import PASSWORD, Browser, employing
from .test_admin_people import home_of

BOSS, ADA = "boss@example.com", "ada@example.com"
REASON = 'Paid with a stolen card: "4242" & <b>more</b>, ünïcode'


@pytest.fixture
async def boss(browser: Browser, other_browser: Browser, runtime: Runtime) -> Browser:
    """An admin, beside Ada."""
    await browser.sign_up(ADA)
    return await employing(other_browser, runtime, BOSS)(StaffRole.ADMIN)


async def suspension(boss: Browser, clock: FixedClock) -> tuple[str, httpx.Response]:
    """Where Ada's organization is suspended, and the page that asks for a proof before."""
    act = f"{await home_of(boss)}/suspend"
    form = await boss.get(act)
    clock.advance(timedelta(minutes=11))
    typed = {"reason": REASON}
    refused = await boss.answer(form, act, **typed)
    assert f"to={act.replace('/', '%2F')}" in refused.headers["location"]
    return act, await boss.resend(refused, **typed)


async def reasons(runtime: Runtime) -> list[str]:
    async with runtime.transaction(of_all=True) as tx:
        found = (await search_trail(tx, Sought(), limit=50)).data
    return [str(each) for each in found if each.action == "organization.suspended"]


async def test_an_act_goes_on_after_the_proof_with_what_was_typed(
    boss: Browser, clock: FixedClock, runtime: Runtime
) -> None:
    act, asked = await suspension(boss, clock)
    assert "What you typed is kept" in asked.text
    assert "stolen" not in asked.text  # sealed
    wrong = await boss.answer(asked, "/step-up", password="not it")
    assert wrong.status_code == 401
    assert await reasons(runtime) == []
    proved = await boss.answer(wrong, "/step-up", password=PASSWORD)
    assert f'action="{act}" data-goes-on' in proved.text
    assert PASSWORD not in proved.text
    done = await boss.answer(proved, act)
    assert (done.status_code, done.headers["location"]) == (303, act.removesuffix("/suspend"))
    [record] = await reasons(runtime)
    assert "ünïcode" in record
    assert REASON.split("&", maxsplit=1)[0] in record


async def test_who_waits_too_long_starts_anew(boss: Browser, clock: FixedClock, runtime: Runtime) -> None:
    act, asked = await suspension(boss, clock)
    clock.advance(LIFE + timedelta(seconds=1))
    proved = await boss.answer(asked, "/step-up", password=PASSWORD)
    assert (proved.status_code, proved.headers["location"]) == (303, act)
    assert await reasons(runtime) == []


async def test_nobody_sends_the_form_of_another_or_one_made_up(
    boss: Browser, browser: Browser, clock: FixedClock
) -> None:
    _, asked = await suspension(boss, clock)
    kept = re.search(r'name="kept" value="([^"]+)"', asked.text)
    assert kept is not None
    for foreign in (kept[1], kept[1][:-4] + "AAAA", "made.up"):
        mine = await browser.send("/step-up", "/step-up", password=PASSWORD, kept=foreign)
        assert (mine.status_code, mine.headers["location"]) == (303, "/security")
        clock.advance(timedelta(minutes=11))


@pytest.mark.parametrize("to", ["//evil.example/x", "https://evil.example", "", "x"])
async def test_only_a_form_of_our_own_is_kept(browser: Browser, to: str) -> None:
    await browser.sign_up(ADA)
    asked = await browser.answer(await browser.get("/profile"), f"/step-up/keep?to={to}", name="x")
    assert 'name="kept"' not in asked.text


@pytest.mark.parametrize(
    ("path", "back"), [("/security/totp/confirm", "/security/totp"), ("/security/passkeys", "/security")]
)
async def test_what_is_asked_once_is_asked_anew(browser: Browser, clock: FixedClock, path: str, back: str) -> None:
    await browser.sign_up(ADA)
    clock.advance(timedelta(minutes=11))
    typed = {"code": "123456"} if path.endswith("confirm") else {"credential": "{}", "name": "x"}
    asked = await browser.resend(await browser.send("/security", path, **typed), **typed)
    assert 'name="kept"' not in asked.text
    proved = await browser.answer(asked, "/step-up", password=PASSWORD)
    assert (proved.status_code, proved.headers["location"]) == (303, back)


async def test_secrets_are_not_carried_but_asked_for_again(browser: Browser, clock: FixedClock) -> None:
    await browser.sign_up(ADA)
    clock.advance(timedelta(minutes=11))
    typed = {"email": ADA, "client_secret": "geheim-7", "password": ""}
    asked = await browser.resend(await browser.send("/profile", "/profile/delete", **typed), **typed)
    proved = await browser.answer(asked, "/step-up", password=PASSWORD)
    assert "geheim-7" not in proved.text
    assert 'name="client_secret"' in proved.text
    assert "data-goes-on" not in proved.text
    await browser.answer(proved, "/profile/delete")
    assert "Your account is being deleted" in (await browser.get("/dashboard")).text
