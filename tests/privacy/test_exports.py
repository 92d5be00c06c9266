"""Everything that is held of a person, as a file for them alone."""

import json
import zipfile
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from tollkeeper.identity.exports.rules import write_zip
from tollkeeper.infra import Runtime, metadata, run_job
from tollkeeper.kit import FixedClock
from tollkeeper.wiring import every_job
from tollkeeper.wiring.privacy import HELD, NOTHING_OF_PEOPLE, inventory_page

from .conftest import PASSWORD, Join, Person, WorkOff, mails


def opened(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in files.items()}


async def fetched(person: Person, work_off: WorkOff) -> dict[str, Any]:
    asked = (await person("POST", "/profile/exports")).json()
    await work_off()
    answer = await person("GET", f"/profile/exports/{asked['id']}/content")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    return opened(answer.content)


async def test_an_export_holds_everything_of_one_person_and_no_proof(join: Join, work_off: WorkOff) -> None:
    ada, eve = await join("Ada", **{"User-Agent": "Netscape/4"}), await join("Eve")
    await ada("PATCH", "/profile/settings", {"theme": "dark"})
    secret = (await ada("POST", "/keys", {"name": "laptop"})).json()["secret"]
    await ada("POST", "/usage/track", {"feature": "prompts", "count": 3})
    files = await fetched(ada, work_off)
    assert files["users.json"]["rows"][0]["email"] == "ada@example.com"
    assert files["user_preferences.json"]["rows"][0]["theme"] == "dark"
    assert files["sessions.json"]["rows"][0]["user_agent"] == "Netscape/4"
    assert files["members.json"]["rows"][0]["role"] == "owner"
    assert files["api_keys.json"]["rows"][0]["name"] == "laptop"
    assert [(each["meter"], each["quantity"], each["events"]) for each in files["usage.json"]["rows"]] == [
        ("prompts", 3, 1)
    ]
    assert "key.created" in {each["action"] for each in files["audit_trail.json"]["rows"]}
    whole = json.dumps({name: content for name, content in files.items() if name.endswith(".json")})
    for hidden in (secret, PASSWORD, "argon2", "_digest", str(eve.user_id), "eve@example.com"):
        assert hidden not in whole, hidden


async def test_while_an_export_is_made_there_is_no_second_and_then_only_the_newest(
    join: Join, work_off: WorkOff, runtime: Runtime
) -> None:
    ada = await join("Ada")
    first, again = [(await ada("POST", "/profile/exports")).json() for _ in range(2)]
    assert first == again
    assert (first["status"], first["ready_at"]) == ("pending", None)
    early = await ada("GET", f"/profile/exports/{first['id']}/content")
    assert (early.status_code, early.json()["code"]) == (409, "export_not_ready")
    await work_off()
    listed = (await ada("GET", "/profile/exports")).json()["data"]
    assert [(each["id"], each["status"]) for each in listed] == [(first["id"], "ready")]
    told = [each["to"] for each in await mails(runtime) if each["template"] == "export_ready"]
    assert told == ["ada@example.com"]
    second = (await ada("POST", "/profile/exports")).json()
    assert second["id"] != first["id"]
    assert (await ada("GET", f"/profile/exports/{first['id']}/content")).status_code == 404


async def test_an_export_is_nobody_elses_and_ends(
    join: Join, work_off: WorkOff, clock: FixedClock, runtime: Runtime
) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    asked = (await ada("POST", "/profile/exports")).json()
    await work_off()
    path = f"/profile/exports/{asked['id']}/content"
    assert (await eve("GET", path)).json()["code"] == "export_not_found"
    assert (await ada("GET", "/profile/exports/me/content")).status_code == 404
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    login = {"email": "ada@example.com", "password": PASSWORD}
    token = (await ada("POST", "/auth/login", login)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    ada.client.cookies.clear()
    assert (await ada("GET", path, headers=bearer)).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert (await ada("GET", path, headers=bearer)).status_code == 404
    assert (await ada("GET", "/profile/exports", headers=bearer)).json()["data"] == []
    forget = next(each for each in every_job() if each.name == "identity.forget_exports")
    await run_job(runtime, forget)
    async with runtime.transaction() as tx:
        assert (await tx.connection.execute(metadata.tables["data_exports"].select())).first() is None


async def test_an_old_login_has_to_prove_itself_first(join: Join, clock: FixedClock) -> None:
    ada = await join("Ada")
    clock.advance(timedelta(minutes=11))
    for path in ("/profile/exports", "/profile/deletion"):
        answer = await ada("POST", path)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    assert (await ada("GET", "/profile/exports")).json()["data"] == []
    assert (await ada("GET", "/profile/deletion")).json() == {"requested_at": None, "due_at": None}


def test_the_same_things_make_the_same_file(clock: FixedClock) -> None:
    files: dict[str, object] = {"a.json": {"b": clock.now()}, "c.webp": b"123"}
    assert write_zip(files, site="Shop", now=clock.now()) == write_zip(files, site="Shop", now=clock.now())
    assert opened(write_zip(files, site="Shop", now=clock.now()))["c.webp"] == b"123"
    with pytest.raises(TypeError):
        write_zip({"a.json": object()}, site="Shop", now=clock.now())


def test_every_table_is_thought_of_once() -> None:
    tables, held = set(metadata.tables), [each.table for each in HELD]
    assert len(held) == len(set(held))
    assert set(held) & NOTHING_OF_PEOPLE == set()
    assert tables - set(held) - NOTHING_OF_PEOPLE == set(), (
        "say in wiring/privacy/inventory.py what these hold of people"
    )
    assert (set(held) | NOTHING_OF_PEOPLE) - tables == set(), "these are gone"


def test_the_inventory_names_columns_that_exist() -> None:
    for held in HELD:
        columns = set(metadata.tables[held.table].c.keys())
        named = {*held.hidden, *held.keeps, *([held.person] if held.person else [])}
        assert named <= columns, held.table


def test_whatever_points_at_a_person_says_so() -> None:
    people = {each.table: each.person for each in HELD}
    for table in metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table.name == "users":
                assert people.get(table.name) == key.parent.name, f"{table.name}.{key.parent.name}"


def test_the_inventory_is_a_page() -> None:
    page = inventory_page()
    assert all(f"## {each.table}\n" in page for each in HELD)
    assert "password_hash" in page
