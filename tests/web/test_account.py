import re

import httpx
import pytest

from tollkeeper.infra import Runtime
from tollkeeper.web import Site

from .conftest import PASSWORD, Browser, until_status


async def test_signing_up_logs_in_and_shows_the_overview(browser: Browser) -> None:
    answer = await browser.sign_up("ada@example.com")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    page = await browser.get("/dashboard")
    assert page.status_code == 200
    assert "ada@example.com" in page.text
    assert "Make your first call" in page.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": "ada@", "password": PASSWORD}, "e-mail address"),
        ({"email": "", "password": PASSWORD}, "e-mail address"),
        ({"email": "ada@example.com", "password": "short"}, "at least 8 characters"),
        ({"email": "ada@example.com", "password": "password123"}, "very common password"),
        ({"email": "ada@example.com", "password": PASSWORD, "name": "x" * 300}, "at most 200 characters"),
        ({}, "e-mail address"),
    ],
)
async def test_sign_up_mistakes_are_told_and_nothing_is_made(
    browser: Browser, fields: dict[str, str], words: str
) -> None:
    answer = await browser.send("/signup", "/signup", **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "set-cookie" not in answer.headers


async def test_what_was_typed_is_kept_but_the_password(browser: Browser) -> None:
    answer = await browser.send("/signup", "/signup", name="<b>Ada</b>", email="ada@", password="tiny-s3cret")
    assert 'value="&lt;b&gt;Ada&lt;/b&gt;"' in answer.text
    assert 'value="ada@"' in answer.text
    assert "tiny-s3cret" not in answer.text


async def test_an_address_can_sign_up_once(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    answer = await other_browser.sign_up("ADA@example.com")
    assert answer.status_code == 409
    assert "registered already" in answer.text


def _unmasked(page: str) -> str:
    """The page without its form's token, whose mask is another in every answer."""
    return re.sub(r"~[0-9a-f]{64,}", "", page)


async def test_a_wrong_password_and_an_unknown_address_look_the_same(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    wrong = await other_browser.send("/login", "/login", email="ada@example.com", password="not my password")
    unknown = await other_browser.send("/login", "/login", email="bob@example.com", password="not my password")
    assert wrong.status_code == unknown.status_code == 401
    assert "is wrong" in wrong.text
    assert _unmasked(wrong.text).replace("ada@", "bob@") == _unmasked(unknown.text)


async def test_logging_in_leads_back_to_the_page_asked_for(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    sent_away = await other_browser.client.get("/usage?span=24h")
    assert (sent_away.status_code, sent_away.headers["location"]) == (303, "/login?next=%2Fusage%3Fspan%3D24h")
    answer = await other_browser.send(
        "/login", "/login", email=" Ada@Example.com ", password=PASSWORD, next="/usage?span=24h"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/usage?span=24h")


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_logging_in_never_leads_to_another_site(browser: Browser, other_browser: Browser, wanted: str) -> None:
    await browser.sign_up("ada@example.com")
    answer = await other_browser.send("/login", "/login", email="ada@example.com", password=PASSWORD, next=wanted)
    assert answer.headers["location"] == "/dashboard"
    assert "evil" not in (await browser.client.get("/login", params={"next": wanted})).text


async def test_logging_out_ends_the_session_for_good(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    token = browser.client.cookies["tollkeeper_session"]
    answer = await browser.send("/dashboard", "/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    browser.client.cookies.set("tollkeeper_session", token)
    answer = await until_status(lambda: browser.client.get("/dashboard"), 303)
    assert answer.headers["location"].startswith("/login")


async def test_over_https_no_other_host_can_plant_a_cookie(site: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=site, base_url="https://shop.example.com") as client:
        browser = Browser(client)
        await browser.sign_up("ada@example.com")
        assert set(client.cookies) == {"__Host-tk_form", "__Host-tollkeeper_session", "__Host-tollkeeper_device"}
        token = client.cookies["__Host-tollkeeper_session"]
        planted = {"Cookie": f"tollkeeper_session={token}"}
        assert (await client.get("/dashboard")).status_code == 200
        async with httpx.AsyncClient(transport=site, base_url="https://shop.example.com", headers=planted) as other:
            assert (await other.get("/dashboard")).status_code == 303
        answer = await browser.send("/dashboard", "/logout")
        assert answer.headers["clear-site-data"] == '"cache", "storage"'
        assert set(client.cookies) == {"__Host-tk_form", "__Host-tollkeeper_device"}, "the device stays known"


async def test_over_http_nothing_is_said_that_browsers_heed_over_https_alone(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    assert "clear-site-data" not in (await browser.send("/dashboard", "/logout")).headers


async def test_another_site_cannot_log_anybody_out(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    assert (await browser.client.post("/logout")).status_code == 403
    assert (await browser.client.get("/dashboard")).status_code == 200


async def test_who_is_logged_in_is_not_asked_to_log_in(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    assert (await browser.client.get("/login?next=/keys")).headers["location"] == "/keys"
    assert (await browser.client.get("/signup")).headers["location"] == "/dashboard"


@pytest.mark.parametrize("path", ["/dashboard", "/usage", "/keys", "/billing", "/checkout/return", "/keys/1/revoke"])
async def test_nobody_sees_a_customers_page_without_logging_in(browser: Browser, path: str) -> None:
    answer = await browser.client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=")


async def test_a_part_of_a_page_asked_for_after_logging_out_sends_the_whole_page_to_log_in(browser: Browser) -> None:
    sent = {"HX-Request": "true", "HX-Current-URL": "http://127.0.0.1:8000/checkout/return?session_id=cs_1"}
    answer = await browser.client.get("/checkout/return/state", headers=sent)
    assert answer.headers["hx-redirect"] == "/login?next=%2Fcheckout%2Freturn%3Fsession_id%3Dcs_1"
    assert answer.text == ""


@pytest.mark.parametrize(
    ("referer", "back"), [("", "/keys"), ("http://127.0.0.1:8000/keys?sort=name", "/keys?sort=name")]
)
async def test_a_form_sent_after_the_login_ended_leads_back_to_its_page_and_says_so(
    browser: Browser, referer: str, back: str
) -> None:
    await browser.sign_up("ada@example.com")
    shown = await browser.get("/keys")
    del browser.client.cookies["tollkeeper_session"]
    browser.client.headers["referer"] = referer
    sent = await browser.answer(shown, "/keys", name="server")
    asked = await browser.get(sent.headers["location"])
    assert "logged out before the form arrived" in asked.text
    entered = await browser.answer(asked, "/login", email="ada@example.com", password=PASSWORD)
    assert entered.headers["location"] == back


async def test_where_only_forms_lead_the_page_above_is_offered(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    for answer in (await browser.get("/billing/checkout"), await browser.client.post("/billing/portal")):
        assert answer.status_code in {403, 405}
        assert '<a class="btn btn-primary" href="/billing">' in answer.text
        assert "Allow" not in answer.text


async def test_without_a_demo_login_none_is_shown(browser: Browser, runtime: Runtime) -> None:
    assert "Log in as demo" in (await browser.get("/login")).text
    runtime.provide(Site, Site())
    assert "emo login" not in (await browser.get("/login")).text
