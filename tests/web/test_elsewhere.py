"""Signing in elsewhere, over the real protocol: who comes in, as whom, and everything that must not let anybody in."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from pydantic import SecretStr

from identity_process import IdentityProcess
from tollkeeper import orgs
from tollkeeper.identity import SESSION_COOKIE, PasswordHasher, begin_totp, confirm_totp, find_credentials, get_user
from tollkeeper.infra import Runtime, SignInPreset, SignInProvider
from tollkeeper.kit import FixedClock

from .conftest import PASSWORD, Browser

DEMO, OTHER, HUB = "demo", "other", "github"


@pytest.fixture(scope="module")
def issuer() -> Iterator[IdentityProcess]:
    process = IdentityProcess()
    yield process
    process.stop()


@pytest.fixture(autouse=True)
def behaves(issuer: IdentityProcess) -> Iterator[None]:
    yield
    issuer.misbehave("none")


@pytest.fixture
def runtime(runtime: Runtime, issuer: IdentityProcess) -> Runtime:
    known = [
        provider(DEMO, issuer.url),
        provider(OTHER, f"{issuer.url}/o/other"),
        provider(HUB, f"{issuer.url}/github", SignInPreset.GITHUB),
    ]
    runtime.settings = runtime.settings.model_copy(update={"sign_in": known, "public_url": "http://127.0.0.1:8000"})
    return runtime


def provider(key: str, issuer: str, preset: SignInPreset = SignInPreset.OIDC) -> SignInProvider:
    return SignInProvider(
        preset=preset,
        key=key,
        title=key.capitalize(),
        issuer=issuer,
        client_id=f"tollkeeper-{key}",
        client_secret=SecretStr(f"secret-of-tollkeeper-{key}"),
    )


async def leave(browser: Browser, key: str = DEMO, next_path: str = "/keys") -> str:
    """Press the button; return where the browser is sent."""
    answer = await browser.client.get(f"/auth/elsewhere/{key}", params={"next": next_path})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def come_back(browser: Browser, url: str) -> httpx.Response:
    return await browser.client.get(url)


async def sign_in(
    browser: Browser, issuer: IdentityProcess, email: str, key: str = DEMO, **answers: Any
) -> httpx.Response:
    url = await leave(browser, key)
    back = await asyncio.to_thread(issuer.answer, url, email, **answers)
    return await come_back(browser, back)


def is_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and SESSION_COOKIE in answer.headers.get("set-cookie", "")


async def make_account(runtime: Runtime, email: str, *, verified: bool) -> None:
    password_hash = await runtime.part(PasswordHasher).hash(PASSWORD)
    async with runtime.transaction() as tx:
        await orgs.sign_up(tx, email=email, password_hash=password_hash, name="Ada", is_verified=verified)


async def enrol(runtime: Runtime, email: str, clock: FixedClock) -> pyotp.TOTP:
    """Give somebody an authenticator app; the clock is then past the code that was used for it."""
    async with runtime.transaction() as tx:
        known = await find_credentials(tx, email)
        assert known is not None
        app = pyotp.TOTP((await begin_totp(tx, known.user_id, email)).secret)
        await confirm_totp(tx, known.user_id, app.at(tx.now))
    clock.advance(timedelta(seconds=60))
    return app


@pytest.mark.parametrize("key", [DEMO, HUB])
async def test_a_second_factor_is_asked_for_however_one_comes(
    browser: Browser, runtime: Runtime, issuer: IdentityProcess, clock: FixedClock, key: str
) -> None:
    await make_account(runtime, "ada@example.com", verified=True)
    app = await enrol(runtime, "ada@example.com", clock)
    asked = await sign_in(browser, issuer, "ada@example.com", key)
    assert (asked.status_code, is_in(asked)) == (200, False)
    assert (await browser.client.get("/api/auth/me")).status_code == 401
    hidden = dict(re.findall(r'name="(csrf_token|pending)" value="([^"]+)"', asked.text))
    wrong = await browser.client.post("/login/second", data={**hidden, "otp": "000000"})
    assert not is_in(wrong)
    assert is_in(await browser.client.post("/login/second", data={**hidden, "otp": app.at(clock.now())}))


@pytest.mark.parametrize("key", [DEMO, HUB])
async def test_somebody_new_gets_a_verified_account_of_their_own(
    browser: Browser, runtime: Runtime, issuer: IdentityProcess, key: str
) -> None:
    answer = await sign_in(browser, issuer, "Ada@Example.com", key)
    assert is_in(answer)
    assert answer.headers["location"] == "/keys"
    me = (await browser.client.get("/api/auth/me")).json()
    assert (me["user"]["email"], me["user"]["name"], me["role"]) == ("ada@example.com", "Ada", "owner")
    async with runtime.transaction() as tx:
        known = await find_credentials(tx, "ada@example.com")
        assert known is not None
        assert known.password_hash is None
        assert (await get_user(tx, known.user_id)).verified_at == tx.now


async def test_the_same_person_comes_into_the_same_account(
    browser: Browser, other_browser: Browser, issuer: IdentityProcess
) -> None:
    await sign_in(browser, issuer, "ada@example.com")
    assert is_in(await sign_in(other_browser, issuer, "ada@example.com"))
    first, second = [(await each.client.get("/api/auth/me")).json() for each in (browser, other_browser)]
    assert first["user"]["id"] == second["user"]["id"]
    linked = (await browser.client.get("/api/profile/identities")).json()["data"]
    assert [(each["provider"], each["email"]) for each in linked] == [(DEMO, "ada@example.com")]


async def test_the_browser_is_asked_for_what_the_protocol_wants(browser: Browser, issuer: IdentityProcess) -> None:
    url = await leave(browser)
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{issuer.url}/authorize?")
    assert asked["redirect_uri"] == ["http://127.0.0.1:8000/auth/elsewhere/demo/callback"]
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert all(len(asked[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert set(asked["scope"][0].split()) == {"openid", "email", "profile"}
    again = parse_qs(urlsplit(await leave(browser)).query)
    assert all(again[name] != asked[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("other_issuer", 400),
        ("other_audience", 400),
        ("two_audiences", 400),
        ("other_nonce", 400),
        ("no_nonce", 400),
        ("expired", 400),
        ("from_the_future", 400),
        ("unsigned", 400),
        ("signed_with_the_secret", 400),
        ("signed_with_a_strangers_key", 400),
        ("unknown_key", 400),
        ("userinfo_of_another", 400),
        ("other_state", 400),
        ("other_iss", 400),
        ("no_email", 403),
    ],
)
async def test_what_proves_nothing_lets_nobody_in(
    browser: Browser, runtime: Runtime, issuer: IdentityProcess, kind: str, status: int
) -> None:
    issuer.misbehave(kind)
    answer = await sign_in(browser, issuer, "ada@example.com")
    assert answer.status_code == status, answer.text
    assert SESSION_COOKIE not in answer.headers.get("set-cookie", "")
    assert (await browser.client.get("/api/auth/me")).status_code == 401
    async with runtime.transaction() as tx:
        assert await find_credentials(tx, "ada@example.com") is None


async def test_an_address_may_come_from_userinfo(browser: Browser, issuer: IdentityProcess) -> None:
    issuer.misbehave("only_userinfo")
    assert is_in(await sign_in(browser, issuer, "ada@example.com"))


@pytest.mark.parametrize("kind", ["discovery_of_another", "insecure_endpoint", "down", "not_json"])
async def test_an_issuer_that_is_none_is_not_gone_to(browser: Browser, issuer: IdentityProcess, kind: str) -> None:
    issuer.misbehave(kind)
    answer = await browser.client.get(f"/auth/elsewhere/{OTHER}")
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers


async def test_an_issuer_that_fails_on_the_way_is_told(browser: Browser, issuer: IdentityProcess) -> None:
    back = issuer.answer(await leave(browser), "ada@example.com")
    issuer.misbehave("down")
    assert (await come_back(browser, back)).status_code == 503


@pytest.mark.parametrize("forget", [False, True])
async def test_keys_that_roll_are_followed(
    browser: Browser, other_browser: Browser, issuer: IdentityProcess, forget: bool
) -> None:
    assert is_in(await sign_in(browser, issuer, "ada@example.com"))
    issuer.roll(forget=forget)
    assert is_in(await sign_in(other_browser, issuer, "bob@example.com"))


async def test_keys_and_discovery_are_kept_in_memory(
    browser: Browser, other_browser: Browser, issuer: IdentityProcess
) -> None:
    await sign_in(browser, issuer, "ada@example.com")
    before = issuer.http.get("/_twin/health").json()["asked"]
    await sign_in(other_browser, issuer, "bob@example.com")
    after = issuer.http.get("/_twin/health").json()["asked"]
    assert after[len(before) :] == ["token"]


async def test_who_changes_their_mind_is_not_let_in(browser: Browser, issuer: IdentityProcess) -> None:
    answer = await sign_in(browser, issuer, "ada@example.com", allow=False)
    assert answer.status_code == 400
    assert "did not sign you in" in answer.text


class TestTheWayBackIsOneBrowsers:
    async def test_another_browser_cannot_walk_it(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        back = issuer.answer(await leave(browser), "mallory@example.com")
        answer = await come_back(other_browser, back)
        assert answer.status_code == 400
        assert "This sign-in is over" in answer.text
        assert (await other_browser.client.get("/api/auth/me")).status_code == 401

    async def test_nor_one_that_has_begun_another(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        back = issuer.answer(await leave(browser), "mallory@example.com")
        await leave(other_browser)
        assert (await come_back(other_browser, back)).status_code == 400

    async def test_it_is_walked_once(self, browser: Browser, issuer: IdentityProcess) -> None:
        back = issuer.answer(await leave(browser), "ada@example.com")
        assert is_in(await come_back(browser, back))
        browser.client.cookies.delete(SESSION_COOKIE)
        assert (await come_back(browser, back)).status_code == 400

    async def test_a_code_is_spent_even_for_who_kept_the_cookie(
        self, browser: Browser, issuer: IdentityProcess
    ) -> None:
        back = issuer.answer(await leave(browser), "ada@example.com")
        kept = dict(browser.client.cookies)
        assert is_in(await come_back(browser, back))
        browser.client.cookies.clear()
        browser.client.cookies.update(kept)
        answer = await come_back(browser, back)
        assert answer.status_code == 400
        assert SESSION_COOKIE not in answer.headers.get("set-cookie", "")

    async def test_the_answer_of_one_provider_is_not_taken_for_anothers(
        self, browser: Browser, issuer: IdentityProcess
    ) -> None:
        back = issuer.answer(await leave(browser, DEMO), "ada@example.com")
        answer = await come_back(browser, back.replace("/demo/", "/other/"))
        assert answer.status_code == 400

    async def test_what_the_browser_keeps_cannot_be_made_up(self, browser: Browser, issuer: IdentityProcess) -> None:
        back = issuer.answer(await leave(browser), "ada@example.com")
        for kept in ("", "nonsense", "a.b.c.d.e"):
            browser.client.cookies.clear()
            browser.client.cookies.set("tk_elsewhere", kept)
            assert (await come_back(browser, back)).status_code == 400

    @pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"])
    async def test_it_ends_on_a_page_of_ours(self, browser: Browser, issuer: IdentityProcess, wanted: str) -> None:
        url = await leave(browser, next_path=wanted)
        answer = await come_back(browser, issuer.answer(url, "ada@example.com"))
        assert answer.headers["location"] == "/dashboard"


class TestNobodysAccountIsTaken:
    async def test_a_verified_account_is_linked_by_a_verified_address(
        self, browser: Browser, runtime: Runtime, issuer: IdentityProcess
    ) -> None:
        await make_account(runtime, "ada@example.com", verified=True)
        assert is_in(await sign_in(browser, issuer, "ada@example.com"))
        linked = (await browser.client.get("/api/profile/identities")).json()["data"]
        assert len(linked) == 1

    async def test_an_account_somebody_made_with_anothers_address_is_not(
        self, browser: Browser, runtime: Runtime, issuer: IdentityProcess
    ) -> None:
        await make_account(runtime, "ada@example.com", verified=False)
        answer = await sign_in(browser, issuer, "ada@example.com")
        assert answer.status_code == 409
        assert "Log in as before and link" in answer.text
        assert (await browser.client.get("/api/auth/me")).status_code == 401

    @pytest.mark.parametrize("key", [DEMO, HUB])
    async def test_an_unverified_address_there_counts_for_nothing(
        self, browser: Browser, runtime: Runtime, issuer: IdentityProcess, key: str
    ) -> None:
        await make_account(runtime, "ada@example.com", verified=True)
        answer = await sign_in(browser, issuer, "ada@example.com", key, verified=False)
        assert answer.status_code == 403
        assert (await browser.client.get("/api/auth/me")).status_code == 401

    async def test_an_identity_is_found_by_its_subject_whatever_its_address_is_now(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        await sign_in(browser, issuer, "ada@example.com")
        me = (await browser.client.get("/api/auth/me")).json()["user"]["id"]
        answer = await sign_in(other_browser, issuer, "ada@example.com", verified=False)
        assert is_in(answer), "known by its subject; the address does not matter any more"
        assert (await other_browser.client.get("/api/auth/me")).json()["user"]["id"] == me

    async def test_the_same_address_at_another_issuer_is_another_identity_of_the_same_person(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        await sign_in(browser, issuer, "ada@example.com", DEMO)
        assert is_in(await sign_in(other_browser, issuer, "ada@example.com", OTHER))
        linked = (await other_browser.client.get("/api/profile/identities")).json()["data"]
        assert {each["provider"] for each in linked} == {DEMO, OTHER}

    async def test_of_two_who_come_at_once_one_account_is_made(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        backs = [issuer.answer(await leave(each), "ada@example.com") for each in (browser, other_browser)]
        answers = await asyncio.gather(
            *(come_back(each, back) for each, back in zip((browser, other_browser), backs, strict=True))
        )
        assert any(is_in(each) for each in answers)
        assert all(is_in(each) or each.status_code == 409 for each in answers)


class TestLinking:
    async def link(self, browser: Browser, issuer: IdentityProcess, email: str, key: str = DEMO) -> httpx.Response:
        page = await browser.send("/security/sign-in", f"/security/sign-in/{key}/link")
        assert page.status_code == 200, page.text
        url = page.text.split('href="' + issuer.url)[1].split('"')[0].replace("&amp;", "&")
        return await come_back(browser, await asyncio.to_thread(issuer.answer, issuer.url + url, email))

    async def test_somebody_logged_in_links_whatever_address_they_have_there(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        await browser.sign_up("ada@example.com")
        answer = await self.link(browser, issuer, "ada@elsewhere.example")
        assert (answer.status_code, answer.headers["location"]) == (303, "/security/sign-in")
        assert "ada@elsewhere.example" in (await browser.get("/security/sign-in")).text
        assert is_in(await sign_in(other_browser, issuer, "ada@elsewhere.example"))
        me = (await other_browser.client.get("/api/auth/me")).json()
        assert me["user"]["email"] == "ada@example.com"

    async def test_what_is_anothers_stays_theirs(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        await sign_in(other_browser, issuer, "bob@example.com")
        await browser.sign_up("ada@example.com")
        answer = await self.link(browser, issuer, "bob@example.com")
        assert answer.status_code == 409
        assert "linked with this already" in answer.text
        assert (await browser.client.get("/api/profile/identities")).json()["data"] == []

    async def test_a_way_back_to_link_is_not_walked_by_another_login(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        await browser.sign_up("mallory@example.com")
        page = await browser.send("/security/sign-in", "/security/sign-in/demo/link")
        url = page.text.split('href="' + issuer.url)[1].split('"')[0].replace("&amp;", "&")
        back = issuer.answer(issuer.url + url, "mallory@elsewhere.example")
        await other_browser.sign_up("ada@example.com")
        kept = browser.client.cookies["tk_elsewhere"]
        other_browser.client.cookies.set("tk_elsewhere", kept)
        assert (await come_back(other_browser, back)).status_code == 400
        assert (await other_browser.client.get("/api/profile/identities")).json()["data"] == []

    async def test_another_site_cannot_begin_it(self, browser: Browser) -> None:
        await browser.sign_up("ada@example.com")
        answer = await browser.client.post("/security/sign-in/demo/link", data={"csrf_token": "made up"})
        assert answer.status_code == 403

    async def test_the_only_way_in_stays(self, browser: Browser, issuer: IdentityProcess) -> None:
        await sign_in(browser, issuer, "ada@example.com")
        (only,) = (await browser.client.get("/api/profile/identities")).json()["data"]
        answer = await browser.send("/security/sign-in", f"/security/sign-in/{only['id']}/unlink")
        assert answer.status_code == 409
        await self.link(browser, issuer, "ada@example.com", OTHER)
        answer = await browser.send("/security/sign-in", f"/security/sign-in/{only['id']}/unlink")
        assert answer.status_code == 303
        (left,) = (await browser.client.get("/api/profile/identities")).json()["data"]
        assert left["provider"] == OTHER

    async def test_who_has_a_password_unlinks_everything(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        await browser.sign_up("ada@example.com")
        await self.link(browser, issuer, "ada@elsewhere.example")
        (only,) = (await browser.client.get("/api/profile/identities")).json()["data"]
        assert (await browser.send("/security/sign-in", f"/security/sign-in/{only['id']}/unlink")).status_code == 303
        assert not is_in(await sign_in(other_browser, issuer, "ada@elsewhere.example", verified=False))

    async def test_what_is_anothers_cannot_be_unlinked(
        self, browser: Browser, other_browser: Browser, issuer: IdentityProcess
    ) -> None:
        await sign_in(browser, issuer, "ada@example.com")
        (adas,) = (await browser.client.get("/api/profile/identities")).json()["data"]
        await other_browser.sign_up("eve@example.com")
        answer = await other_browser.send("/security/sign-in", f"/security/sign-in/{adas['id']}/unlink")
        assert answer.status_code == 404


async def test_the_buttons_are_where_people_log_in_and_sign_up(browser: Browser) -> None:
    for path in ("/login", "/signup"):
        page = (await browser.get(f"{path}?next=/keys")).text
        assert 'href="/auth/elsewhere/demo?next=%2Fkeys"' in page
        assert "Continue with Demo" in page
    listed = (await browser.client.get("/api/auth/providers")).json()["data"]
    assert [each["key"] for each in listed] == [DEMO, OTHER, HUB]
    assert listed[0]["url"] == "http://127.0.0.1:8000/auth/elsewhere/demo"


async def test_what_nobody_knows_is_not_found(browser: Browser) -> None:
    for path in ("/auth/elsewhere/nobody", "/auth/elsewhere/nobody/callback", "/auth/elsewhere/%00"):
        assert (await browser.client.get(path)).status_code == 404


async def test_the_security_page_tells_what_is_linked(browser: Browser, issuer: IdentityProcess) -> None:
    await sign_in(browser, issuer, "ada@example.com")
    page = (await browser.get("/security")).text
    assert "Linked: Demo." in page
    assert 'href="/security/sign-in"' in page
