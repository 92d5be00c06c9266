"""The trail as members, operators and the people in it see it."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from support import client_of
from tollkeeper import identity
from tollkeeper.infra import Runtime
from tollkeeper.kit import Permission

from .callers import PASSWORD

Json = dict[str, Any]


@dataclass
class Person:
    http: httpx.AsyncClient
    organization_id: str
    user_id: str

    async def get(self, path: str, **params: str) -> Any:
        answer = await self.http.get(f"/api{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def key(self, name: str, **more: Any) -> Json:
        answer = await self.http.post("/api/keys", json={"name": name, **more})
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made


async def registered(application: httpx.ASGITransport, name: str) -> Person:
    http = client_of(application, None)
    wish = {"email": f"{name}@example.com", "password": PASSWORD, "name": name.title()}
    answer = await http.post("/api/auth/register", json=wish, headers={"User-Agent": "Firefox"})
    assert answer.status_code == 201, answer.text
    http.cookies.clear()
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return Person(http, answer.json()["organization"]["id"], answer.json()["user"]["id"])


@pytest.fixture
async def ada(application: httpx.ASGITransport) -> AsyncIterator[Person]:
    person = await registered(application, "ada")
    yield person
    await person.http.aclose()


@pytest.fixture
async def eve(application: httpx.ASGITransport) -> AsyncIterator[Person]:
    person = await registered(application, "eve")
    yield person
    await person.http.aclose()


@pytest.fixture
async def operator(runtime: Runtime, application: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    async with runtime.transaction() as tx:
        _, secret = await identity.create_key(
            tx, organization_id=None, created_by=None, name="op", kind=identity.KeyKind.OPERATOR
        )
    http = client_of(application, secret)
    yield http
    await http.aclose()


def actions(answer: Json) -> list[str]:
    return [each["action"] for each in answer["data"]]


async def test_a_member_finds_what_was_done_in_their_organization(ada: Person, eve: Person) -> None:
    key = await ada.key("laptop")
    await eve.key("hers")
    found = await ada.get("/audit")
    assert actions(found) == ["key.created", "login.opened", "organization.created"]
    assert {each["organization_id"] for each in found["data"]} == {ada.organization_id}
    newest, login, _ = found["data"]
    assert (newest["target_kind"], newest["target_id"]) == ("key", key["id"])
    assert (newest["user_id"], newest["email"], newest["actor_kind"]) == (ada.user_id, "ada@example.com", "token")
    assert (newest["via"], newest["after"]["name"]) == ("POST /api/keys", "laptop")
    assert (login["ip"], login["user_agent"], login["actor_kind"]) == ("127.0.0.1", "Firefox", "nobody")
    assert key["secret"] not in json.dumps(found)


async def test_searching(ada: Person) -> None:
    keys = [await ada.key(f"key {number}") for number in range(3)]
    await ada.http.delete(f"/api/keys/{keys[0]['id']}", headers={"X-Request-Id": "the-end"})
    assert actions(await ada.get("/audit", action="key.")) == ["key.revoked", *["key.created"] * 3]
    assert actions(await ada.get("/audit", action="key.revoked")) == ["key.revoked"]
    assert actions(await ada.get("/audit", request_id="the-end")) == ["key.revoked"]
    assert actions(await ada.get("/audit", target_kind="key", target_id=keys[1]["id"])) == ["key.created"]
    assert len(actions(await ada.get("/audit", actor=ada.user_id, action="key."))) == 4
    assert actions(await ada.get("/audit", to="2020-01-01T00:00:00Z")) == []
    first = await ada.get("/audit", action="key.", limit="3")
    rest = await ada.get("/audit", action="key.", limit="3", cursor=first["next_cursor"])
    assert len({each["id"] for each in (*first["data"], *rest["data"])}) == 4
    assert rest["next_cursor"] is None


async def test_an_operator_sees_everything_or_one_customer(
    operator: httpx.AsyncClient, ada: Person, eve: Person
) -> None:
    everything = (await operator.get("/api/audit", params={"action": "organization.created"})).json()
    assert [each["organization_id"] for each in everything["data"]] == [eve.organization_id, ada.organization_id]
    params = {"customer": ada.organization_id, "action": "organization.created"}
    one = (await operator.get("/api/audit", params=params)).json()
    assert [each["organization_id"] for each in one["data"]] == [ada.organization_id]


async def test_a_key_needs_the_permission(ada: Person, application: httpx.ASGITransport) -> None:
    async def status(*scopes: Permission) -> int:
        key = await ada.key("reader", scopes=[str(each) for each in scopes])
        async with client_of(application, key["secret"]) as http:
            return (await http.get("/api/audit")).status_code

    assert (await status(Permission.AUDIT_READ), await status(Permission.USAGE_READ)) == (200, 403)


async def test_the_trail_as_a_file(ada: Person) -> None:
    await ada.key("=1+1")
    ada.http.headers["User-Agent"] = "=cmd()"
    await ada.key("second")
    answer = await ada.http.get("/api/audit/export", params={"action": "key."})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == ["key.created", "key.created"]
    assert rows[0]["user_agent"] == "'=cmd()", "no spreadsheet runs it"
    assert json.loads(rows[1]["after"])["name"] == "=1+1"
    answer = await ada.http.get("/api/audit/export", params={"format": "jsonl"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["action"] == "trail.exported", "of the file before, and of this one"
    assert lines == [each | {"at": each["at"].replace("Z", "+00:00")} for each in (await ada.get("/audit"))["data"]]
    assert {"id", "email", "before", "erased"} <= set(lines[0])


async def test_an_export_has_every_record_once(ada: Person, runtime: Runtime) -> None:
    for number in range(120):
        async with runtime.transaction() as tx:
            for part in range(10):
                target = ("thing", f"{number}-{part}")
                await tx.record("thing.made", target=target, organization_id=UUID(ada.organization_id))
    answer = await ada.http.get("/api/audit/export", params={"action": "thing.made", "format": "jsonl"})
    assert len({json.loads(line)["target_id"] for line in answer.text.splitlines()}) == 1200


async def test_the_own_activity_is_what_one_did_and_what_was_done_to_one(ada: Person, eve: Person) -> None:
    await eve.key("hers")
    wrong = {"email": "ada@example.com", "password": "not the password"}
    assert (await eve.http.post("/api/auth/login", json=wrong)).status_code == 401
    assert (await ada.http.patch("/api/profile", json={"name": "Ada L."})).status_code == 200
    found = await ada.get("/profile/activity")
    assert actions(found) == ["user.changed", "login.failed", "login.opened", "organization.created", "user.registered"]
    assert found["data"][0]["before"] == {"name": "Ada"}
    assert found["data"][0]["after"] == {"name": "Ada L."}
    assert actions(await ada.get("/profile/activity", action="login.")) == ["login.failed", "login.opened"]
    page = await ada.get("/profile/activity", limit="2")
    assert actions(await ada.get("/profile/activity", cursor=page["next_cursor"])) == actions(found)[2:]
