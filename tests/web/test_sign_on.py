"""An organization's own single sign-on: whose a domain is, who comes in over it, and who does not."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from identity_process import IdentityProcess
from name_server import NameServer
from tollkeeper import orgs
from tollkeeper.identity import SESSION_COOKIE, PasswordHasher, find_credentials
from tollkeeper.identity.elsewhere import Outside
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.orgs.sign_on import DomainRecords, NameServers, connection_of

from .conftest import PASSWORD, Browser
from .test_elsewhere import enrol, provider
from .test_elsewhere import sign_in as sign_in_at

ACME = "acme.example"


@pytest.fixture(scope="module")
def issuer() -> Iterator[IdentityProcess]:
    process = IdentityProcess()
    yield process
    process.stop()


@pytest.fixture
def names(runtime: Runtime) -> Iterator[NameServer]:
    server = NameServer()
    runtime.settings = runtime.settings.model_copy(update={"dns_servers": server.address})
    runtime.parts[DomainRecords] = NameServers(runtime.settings)
    yield server
    server.stop()


@dataclass
class Acme:
    """An organization with its own issuer, and its owner's browser."""

    browser: Browser
    issuer: IdentityProcess
    names: NameServer

    async def api(self, method: str, path: str, body: object = None) -> httpx.Response:
        token = (await self.browser.client.get("/api/auth/me")).json()["csrf_token"]
        return await self.browser.client.request(method, path, json=body, headers={"X-CSRF-Token": token})

    async def claim(self, domain: str = ACME, *, shown: bool = True) -> dict[str, str]:
        claimed: dict[str, str] = (await self.api("POST", "/api/sso/domains", {"domain": domain})).json()
        if shown:
            self.names.records[claimed["record_name"]] = claimed["record_value"]
            answer = await self.api("POST", f"/api/sso/domains/{claimed['id']}/verify")
            assert answer.status_code == 200, answer.text
        return claimed

    async def connect(self, **changes: str) -> httpx.Response:
        wish = {"issuer": f"{self.issuer.url}/o/acme", "client_id": "acme", "client_secret": "secret-of-acme"}
        return await self.api("PATCH", "/api/sso", wish | changes)

    async def sign_in(self, browser: Browser, email: str, *, verified: bool = True) -> httpx.Response:
        """Sign in as a person does: by address, over the issuer, and back."""
        answer = await browser.send("/login/sso", "/login/sso", email=email)
        if answer.status_code != 200:
            return answer
        path = answer.text.split('href="' + self.issuer.url)[1].split('"')[0].replace("&amp;", "&")
        back = await asyncio.to_thread(self.issuer.answer, self.issuer.url + path, email, verified=verified)
        return await browser.client.get(back)


@pytest.fixture
async def acme(browser: Browser, issuer: IdentityProcess, names: NameServer) -> Acme:
    await browser.sign_up("founder@elsewhere.example")
    return Acme(browser, issuer, names)


def is_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and SESSION_COOKIE in answer.headers.get("set-cookie", "")


async def test_who_comes_over_it_is_a_member_and_nothing_more(acme: Acme, other_browser: Browser) -> None:
    await acme.claim()
    assert (await acme.connect(role="developer")).status_code == 200
    assert is_in(await acme.sign_in(other_browser, f"bob@{ACME}"))
    me = (await other_browser.client.get("/api/auth/me")).json()
    ours = (await acme.browser.client.get("/api/auth/me")).json()
    assert (me["organization"]["id"], me["role"]) == (ours["organization"]["id"], "developer")
    assert len((await other_browser.client.get("/api/organizations")).json()["data"]) == 1, "none of their own"


async def test_the_same_person_comes_again(acme: Acme, other_browser: Browser) -> None:
    await acme.claim()
    await acme.connect()
    assert is_in(await acme.sign_in(other_browser, f"bob@{ACME}"))
    other_browser.client.cookies.clear()
    assert is_in(await acme.sign_in(other_browser, f"bob@{ACME}"))
    members = (await acme.browser.client.get("/api/members")).json()["data"]
    assert sorted(each["role"] for each in members) == ["owner", "viewer"]


async def test_an_issuer_vouches_for_its_own_domains_alone(
    acme: Acme, other_browser: Browser, runtime: Runtime
) -> None:
    """The owner of an issuer says who anybody is; that must not open anybody else's account."""
    password_hash = await runtime.part(PasswordHasher).hash(PASSWORD)
    async with runtime.transaction() as tx:
        await orgs.sign_up(tx, email="victim@victim.example", password_hash=password_hash, name="V", is_verified=True)
    await acme.claim()
    await acme.connect()
    answer = await other_browser.send("/login/sso", "/login/sso", email=f"x@{ACME}")
    path = answer.text.split('href="' + acme.issuer.url)[1].split('"')[0].replace("&amp;", "&")
    back = await asyncio.to_thread(acme.issuer.answer, acme.issuer.url + path, "victim@victim.example")
    answer = await other_browser.client.get(back)
    assert answer.status_code == 403
    assert (await other_browser.client.get("/api/auth/me")).status_code == 401


async def test_an_account_whose_address_nobody_proved_is_not_taken_over(
    acme: Acme, other_browser: Browser, runtime: Runtime
) -> None:
    async with runtime.transaction() as tx:
        await orgs.sign_up(tx, email=f"bob@{ACME}", password_hash="squatted", name="Squatter")
    await acme.claim()
    await acme.connect()
    answer = await acme.sign_in(other_browser, f"bob@{ACME}")
    assert answer.status_code == 409


async def test_a_verified_account_joins_with_what_it_had(acme: Acme, other_browser: Browser, runtime: Runtime) -> None:
    password_hash = await runtime.part(PasswordHasher).hash(PASSWORD)
    async with runtime.transaction() as tx:
        await orgs.sign_up(tx, email=f"bob@{ACME}", password_hash=password_hash, name="Bob", is_verified=True)
    await acme.claim()
    await acme.connect()
    assert is_in(await acme.sign_in(other_browser, f"bob@{ACME}"))
    assert len((await other_browser.client.get("/api/organizations")).json()["data"]) == 2


async def test_without_a_domain_shown_to_be_theirs_nobody_comes(acme: Acme, other_browser: Browser) -> None:
    claimed = await acme.claim(shown=False)
    await acme.connect()
    answer = await other_browser.send("/login/sso", "/login/sso", email=f"bob@{ACME}")
    assert answer.status_code == 422
    assert "No organization signs in people of this domain" in answer.text
    answer = await acme.api("POST", f"/api/sso/domains/{claimed['id']}/verify")
    assert (answer.status_code, answer.json()["code"]) == (409, "domain_not_shown")
    acme.names.records[claimed["record_name"]] = "tollkeeper-domain=something-else"
    assert (await acme.api("POST", f"/api/sso/domains/{claimed['id']}/verify")).status_code == 409


async def test_a_domain_is_one_organizations(
    acme: Acme, other_browser: Browser, issuer: IdentityProcess, names: NameServer
) -> None:
    await acme.claim()
    await other_browser.sign_up("rival@elsewhere.example")
    rival = Acme(other_browser, issuer, names)
    claimed = await rival.claim(shown=False)
    names.records[claimed["record_name"]] = claimed["record_value"]
    answer = await rival.api("POST", f"/api/sso/domains/{claimed['id']}/verify")
    assert (answer.status_code, answer.json()["code"]) == (409, "domain_taken")


async def test_a_domain_given_up_lets_nobody_in(acme: Acme, other_browser: Browser) -> None:
    claimed = await acme.claim()
    await acme.connect()
    assert is_in(await acme.sign_in(other_browser, f"bob@{ACME}"))
    assert (await acme.api("DELETE", f"/api/sso/domains/{claimed['id']}")).status_code == 204
    other_browser.client.cookies.clear()
    assert (await acme.sign_in(other_browser, f"bob@{ACME}")).status_code == 422


@pytest.mark.parametrize("domain", ["gmail.com", "GMX.de", "no domain", "localhost", "-a.example", "a..example"])
async def test_what_is_everybodys_or_none_cannot_be_claimed(acme: Acme, domain: str) -> None:
    answer = await acme.api("POST", "/api/sso/domains", {"domain": domain})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "domain"


async def test_no_name_server_is_an_outage(acme: Acme, runtime: Runtime) -> None:
    claimed = await acme.claim(shown=False)
    runtime.parts[DomainRecords] = NameServers(runtime.settings.model_copy(update={"dns_servers": "127.0.0.1:1"}))
    answer = await acme.api("POST", f"/api/sso/domains/{claimed['id']}/verify")
    assert (answer.status_code, answer.json()["code"]) == (503, "dns_unavailable")


async def test_the_operators_word_shows_a_domain(acme: Acme, operator: httpx.AsyncClient) -> None:
    claimed = await acme.claim(shown=False)
    ours = (await acme.browser.client.get("/api/auth/me")).json()["organization"]["id"]
    answer = await operator.post(f"/api/sso/domains/{claimed['id']}/verify", params={"customer": ours})
    assert (answer.status_code, answer.json()["verified_by"]) == (200, "operator")


async def test_whoever_has_a_second_factor_is_asked_for_it_and_comes_into_the_organization(
    acme: Acme, other_browser: Browser, runtime: Runtime, clock: FixedClock
) -> None:
    await acme.claim()
    await acme.connect(role="developer")
    assert is_in(await acme.sign_in(other_browser, f"bob@{ACME}"))
    await acme.browser.client.get("/api/auth/me")
    app = await enrol(runtime, f"bob@{ACME}", clock)
    other_browser.client.cookies.clear()
    asked = await acme.sign_in(other_browser, f"bob@{ACME}")
    assert (asked.status_code, is_in(asked)) == (200, False)
    hidden = dict(re.findall(r'name="(csrf_token|pending)" value="([^"]+)"', asked.text))
    assert (await other_browser.client.get("/api/auth/me")).status_code == 401
    entered = await other_browser.client.post("/login/second", data={**hidden, "otp": app.at(clock.now())})
    assert is_in(entered), entered.text
    me = (await other_browser.client.get("/api/auth/me")).json()
    ours = (await acme.browser.client.get("/api/auth/me")).json()
    assert me["organization"]["id"] == ours["organization"]["id"]


class TestPasswordsForbidden:
    async def forbid(self, acme: Acme) -> httpx.Response:
        return await acme.api("PATCH", "/api/sso", {"passwords": "forbidden"})

    async def ready(self, acme: Acme, runtime: Runtime) -> None:
        """The founder's own account can come in over the connection."""
        await acme.claim()
        await acme.connect(role="admin")
        assert runtime.parts[Outside]

    async def test_not_before_somebody_has_come_in_without(self, acme: Acme, runtime: Runtime) -> None:
        await self.ready(acme, runtime)
        answer = await self.forbid(acme)
        assert (answer.status_code, answer.json()["code"]) == (409, "sso_not_tried")

    async def test_then_passwords_of_the_domain_are_not_taken_and_others_are(
        self, acme: Acme, other_browser: Browser, nobody: httpx.AsyncClient, runtime: Runtime, clock: FixedClock
    ) -> None:
        await self.ready(acme, runtime)
        assert is_in(await acme.sign_in(other_browser, f"admin@{ACME}"))
        assert (await self.forbid(Acme(other_browser, acme.issuer, acme.names))).status_code == 200
        for email in (f"admin@{ACME}", f"nobody@{ACME.upper()}"):
            wish = {"email": email, "password": PASSWORD}
            for path in ("/api/auth/login", "/api/auth/register"):
                answer = await nobody.post(path, json=wish)
                assert (answer.status_code, answer.json()["code"]) == (403, "sso_required"), path
        answer = await nobody.post("/api/auth/login", json={"email": "founder@elsewhere.example", "password": PASSWORD})
        assert answer.status_code == 200
        await enrol(runtime, f"admin@{ACME}", clock)
        other_browser.client.cookies.clear()
        assert is_in(await acme.sign_in(other_browser, f"admin@{ACME}")), "the issuer sees to second factors"
        async with runtime.transaction() as tx:
            admin = await find_credentials(tx, f"admin@{ACME}")
            assert admin is not None
            await orgs.found_organization(tx, admin.user_id, "Their own")
        other_browser.client.cookies.clear()
        asked = await acme.sign_in(other_browser, f"admin@{ACME}")
        assert (asked.status_code, is_in(asked)) == (200, False), "not for another organization"

    async def test_nor_does_another_service_let_them_in(
        self, acme: Acme, other_browser: Browser, nobody: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await self.ready(acme, runtime)
        await acme.sign_in(other_browser, f"admin@{ACME}")
        known = {"sign_in": [provider("demo", acme.issuer.url)], "public_url": "http://127.0.0.1:8000"}
        runtime.settings = runtime.settings.model_copy(update=known)
        elsewhere = Browser(nobody)
        assert is_in(await sign_in_at(elsewhere, acme.issuer, f"admin@{ACME}"))
        await self.forbid(Acme(other_browser, acme.issuer, acme.names))
        nobody.cookies.clear()
        answer = await sign_in_at(elsewhere, acme.issuer, f"admin@{ACME}")
        assert (answer.status_code, is_in(answer)) == (403, False)

    async def test_another_issuer_has_them_taken_again(
        self, acme: Acme, other_browser: Browser, runtime: Runtime
    ) -> None:
        await self.ready(acme, runtime)
        await acme.sign_in(other_browser, f"admin@{ACME}")
        admin = Acme(other_browser, acme.issuer, acme.names)
        await self.forbid(admin)
        answer = await acme.connect(issuer=f"{acme.issuer.url}/o/moved")
        assert (answer.status_code, answer.json()["passwords"]) == (200, "allowed")
        answer = await acme.connect(client_id="another", passwords="forbidden")
        assert answer.json()["code"] == "sso_not_tried"


@pytest.mark.parametrize(
    ("issuer_url", "status", "code"),
    [
        ("http://10.0.0.1/", 422, "invalid_input"),
        ("http://169.254.169.254", 422, "invalid_input"),
        ("ftp://127.0.0.1/", 422, "invalid_input"),
        ("http://127.0.0.1:1999", 503, "sign_in_provider_unavailable"),
    ],
)
async def test_an_issuer_is_asked_before_it_is_kept(acme: Acme, issuer_url: str, status: int, code: str) -> None:
    answer = await acme.connect(issuer=issuer_url)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] in {code, "address_not_allowed"}
    assert (await acme.browser.client.get("/api/sso")).json()["connection"] is None


async def test_the_secret_rests_sealed_and_is_never_shown(acme: Acme, runtime: Runtime) -> None:
    shown = (await acme.connect()).text
    assert "secret-of-acme" not in shown
    assert "secret-of-acme" not in (await acme.browser.client.get("/api/sso")).text
    assert "secret-of-acme" not in (await acme.browser.get("/team/sign-on")).text
    connection_id = (await acme.browser.client.get("/api/sso")).json()["connection"]["id"]
    async with runtime.transaction() as tx:
        kept = await connection_of(tx, UUID(await _organization(acme)))
        assert "secret-of-acme" not in kept.client_secret
        assert str(kept.id) == connection_id


async def _organization(acme: Acme) -> str:
    found: str = (await acme.browser.client.get("/api/auth/me")).json()["organization"]["id"]
    return found


async def test_a_connection_makes_no_owners(acme: Acme) -> None:
    answer = await acme.connect(role="owner")
    assert (answer.status_code, answer.json()["code"]) == (403, "owner_needed")


async def test_whose_word_lets_owners_in_is_not_for_others_to_say(acme: Acme, other_browser: Browser) -> None:
    await acme.claim()
    await acme.connect(role="admin")
    await acme.sign_in(other_browser, f"bob@{ACME}")
    admin = Acme(other_browser, acme.issuer, acme.names)
    for wish in ({"issuer": f"{acme.issuer.url}/o/bobs-own"}, {"client_id": "bobs-own"}):
        answer = await admin.connect(**wish)
        assert (answer.status_code, answer.json()["code"]) == (403, "owner_needed")
    assert (await admin.api("PATCH", "/api/sso", {"role": "developer"})).status_code == 200


async def test_newcomers_get_no_role_beyond_that_of_who_says_so(acme: Acme, other_browser: Browser) -> None:
    role = {"key": "desk", "name": "Desk", "permissions": ["members:read", "organization:manage"]}
    assert (await acme.api("POST", "/api/roles", role)).status_code == 201
    await acme.claim()
    await acme.connect(role="desk")
    await acme.sign_in(other_browser, f"bob@{ACME}")
    answer = await Acme(other_browser, acme.issuer, acme.names).api("PATCH", "/api/sso", {"role": "admin"})
    assert (answer.status_code, answer.json()["code"]) == (403, "role_beyond_yours")


async def test_removed_it_lets_nobody_in_and_members_stay(acme: Acme, other_browser: Browser) -> None:
    await acme.claim()
    await acme.connect()
    await acme.sign_in(other_browser, f"bob@{ACME}")
    assert (await acme.api("DELETE", "/api/sso")).status_code == 204
    assert (await other_browser.client.get("/api/auth/me")).status_code == 200
    other_browser.client.cookies.clear()
    assert (await acme.sign_in(other_browser, f"bob@{ACME}")).status_code == 422


async def test_the_page_sets_it_up(acme: Acme, other_browser: Browser) -> None:
    page = await acme.browser.get("/team/sign-on")
    assert "No domains yet" in page.text
    answer = await acme.browser.send("/team/sign-on", "/team/sign-on/domains", domain="gmail.com")
    assert answer.status_code == 422
    assert "nobody can claim it" in answer.text
    await acme.browser.send("/team/sign-on", "/team/sign-on/domains", domain=ACME)
    (claimed,) = (await acme.browser.client.get("/api/sso")).json()["domains"]
    page = await acme.browser.get("/team/sign-on")
    assert claimed["record_value"] in page.text
    acme.names.records[claimed["record_name"]] = claimed["record_value"]
    answer = await acme.browser.send("/team/sign-on", f"/team/sign-on/domains/{claimed['id']}/verify")
    assert answer.status_code == 303
    answer = await acme.browser.send("/team/sign-on", "/team/sign-on", issuer="http://127.0.0.1:1999", client_id="acme")
    assert answer.status_code == 422
    assert "no OpenID Connect issuer" in answer.text
    wish = {"issuer": f"{acme.issuer.url}/o/acme", "client_id": "acme", "client_secret": "secret-of-acme"}
    answer = await acme.browser.send("/team/sign-on", "/team/sign-on", **wish, role="viewer", passwords="allowed")
    assert answer.status_code == 303, answer.text
    assert "/callback" in (await acme.browser.get("/team/sign-on")).text
    assert is_in(await acme.sign_in(other_browser, f"bob@{ACME}"))
    assert (await other_browser.client.get("/team/sign-on")).status_code == 403
    answer = await acme.browser.send("/team/sign-on", f"/team/sign-on/domains/{claimed['id']}/release")
    assert answer.status_code == 303
