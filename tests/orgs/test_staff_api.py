"""Staff who see what a customer sees: with a reason, for a while, unable to change anything, and all of it recorded."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from support import client_of
from tollkeeper import identity
from tollkeeper.identity.staff import StaffRole, find_person, set_staff
from tollkeeper.infra import Runtime, Sought, search_trail
from tollkeeper.kit import FixedClock, parse_id

from .callers import PASSWORD
from .test_audit_api import Person, registered

REASON = {"email": "ada@example.com", "reason": "ticket 7"}
IMPERSONATIONS = "/api/staff/impersonations"


@pytest.fixture
async def ada(application: httpx.ASGITransport) -> AsyncIterator[Person]:
    person = await registered(application, "ada")
    yield person
    await person.http.aclose()


async def employed(runtime: Runtime, application: httpx.ASGITransport, name: str, role: StaffRole) -> Person:
    person = await registered(application, name)
    async with runtime.transaction() as tx:
        await set_staff(tx, await find_person(tx, f"{name}@example.com"), role)
    return person


@pytest.fixture
async def staff(runtime: Runtime, application: httpx.ASGITransport) -> AsyncIterator[Person]:
    person = await employed(runtime, application, "sam", StaffRole.SUPPORT)
    yield person
    await person.http.aclose()


@pytest.fixture
async def browser(staff: Person, ada: Person, application: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of the member of staff, who acts as Ada."""
    begun = await staff.http.post(IMPERSONATIONS, json=REASON)
    assert begun.status_code == 201, begun.text
    assert begun.json()["organization"]["id"] == ada.organization_id
    async with client_of(application, None) as http:
        http.cookies.set(identity.SESSION_COOKIE, begun.cookies[identity.SESSION_COOKIE])
        http.headers[identity.CSRF_HEADER] = begun.json()["csrf_token"]
        yield http


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_staff_see_what_the_person_sees(browser: httpx.AsyncClient, ada: Person) -> None:
    me = (await browser.get("/api/auth/me")).json()
    assert (me["user"]["id"], me["organization"]["id"]) == (ada.user_id, ada.organization_id)
    assert (await browser.get("/api/keys")).status_code == 200
    assert all(each.endswith(":read") for each in me["permissions"])
    assert (await browser.get("/dashboard")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/keys", {"name": "way back in"}),
        ("PATCH", "/api/profile", {"name": "Changed"}),
        ("POST", "/api/auth/password", {"password": "another long one", "current": PASSWORD}),
        ("POST", "/api/auth/step-up", {"password": PASSWORD}),
        ("POST", "/api/profile/deletion", None),
        ("POST", "/api/stripe/create-checkout", {"plan": "pro"}),
        ("POST", "/api/usage/track", {"feature": "prompts"}),
        ("POST", IMPERSONATIONS, REASON),
        ("GET", "/api/profile/exports", None),
    ],
)
async def test_nothing_is_changed_while_acting_as_somebody(
    browser: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    assert code(await browser.request(method, path, json=body)) == (403, "impersonated")


@pytest.mark.parametrize("path", ["/keys", "/security/totp", "/billing/checkout", "/security/password", "/team/name"])
async def test_no_form_works_either(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.post(path, data={"name": "x"})
    assert answer.status_code == 403
    assert "not done while acting as somebody else" in answer.text


async def test_all_of_it_is_in_the_trail(
    browser: httpx.AsyncClient, staff: Person, ada: Person, runtime: Runtime
) -> None:
    assert (await browser.get("/api/audit/export")).status_code == 200
    assert (await browser.post("/api/auth/logout")).status_code == 204
    assert (await browser.get("/api/keys")).status_code == 401, "it has ended"
    async with runtime.transaction() as tx:
        ended, exported, begun = (await search_trail(tx, Sought(actor=parse_id(staff.user_id)), limit=3)).data
    assert (begun.action, begun.origin.user_id, begun.target_id) == (
        "impersonation.begun",
        parse_id(staff.user_id),
        ada.user_id,
    )
    assert begun.after is not None
    assert begun.after["reason"] == "ticket 7"
    for record, action in ((exported, "trail.exported"), (ended, "impersonation.ended")):
        assert (record.action, record.origin.user_id) == (action, parse_id(ada.user_id))
        assert record.origin.impersonator_id == parse_id(staff.user_id)
    activity = await ada.get("/profile/activity", action="impersonation.")
    assert [each["after"] and each["after"]["reason"] for each in activity["data"]] == [None, "ticket 7"]
    theirs = await ada.get("/audit", impersonated="true")
    assert [each["action"] for each in theirs["data"]] == ["impersonation.ended", "trail.exported"]


@pytest.fixture
async def desk(
    staff: Person, ada: Person, application: httpx.ASGITransport
) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """The browser of the member of staff, logged in as themselves before they act as Ada; and their own session."""
    async with client_of(application, None) as http:
        entered = await http.post("/api/auth/login", json={"email": "sam@example.com", "password": PASSWORD})
        own = http.cookies[identity.SESSION_COOKIE]
        http.headers[identity.CSRF_HEADER] = entered.json()["csrf_token"]
        begun = await http.post(IMPERSONATIONS, json=REASON)
        assert begun.status_code == 201, begun.text
        http.headers[identity.CSRF_HEADER] = begun.json()["csrf_token"]
        assert (await who(http)) == ada.user_id
        assert staff.user_id != ada.user_id
        yield http, own


async def who(http: httpx.AsyncClient) -> str | None:
    answer = await http.get("/api/auth/me")
    return answer.json()["user"]["id"] if answer.status_code == 200 else None


async def test_who_stops_is_themselves_again(desk: tuple[httpx.AsyncClient, str], staff: Person) -> None:
    http, own = desk
    acting = http.cookies[identity.SESSION_COOKIE]
    assert (await http.post("/api/auth/logout")).status_code == 204
    assert http.cookies[identity.SESSION_COOKIE] == own
    assert await who(http) == staff.user_id
    assert "tollkeeper_own" not in http.cookies
    http.cookies.set(identity.SESSION_COOKIE, acting)
    assert await who(http) is None, "that session has ended"


async def test_the_form_leads_back_too(desk: tuple[httpx.AsyncClient, str], staff: Person) -> None:
    http, _ = desk
    answer = await http.post("/logout", data={identity.CSRF_FIELD: http.headers[identity.CSRF_HEADER]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    assert await who(http) == staff.user_id


@pytest.mark.parametrize("kept", ["nothing", "ended", "another's", "its own", "made up"])
async def test_there_is_no_way_back_but_by_ones_own_open_session(
    desk: tuple[httpx.AsyncClient, str], application: httpx.ASGITransport, runtime: Runtime, kept: str
) -> None:
    http, own = desk
    token = {"ended": own, "its own": http.cookies[identity.SESSION_COOKIE], "made up": "x" * 43}.get(kept, "")
    if kept == "ended":
        async with runtime.transaction() as tx:
            session = await identity.session_of(tx, own)
            assert session is not None
            await identity.close_session(tx, session.id)
    if kept == "another's":
        async with client_of(application, None) as other:
            await other.post("/api/auth/login", json={"email": "ada@example.com", "password": PASSWORD})
            token = other.cookies[identity.SESSION_COOKIE]
    http.cookies.delete("tollkeeper_own")
    if token:
        http.cookies.set("tollkeeper_own", token, domain="127.0.0.1")
    assert (await http.post("/api/auth/logout")).status_code == 204
    assert identity.SESSION_COOKIE not in http.cookies
    assert await who(http) is None


async def test_it_ends_by_itself(browser: httpx.AsyncClient, clock: FixedClock, staff: Person) -> None:
    (listed,) = (await staff.get("/staff/impersonations"))["data"]
    assert listed["staff_id"] == staff.user_id
    clock.advance(timedelta(minutes=30))
    assert (await browser.get("/api/keys")).status_code == 401


async def test_who_may(staff: Person, ada: Person, runtime: Runtime, application: httpx.ASGITransport) -> None:
    assert code(await ada.http.post(IMPERSONATIONS, json={**REASON, "email": "sam@example.com"})) == (
        403,
        "staff_needed",
    )
    eve = await registered(application, "eve")
    wrong = {**REASON, "organization": eve.organization_id}
    assert code(await staff.http.post(IMPERSONATIONS, json=wrong)) == (404, "customer_not_found")
    nobody = {**REASON, "email": "nobody@example.com"}
    assert code(await staff.http.post(IMPERSONATIONS, json=nobody)) == (404, "person_not_found")
    boss = await employed(runtime, application, "boss", StaffRole.ADMIN)
    to_staff = {**REASON, "email": "boss@example.com"}
    assert code(await staff.http.post(IMPERSONATIONS, json=to_staff)) == (403, "not_impersonable")
    begun = (await boss.http.post(IMPERSONATIONS, json=REASON)).json()
    where = f"{IMPERSONATIONS}/{begun['id']}"
    assert code(await staff.http.delete(where)) == (404, "impersonation_not_found"), "another's"
    mine = (await staff.http.post(IMPERSONATIONS, json=REASON)).json()
    assert (await boss.http.delete(f"{IMPERSONATIONS}/{mine['id']}")).status_code == 204
    assert (await boss.http.delete(where)).status_code == 204
    await eve.http.aclose()
    await boss.http.aclose()


@pytest.mark.usefixtures("ada")
async def test_the_proof_has_to_be_fresh(staff: Person, clock: FixedClock) -> None:
    clock.advance(timedelta(minutes=11))
    assert code(await staff.http.post(IMPERSONATIONS, json=REASON)) == (403, "step_up_required")


async def test_who_is_staff_no_more_acts_as_nobody(browser: httpx.AsyncClient, staff: Person, runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        await set_staff(tx, await find_person(tx, "sam@example.com"), None)
    assert code(await staff.http.post(IMPERSONATIONS, json=REASON)) == (403, "staff_needed")
    await runtime_heard(browser)


async def runtime_heard(browser: httpx.AsyncClient) -> None:
    """Every process hears within a second that a session ended."""
    for _ in range(1000):
        if (await browser.get("/api/keys")).status_code == 401:
            return
    pytest.fail("the session goes on")
