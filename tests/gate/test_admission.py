"""Who calls is found out the same way for every route, and changes are obeyed at once."""

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from support import Customer, client_of
from tollkeeper import identity
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime

PASSWORD = "every bridge has a toll"
HEARD_SECONDS = 20.0


@pytest.fixture
async def person(nobody: httpx.AsyncClient) -> dict[str, Any]:
    """Somebody who signed up; `nobody` keeps their session cookie as a browser would."""
    answer = await nobody.post("/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def session_token(client: httpx.AsyncClient) -> str:
    token = client.cookies.get(identity.SESSION_COOKIE)
    assert token is not None
    return token


async def test_the_cookie_is_closed_to_scripts_and_other_sites(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.post("/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= attributes


async def test_a_browser_session_reads_and_with_its_token_writes(
    nobody: httpx.AsyncClient, person: dict[str, Any]
) -> None:
    assert (await nobody.get("/api/usage")).json()["plan"] == "free"
    body = {"feature": "prompts"}
    refused = await nobody.post("/api/usage/track", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    foreign = await nobody.post("/api/usage/track", json=body, headers={"X-CSRF-Token": "another session's"})
    assert foreign.status_code == 403
    token = identity.csrf_token(session_token(nobody))
    written = await nobody.post("/api/usage/track", json=body, headers={"X-CSRF-Token": token})
    assert (written.status_code, written.json()["used"]) == (200, 1)
    assert person["csrf_token"] == token
    assert (await nobody.get("/api/auth/me")).json()["csrf_token"] == token


async def test_an_old_cookie_does_not_stand_in_the_way_of_a_login(
    nobody: httpx.AsyncClient, person: dict[str, Any]
) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    answer = await nobody.post("/api/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"] == person["user"]


async def test_a_session_that_was_closed_is_over_at_once(
    runtime: Runtime, nobody: httpx.AsyncClient, person: dict[str, Any]
) -> None:
    assert (await nobody.get("/api/usage")).status_code == 200
    async with runtime.transaction() as tx:
        session = await identity.session_of(tx, session_token(nobody))
        assert session is not None
        await identity.close_session(tx, session.id)
    assert await until(nobody, 401)
    assert str(session.user_id) == person["user"]["id"]


async def test_an_access_token_acts_for_its_member(application: httpx.ASGITransport, person: dict[str, Any]) -> None:
    async with client_of(application, person["access_token"]) as client:
        assert (await client.post("/api/usage/track", json={"feature": "prompts"})).json()["used"] == 1
        assert (await client.get("/api/auth/me")).json()["organization"]["id"] == person["organization"]["id"]


@pytest.mark.parametrize("ending", ["logging out", "a new password"])
async def test_an_access_token_ends_with_its_login(
    application: httpx.ASGITransport, nobody: httpx.AsyncClient, person: dict[str, Any], ending: str
) -> None:
    login = {"email": person["user"]["email"], "password": PASSWORD}
    nobody.cookies.clear()
    other = (await nobody.post("/api/auth/login", json=login)).json()
    async with (
        client_of(application, person["access_token"]) as mine,
        client_of(application, other["access_token"]) as client,
    ):
        assert (await client.get("/api/auth/me")).status_code == 200
        if ending == "logging out":
            assert (await client.post("/api/auth/logout")).status_code == 204
        else:
            change = {"current_password": PASSWORD, "new_password": "every toll has a bridge"}
            assert (await mine.post("/api/auth/password", json=change)).status_code == 204
        assert await until(client, 401)
        assert (await mine.get("/api/auth/me")).status_code == 200


async def test_a_token_signed_by_somebody_else_is_refused(
    application: httpx.ASGITransport, person: dict[str, Any]
) -> None:
    head, body, signature = person["access_token"].split(".")
    for forged in (f"{head}.{body}.{signature[::-1]}", f"{head}.{body}.", f"eyJhbGciOiJub25lIn0.{body}."):
        async with client_of(application, forged) as client:
            assert (await client.get("/api/usage")).status_code == 401


async def test_a_wrong_credential_does_not_close_public_routes(application: httpx.ASGITransport) -> None:
    async with client_of(application, "tk_live_wrong") as client:
        assert (await client.get("/api/plans")).status_code == 200


async def test_more_calls_than_connections_look_up_whom_they_are_about(
    runtime: Runtime, ada: Customer, eve: Customer, operator: httpx.AsyncClient
) -> None:
    assert ada.organization_id != eve.organization_id
    runtime.part(Gate).projection.clear()
    about = ["ada-1", "eve-1"] * 6
    answers = await asyncio.gather(*(operator.get("/api/usage/limits", params={"customer": each}) for each in about))
    assert [answer.status_code for answer in answers] == [200] * len(about)


async def test_changes_are_obeyed_while_the_database_cannot_be_heard(
    runtime: Runtime, ada: Customer, clean_database: str
) -> None:
    assert (await ada.client.get("/api/usage")).status_code == 200
    gate = runtime.part(Gate)
    gate.projection.listener._on_payload = lambda _: None  # deaf: notifications arrive and are not understood
    async with await psycopg.AsyncConnection.connect(clean_database, autocommit=True) as owner:
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'tollkeeper-listen%' and datname = current_database()"
        )
    async with runtime.transaction() as tx:
        await identity.revoke_key(tx, ada.organization_id, ada.key.id)
    assert await until(ada.client, 401)


async def test_health_says_that_changes_cannot_be_heard(runtime: Runtime, nobody: httpx.AsyncClient) -> None:
    listener = runtime.part(Gate).projection.listener
    await asyncio.wait_for(listener.connected.wait(), HEARD_SECONDS)
    assert (await nobody.get("/health")).json()["checks"]["gate"]["status"] == "ok"
    listener.connected.clear()
    health = await nobody.get("/health")
    assert health.json()["checks"]["gate"]["status"] == "failing"
    assert (health.status_code, health.json()["status"]) == (200, "degraded")


async def until(client: httpx.AsyncClient, status: int) -> bool:
    """Whether a call ends with this status soon; the promise is a second."""
    deadline = asyncio.get_running_loop().time() + HEARD_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if (await client.get("/api/usage")).status_code == status:
            return True
        await asyncio.sleep(0.02)
    return False
