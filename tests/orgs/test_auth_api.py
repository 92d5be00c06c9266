"""Registering, logging in, refreshing and logging out, as a caller sees it."""

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event

from tollkeeper.identity import PasswordHasher, register_user
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, parse_id

from .callers import PASSWORD, Caller, problem, register


@pytest.fixture(scope="module")
def hasher() -> Iterator[PasswordHasher]:
    """Hashes at what they cost people: how long it takes is looked at here."""
    hasher = PasswordHasher()
    yield hasher
    hasher.close()


async def test_registering_answers_person_organization_and_tokens(anyone: Caller) -> None:
    answer = await anyone("POST", "/auth/register", {"email": " Ada@Example.COM ", "password": PASSWORD})
    assert answer.status_code == 201
    body = answer.json()
    assert body["user"]["email"] == "ada@example.com"
    assert (body["user"]["name"], body["organization"]["name"]) == ("ada", "ada")
    assert (body["expires_in"], body["token_type"]) == (900, "Bearer")
    assert parse_id(body["user"]["id"])
    assert parse_id(body["organization"]["id"])
    tokens = {"access_token", "refresh_token", "token_type", "expires_in", "csrf_token"}
    assert set(body) == {"user", "organization", *tokens}
    assert PASSWORD not in answer.text
    me = (await anyone("GET", "/auth/me")).json()
    assert (me["kind"], me["role"], me["user"]["id"]) == ("session", "owner", body["user"]["id"])
    by_token = (await Caller(anyone.http, body["access_token"])("GET", "/auth/me")).json()
    assert (by_token["kind"], by_token["organization"]) == ("token", body["organization"])


@pytest.mark.parametrize(
    ("base_url", "secure"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
        ("http://[::1]", False),
        ("http://shop.example.com", True),
        ("https://shop.example.com", True),
    ],
)
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app: FastAPI, base_url: str, secure: bool) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url) as http:
        answer = await Caller(http)("POST", "/auth/register", {"email": "ada@example.com", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    prefix = "__Host-" if base_url.startswith("https") else ""
    flags = "HttpOnly; Max-Age=2592000; Path=/; SameSite=lax"
    assert re.match(rf"{prefix}tollkeeper_session=[\w-]{{43}}; {flags}", cookie)
    assert ("Secure" in cookie) is secure


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "password"}),
        ({"email": "no address", "password": "short"}, {"email", "password"}),
        ({"email": "a@b", "password": PASSWORD}, {"email"}),
        ({"email": "a@b.test\x00", "password": PASSWORD}, {"email"}),
        ({"email": "a@b.test", "password": PASSWORD + "\x00"}, {"password"}),
        ({"email": "a@b.test", "password": PASSWORD, "name": "A\x00"}, {"name"}),
        ({"email": "a@b.test", "password": PASSWORD, "name": "A" * 201}, {"name"}),
        ({"email": "a@b.test", "password": "x" * 1025}, {"password"}),
        ({"email": "a@b.test", "password": "x" * 9}, {"password"}),
        ({"email": "a@b.test", "password": "Password123"}, {"password"}),
        ({"email": "ada.lovelace@b.test", "password": "ADA.lovelace@b.test"}, {"password"}),
        ({"email": "ada.lovelace@b.test", "password": "ada.lovelace"}, {"password"}),
        ({"email": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.test", "password": PASSWORD}, {"email"}),
        ({"email": 7, "password": ["x"]}, {"email", "password"}),
        ({"email": "a@b.test", "password": PASSWORD, "role": "admin"}, {"role"}),
        ({"email": "a@b.test", "password": "\ud800" * 9}, {"password"}),
    ],
)
async def test_a_bad_registration_names_every_wrong_field(
    anyone: Caller, body: dict[str, Any], fields: set[str]
) -> None:
    answer = await anyone("POST", "/auth/register", body)
    assert problem(answer) == (422, "invalid_input")
    assert {error["field"] for error in answer.json()["errors"]} == fields


async def test_one_address_is_one_person_whatever_its_spelling(anyone: Caller) -> None:
    await register(anyone, "ada@example.com")
    again = await anyone("POST", "/auth/register", {"email": "ADA@Example.com", "password": PASSWORD})
    assert problem(again) == (409, "email_taken")


async def test_of_registrations_at_once_exactly_one_wins(program: Caller) -> None:
    spellings = ["ada@example.com", "Ada@example.com", "ADA@EXAMPLE.COM", "aDa@Example.Com"] * 2
    answers = await asyncio.gather(
        *(program("POST", "/auth/register", {"email": each, "password": PASSWORD}) for each in spellings)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_logging_in_gives_a_new_session_each_time(anyone: Caller) -> None:
    registered = await register(anyone)
    tokens = {anyone.http.cookies["tollkeeper_session"]}
    for _ in range(2):
        answer = await anyone("POST", "/auth/login", {"email": "ADA@example.com", "password": PASSWORD, "otp": "1"})
        assert answer.status_code == 200
        assert answer.json()["user"] == registered["user"]
        assert answer.json()["organization"] == registered["organization"]
        tokens.add(anyone.http.cookies["tollkeeper_session"])
    assert len(tokens) == 3


async def test_a_failed_login_does_not_tell_whether_the_address_is_known(program: Caller, runtime: Runtime) -> None:
    await register(program)
    async with runtime.transaction() as tx:  # somebody who logs in another way
        await register_user(tx, email="grace@example.com", password_hash=None, name="Grace")
    answers = [
        await program("POST", "/auth/login", {"email": email, "password": "wrong"})
        for email in ("ada@example.com", "nobody@example.com", "grace@example.com", "no address")
    ]
    assert {problem(answer) for answer in answers} == {(401, "invalid_credentials")}
    assert len({answer.content for answer in answers}) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)


async def test_a_log_in_asks_the_database_as_often_as_it_is_said_and_for_nobody_as_for_somebody(
    program: Caller, runtime: Runtime
) -> None:
    await register(program)
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    counts = []
    event.listen(runtime.database.engine.sync_engine, "before_cursor_execute", note)
    for email, password in (
        ("ada@example.com", PASSWORD),
        ("ada@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
    ):
        asked.clear()
        await program("POST", "/auth/login", {"email": email, "password": password})
        counts.append(len(asked))
    # One is how this small application finds out who calls, three come before the hash. Whoever asks for more at every
    # log-in changes these numbers, and sees it.
    assert counts == [12, 7, 7]


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(program: Caller) -> None:
    await register(program)
    seconds: dict[str, list[float]] = {"ada@example.com": [], "nobody@example.com": []}
    for _ in range(9):
        for email, taken in seconds.items():
            started = time.perf_counter()
            await program("POST", "/auth/login", {"email": email, "password": "wrong"})
            taken.append(time.perf_counter() - started)
    known, unknown = (min(taken) for taken in seconds.values())
    # A hash is most of either; without one, the unknown address would be answered many times faster.
    assert 0.6 < unknown / known < 1.6


async def test_many_logins_at_once_leave_the_event_loop_free(program: Caller) -> None:
    await register(program)
    gaps: list[float] = []

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticker = asyncio.create_task(tick())
    started = time.perf_counter()
    answers = await asyncio.gather(
        *(program("POST", "/auth/login", {"email": "ada@example.com", "password": PASSWORD}) for _ in range(64))
    )
    took = time.perf_counter() - started
    ticker.cancel()
    assert {answer.status_code for answer in answers} == {200}
    # 64 hashes on the loop would leave no tick between them: each gap would be a hash long. A pause of the machine or
    # of the collector of garbage is one gap, and not what is asked.
    assert sorted(gaps)[len(gaps) * 9 // 10] < took / 64, (sorted(gaps)[-10:], took)
    assert len(gaps) > 20


async def test_too_many_waiting_for_a_hash_are_told_so(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollkeeper.identity.passwords.MAX_WAITING", 2)
    outcomes = await asyncio.gather(*(hasher.hash("x" * 8) for _ in range(3)), return_exceptions=True)
    busy = [each for each in outcomes if isinstance(each, Exception)]
    assert [each.code for each in busy if hasattr(each, "code")] == ["login_busy"]
    assert len({each for each in outcomes if isinstance(each, str)}) == 2


async def test_a_hash_of_a_kind_unknown_fits_nothing(hasher: PasswordHasher) -> None:
    assert await hasher.verify(PASSWORD, await hasher.hash(PASSWORD))
    assert not await hasher.verify(PASSWORD, "plain text")
    assert not await hasher.verify(PASSWORD, None)


async def test_refreshing_answers_like_logging_in_and_spends_the_token(program: Caller, clock: FixedClock) -> None:
    first = await register(program)
    clock.advance(timedelta(hours=1))
    answer = await program("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert answer.status_code == 200
    second = answer.json()
    assert (second["user"], second["organization"]) == (first["user"], first["organization"])
    assert (await Caller(program.http, second["access_token"])("GET", "/auth/me")).status_code == 200


async def test_a_spent_refresh_token_ends_the_login_although_it_is_refused(anyone: Caller) -> None:
    first = await register(anyone)
    second = (await anyone("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})).json()
    reused = await anyone("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert problem(reused) == (401, "refresh_token_reused")
    after = await anyone("POST", "/auth/refresh", {"refresh_token": second["refresh_token"]})
    assert problem(after) == (401, "invalid_refresh_token")
    assert problem(await anyone("GET", "/auth/me")) == (401, "unauthenticated")  # the browser's session, too


async def test_of_two_refreshes_at_once_one_wins_and_the_other_is_taken_for_theft(program: Caller) -> None:
    first = await register(program)
    answers = await asyncio.gather(
        *(program("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]}) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401]


async def test_somebody_no_longer_a_member_cannot_refresh_or_log_in(program: Caller, runtime: Runtime) -> None:
    first = await register(program)
    async with runtime.transaction() as tx:
        await (await tx.raw()).execute("delete from members")
    answer = await program("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert problem(answer) == (401, "invalid_refresh_token")
    login = await program("POST", "/auth/login", {"email": "ada@example.com", "password": PASSWORD})
    assert problem(login) == (403, "no_organization")


async def test_logging_out_of_the_browser(anyone: Caller) -> None:
    tokens = await register(anyone)
    answer = await anyone("POST", "/auth/logout")
    assert answer.status_code == 204
    assert 'tollkeeper_session=""' in answer.headers["set-cookie"]
    assert problem(await anyone("GET", "/auth/me")) == (401, "unauthenticated")
    refreshed = await anyone("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    assert problem(refreshed) == (401, "invalid_refresh_token")


@pytest.mark.parametrize("proof", ["access_token", "refresh_token"])
async def test_logging_a_program_out(program: Caller, proof: str) -> None:
    tokens = await register(program)
    if proof == "access_token":
        answer = await Caller(program.http, tokens["access_token"])("POST", "/auth/logout")
    else:
        answer = await program("POST", "/auth/logout", {"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 204
    refreshed = await program("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    assert problem(refreshed) == (401, "invalid_refresh_token")


async def test_who_is_not_logged_in_cannot_log_out(program: Caller, operator: Caller) -> None:
    assert problem(await program("POST", "/auth/logout")) == (401, "unauthenticated")
    assert problem(await operator("POST", "/auth/logout")) == (403, "person_needed")


async def test_the_profile_is_read_and_changed(ada: Caller) -> None:
    before = (await ada("GET", "/profile")).json()
    assert (before["name"], before["time_zone"]) == ("ada", "UTC")
    changed = await ada("PATCH", "/profile", {"name": "  Ada   Lovelace ", "time_zone": "Europe/London"})
    assert changed.json() == {**before, "name": "Ada Lovelace", "time_zone": "Europe/London"}
    assert (await ada("PATCH", "/profile", {})).json() == changed.json()
    assert (await ada("GET", "/profile")).json() == changed.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t"}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": None}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"time_zone": None}, "time_zone"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"email": "eve@example.com"}, "email"),
    ],
)
async def test_a_bad_profile_changes_nothing(ada: Caller, body: dict[str, Any], field: str) -> None:
    before = (await ada("GET", "/profile")).json()
    answer = await ada("PATCH", "/profile", body)
    assert problem(answer) == (422, "invalid_input")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await ada("GET", "/profile")).json() == before


async def test_the_profile_is_about_a_person(program: Caller, operator: Caller) -> None:
    for method in ("GET", "PATCH"):
        assert problem(await program(method, "/profile", {})) == (401, "unauthenticated")
        assert problem(await operator(method, "/profile", {})) == (403, "person_needed")
    me = (await operator("GET", "/auth/me")).json()
    assert (me["kind"], me["user"], me["organization"], me["role"]) == ("operator_key", None, None, None)
    assert "keys:verify" in me["permissions"]
