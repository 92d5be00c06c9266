"""The pages of what protects a login, without scripts: what scripts would put into a form is put there by hand."""

import html
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest

from authenticator import Authenticator
from tollkeeper.kit import FixedClock

from .conftest import PASSWORD, Browser

HERE = "http://localhost:8000"
ADA = "ada@example.com"


@pytest.fixture
async def ada(site: httpx.ASGITransport) -> AsyncIterator[Browser]:
    """Somebody who reaches the server by a name, which passkeys need, and has signed up."""
    async with httpx.AsyncClient(transport=site, base_url=HERE) as client:
        browser = Browser(client)
        await browser.sign_up(ADA)
        yield browser


@pytest.fixture
async def later(site: httpx.ASGITransport) -> AsyncIterator[Browser]:
    """Another browser, in which nobody is logged in."""
    async with httpx.AsyncClient(transport=site, base_url=HERE) as client:
        yield Browser(client)


def question(page: httpx.Response) -> dict[str, Any]:
    """What the page would have the browser ask a device."""
    found = re.search(r'data-question="([^"]+)"', page.text)
    assert found, page.text
    asked: dict[str, Any] = json.loads(html.unescape(found[1]))
    return asked


def codes_on(page: httpx.Response) -> list[str]:
    found = re.search(r"data-recovery-codes>(.*?)</pre>", page.text, re.DOTALL)
    assert found, page.text
    return found[1].split()


async def with_app(browser: Browser, clock: FixedClock) -> tuple[pyotp.TOTP, list[str]]:
    """Set up an app; the clock is then past the code that was used for it."""
    begun = await browser.send("/security", "/security/totp")
    assert (begun.status_code, begun.headers["location"]) == (303, "/security/totp")
    shown = await browser.get("/security/totp")
    link = re.search(r'href="(otpauth://[^"]+)"', shown.text)
    assert link, shown.text
    app = pyotp.TOTP(parse_qs(urlsplit(html.unescape(link[1])).query)["secret"][0])
    done = await browser.send("/security/totp", "/security/totp/confirm", code=app.at(clock.now()))
    clock.advance(timedelta(seconds=60))
    return app, codes_on(done)


async def with_passkey(browser: Browser) -> tuple[Authenticator, httpx.Response]:
    device = Authenticator(HERE)
    made = device.create(question(await browser.get("/security/passkeys/add")))
    added = await browser.send(
        "/security/passkeys/add", "/security/passkeys", name="Laptop", credential=json.dumps(made)
    )
    return device, added


async def log_in(browser: Browser, wanted: str = "") -> httpx.Response:
    return await browser.send("/login", "/login", email=ADA, password=PASSWORD, next=wanted)


async def second(browser: Browser, asked: httpx.Response, code: str) -> httpx.Response:
    """Fill in the page that asks for the second factor."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text))
    fields = {name: html.unescape(value) for name, value in fields.items() if name in {"csrf_token", "pending", "next"}}
    return await browser.client.post("/login/second", data={**fields, "otp": code})


async def test_an_app_is_set_up_and_asked_for_at_the_next_login(
    ada: Browser, later: Browser, clock: FixedClock
) -> None:
    app, codes = await with_app(ada, clock)
    assert len(codes) == 10
    again = await ada.get("/security")
    assert not any(code in again.text for code in codes)
    assert "10 left" in again.text
    asked = await log_in(later, "/keys?a=b")
    assert asked.status_code == 200
    assert "set-cookie" not in asked.headers
    assert "One more step" in asked.text
    wrong = await second(later, asked, "000000")
    assert wrong.status_code == 401
    assert "The code is not right" in wrong.text
    entered = await second(later, wrong, app.at(clock.now()))
    assert (entered.status_code, entered.headers["location"]) == (303, "/keys?a=b")
    assert ADA in (await later.get("/dashboard")).text


async def test_a_wrong_first_code_is_marked_and_leaves_the_same_key(ada: Browser) -> None:
    assert (await ada.client.get("/security/totp")).headers["location"] == "/security"  # nothing was begun
    await ada.send("/security", "/security/totp")
    before = await ada.get("/security/totp")
    answer = await ada.send("/security/totp", "/security/totp/confirm", code="123")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    key = r'id="totp-secret">([A-Z2-7 ]+)<'
    assert re.findall(key, before.text) == re.findall(key, answer.text) != []


async def test_a_recovery_code_lets_in_and_the_app_can_be_removed(
    ada: Browser, later: Browser, clock: FixedClock
) -> None:
    _, codes = await with_app(ada, clock)
    entered = await second(later, await log_in(later), codes[0])
    assert entered.status_code == 303
    assert "Its codes are no longer taken" in (await later.get("/security/totp/remove")).text
    assert (await later.send("/security/totp/remove", "/security/totp/remove")).headers["location"] == "/security"
    await later.send("/security", "/logout")
    assert (await log_in(later)).headers["location"] == "/dashboard"


async def test_new_recovery_codes_are_shown_once(ada: Browser, clock: FixedClock) -> None:
    _, old = await with_app(ada, clock)
    new = codes_on(await ada.send("/security/recovery-codes", "/security/recovery-codes"))
    assert len(new) == 10
    assert not set(old) & set(new)


async def test_the_step_after_the_password_is_over_after_ten_minutes(
    ada: Browser, later: Browser, clock: FixedClock
) -> None:
    app, _ = await with_app(ada, clock)
    asked = await log_in(later)
    clock.advance(timedelta(minutes=10))
    over = await second(later, asked, app.at(clock.now()))
    assert over.status_code == 401
    assert "This took too long" in over.text
    forged = await later.send("/login", "/login/second", pending="made up", otp=app.at(clock.now()))
    assert "This took too long" in forged.text


async def test_a_passkey_is_added_used_and_removed(ada: Browser, later: Browser) -> None:
    device, added = await with_passkey(ada)
    assert len(codes_on(added)) == 10
    answer = device.get(question(await later.get("/login")))
    entered = await later.send("/login", "/login/passkey", credential=json.dumps(answer), next="/usage")
    assert (entered.status_code, entered.headers["location"]) == (303, "/usage")
    listed = await later.get("/security")
    found = re.search(r'href="(/security/passkeys/[^"]+/remove)"', listed.text)
    assert found
    assert "Laptop" in (await later.get(found[1])).text
    assert (await later.send(found[1], found[1])).status_code == 303
    assert "No passkey yet" in (await later.get("/security")).text


@pytest.mark.parametrize("credential", ["", "no json", "[]", "{}", '{"id": "x"}', "[" * 5000])
async def test_what_is_no_answer_of_a_device_lets_nobody_in(later: Browser, credential: str) -> None:
    answer = await later.send("/login", "/login/passkey", credential=credential)
    assert answer.status_code == 401
    assert "The passkey was not accepted" in answer.text


async def test_a_passkey_gets_another_name_and_no_empty_one(ada: Browser) -> None:
    await with_passkey(ada)
    found = re.search(r'href="(/security/passkeys/[0-9a-f-]{36})"', (await ada.get("/security")).text)
    assert found is not None
    assert 'value="Laptop"' in (await ada.get(found[1])).text
    refused = await ada.send(found[1], found[1], name=" ")
    assert (refused.status_code, "Give it a name" in refused.text) == (422, True)
    answer = await ada.send(found[1], found[1], name="<b>Phone</b>")
    assert (answer.status_code, answer.headers["location"]) == (303, "/security")
    shown = (await ada.get("/security")).text
    assert "&lt;b&gt;Phone&lt;/b&gt;" in shown
    assert "<b>Phone</b>" not in shown
    assert "Laptop" not in shown


async def test_a_passkey_needs_a_name_to_be_listed_by(ada: Browser) -> None:
    for name in ("", "x" * 61):
        answer = await ada.send("/security/passkeys/add", "/security/passkeys", name=name, credential="{}")
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text


async def test_reached_by_a_number_passkeys_are_not_offered(browser: Browser) -> None:
    assert "data-passkey" not in (await browser.get("/login")).text
    await browser.sign_up(ADA)
    assert "Passkeys need a host name" in (await browser.get("/security")).text
    assert (await browser.get("/security/passkeys/add")).status_code == 409


@pytest.mark.parametrize("back", ["/security/totp/remove?x=1", "/security/passkeys/add"])
async def test_a_stale_login_proves_itself_and_comes_back(ada: Browser, clock: FixedClock, back: str) -> None:
    clock.advance(timedelta(minutes=10))
    asked = await ada.client.get(back)
    where = urlsplit(asked.headers["location"])
    assert (asked.status_code, where.path, parse_qs(where.query)["next"]) == (303, "/step-up", [back])
    place = f"/step-up?{where.query}"
    wrong = await ada.send(place, "/step-up", password="not it", next=back)
    assert wrong.status_code == 401
    assert "The e-mail address or the password is wrong" in wrong.text
    before = ada.client.cookies["tollkeeper_session"]
    right = await ada.send(place, "/step-up", password=PASSWORD, next=back)
    assert (right.status_code, right.headers["location"]) == (303, back)
    assert ada.client.cookies["tollkeeper_session"] != before
    assert (await ada.client.get(place)).headers["location"] == back  # fresh: nothing is asked


async def test_with_a_second_factor_the_step_asks_for_it(ada: Browser, clock: FixedClock) -> None:
    app, _ = await with_app(ada, clock)
    device, _ = await with_passkey(ada)
    clock.advance(timedelta(minutes=10))
    page = await ada.get("/step-up")
    assert 'name="password"' not in page.text
    empty = await ada.send("/step-up", "/step-up", otp="")
    assert empty.status_code == 422
    assert 'aria-invalid="true"' in empty.text
    assert (await ada.send("/step-up", "/step-up", otp=app.at(clock.now()))).headers["location"] == "/security"
    clock.advance(timedelta(minutes=10))
    answer = json.dumps(device.get(question(await ada.get("/step-up"))))
    entered = await ada.send("/step-up", "/step-up", credential=answer, next="//evil.example")
    assert entered.headers["location"] == "/security"
