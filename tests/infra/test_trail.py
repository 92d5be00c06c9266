"""The trail: what is written down, that it is sealed, and that whoever touches it is found."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import ProgrammingError
from structlog.testing import capture_logs

from tollkeeper.infra import (
    SYSTEM,
    Head,
    Origin,
    Record,
    Runtime,
    Sought,
    Tx,
    Verified,
    acting,
    erase_from_trail,
    job,
    run_job,
    seal_trail,
    seal_what_was_recorded,
    search_trail,
    verify_trail,
)
from tollkeeper.kit import Role, new_id

PERSON, ORGANIZATION = new_id(), new_id()
BROWSER = Origin("session", PERSON, new_id(), None, "POST /api/things/{id}", "192.0.2.7", "Firefox", "abc-1")


async def record(runtime: Runtime, action: str = "thing.made", *, origin: Origin = BROWSER, **values: Any) -> UUID:
    with acting(lambda: origin):
        async with runtime.transaction() as tx:
            return await tx.record(action, target=("thing", "7"), organization_id=ORGANIZATION, **values)


async def seal(runtime: Runtime) -> Head:
    async with runtime.transaction() as tx:
        return await seal_trail(tx)


async def verify(runtime: Runtime, noted: Head | None = None) -> Verified:
    async with runtime.transaction() as tx:
        return await verify_trail(tx, noted=noted)


async def look(runtime: Runtime, **sought: Any) -> list[Record]:
    async with runtime.transaction() as tx:
        return list((await search_trail(tx, Sought(**sought))).data)


@asynccontextmanager
async def intruder(runtime: Runtime) -> AsyncIterator[psycopg.AsyncConnection]:
    """Somebody with every right in the database, who switches off what stands in the way."""
    async with await psycopg.AsyncConnection.connect(runtime.database.url, autocommit=True) as connection:
        await connection.execute("set session_replication_role = replica")
        yield connection


async def test_what_is_done_is_written_down_with_who_and_where(runtime: Runtime) -> None:
    made = await record(runtime, before={"name": "old"}, after={"name": "new", "role": Role.OWNER, "price": Decimal(3)})
    (found,) = await look(runtime)
    assert (found.id, found.action, found.organization_id) == (made, "thing.made", ORGANIZATION)
    assert found.origin == BROWSER
    assert (found.target_kind, found.target_id, found.at) == ("thing", "7", runtime.clock.now())
    assert (found.before, found.after) == ({"name": "old"}, {"name": "new", "role": "owner", "price": "3"})


async def test_what_is_undone_leaves_no_record(runtime: Runtime) -> None:
    async def fail(tx: Tx) -> None:
        await tx.record("thing.made", target=("thing", 1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with runtime.transaction() as tx:
            await fail(tx)
    assert await look(runtime) == []


async def test_no_secret_is_written_down(runtime: Runtime) -> None:
    secrets = {
        "password": "hunter2",
        "otp_secret": "JBSW",
        "text": "the key is tk_live_0123456789abcdef",
        "nested": {"refresh_token": "x", "list": ["whsec_123456"]},
        "has_password": True,
        "zero": "\x00",
    }
    await record(runtime, after=secrets)
    (found,) = await look(runtime)
    assert found.after == {
        "password": "[redacted]",
        "otp_secret": "[redacted]",
        "text": "the key is [redacted]",
        "nested": {"refresh_token": "[redacted]", "list": ["[redacted]"]},
        "has_password": True,
        "zero": "",
    }
    with pytest.raises(TypeError, match="cannot hold a object"):
        await record(runtime, after={"what": object()})


async def test_jobs_say_which_they_are(runtime: Runtime) -> None:
    @job("tests.work")
    async def work(tx: Tx) -> None:
        await tx.record("thing.made", target=("thing", 1))

    await run_job(runtime, work)
    (found,) = await look(runtime)
    assert found.origin == replace(SYSTEM, via="job tests.work")


async def test_looking_for_records(runtime: Runtime) -> None:
    staff = new_id()
    ids = [
        await record(runtime, "key.created"),
        await record(runtime, "key.revoked", origin=replace(BROWSER, impersonator_id=staff)),
        await record(runtime, "keys.all", origin=SYSTEM),
        await record(runtime, "login.failed", origin=replace(SYSTEM, request_id="r-9")),
    ]
    async with runtime.transaction() as tx:
        ids.append(await tx.record("user.changed", target=("user", PERSON)))

    async def places(**sought: Any) -> list[int]:
        return [ids.index(each.id) for each in await look(runtime, **sought)]

    assert await places() == [4, 3, 2, 1, 0]
    assert await places(organization_id=ORGANIZATION) == [3, 2, 1, 0]
    assert await places(action="key.") == [1, 0]
    assert await places(action="key.revoked") == [1]
    assert await places(person=PERSON) == [4, 1, 0]
    assert await places(actor=PERSON) == [1, 0]
    assert await places(actor=BROWSER.credential_id) == [1, 0]
    assert await places(actor=staff) == [1]
    assert await places(target_kind="user", target_id=str(PERSON)) == [4]
    assert await places(request_id="r-9") == [3]
    assert await places(impersonated=True) == [1]
    assert await places(impersonated=False, actor=PERSON) == [0]
    now = runtime.clock.now()
    assert await places(since=now, until=now) == []
    assert len(await places(since=now)) == 5
    async with runtime.transaction() as tx:
        first = await search_trail(tx, Sought(), limit=3)
        rest = await search_trail(tx, Sought(), limit=3, cursor=UUID(first.next_cursor))
    assert [ids.index(each.id) for each in (*first.data, *rest.data)] == [4, 3, 2, 1, 0]
    assert rest.next_cursor is None


async def test_the_chain_holds_everything_in_order(runtime: Runtime) -> None:
    for number in range(5):
        await record(runtime, after={"number": number, "share": 1e16, "text": "é\u2028"})
    assert (await verify(runtime)).waiting == 5
    first = await seal(runtime)
    assert first.sequence == 5
    assert await seal(runtime) == first, "nothing new"
    await record(runtime)
    last = await seal(runtime)
    found = await verify(runtime, noted=first)
    assert (found.head, found.faults, found.waiting) == (last, [], 0)


async def test_what_commits_late_is_sealed_later(runtime: Runtime) -> None:
    async with runtime.transaction() as slow:
        late = await slow.record("thing.made", target=("thing", "slow"))
        await record(runtime)
        assert (await seal(runtime)).sequence == 1
    assert (await seal(runtime)).sequence == 2
    assert (await verify(runtime)).faults == []
    assert (await look(runtime, target_kind="thing", target_id="slow"))[0].id == late


async def test_two_who_seal_at_once_make_one_chain(runtime: Runtime) -> None:
    for _ in range(20):
        await record(runtime)
    await asyncio.gather(*(seal(runtime) for _ in range(3)))
    found = await verify(runtime)
    assert (found.head.sequence, found.faults) == (20, [])


@pytest.mark.parametrize("statement", ["update audit_trail set action = ''", "delete from audit_seals"])
async def test_the_database_refuses_to_change_it(runtime: Runtime, statement: str) -> None:
    await record(runtime)
    await seal(runtime)
    with pytest.raises(ProgrammingError, match=r"only ever added to|permission denied"):
        async with runtime.transaction() as tx:
            await tx.connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "update audit_trail set action = 'other' where id = %s",
            "seal 3, record {}: the record or its seal was changed",
        ),
        (
            "update audit_trail set user_id = null where id = %s",
            "seal 3, record {}: the record or its seal was changed",
        ),
        ("update audit_seals set hash = '\\x00' where record_id = %s", "seal 3, record {}: the record or its seal was"),
        ("update audit_details set ip = '::1' where record_id = %s", "seal 3, record {}: its details were changed"),
        (
            "update audit_details set before = '{{}}' where record_id = %s",
            "seal 3, record {}: its details were changed",
        ),
        ("delete from audit_details where record_id = %s", "seal 3, record {}: its details were removed"),
        ("delete from audit_trail where id = %s", "seal 3, record {}: the record was removed"),
        ("delete from audit_seals where record_id = %s", "the seals 3 to 3 were removed"),
        (
            "update audit_details set after = null, erased_by = record_id where record_id = %s",
            "seal 3, record {}: its details were emptied by nobody",
        ),
    ],
)
async def test_whoever_touches_a_record_is_found(runtime: Runtime, statement: str, told: str) -> None:
    ids = [await record(runtime, before={"a": 1}, after={"a": 2}) for _ in range(5)]
    await seal(runtime)
    async with intruder(runtime) as connection:
        await connection.execute(statement.replace("{{}}", "{}"), [ids[2]])
    faults = [str(each) for each in (await verify(runtime)).faults]
    assert faults, "nothing was noticed"
    assert told.format(ids[2]) in faults[0]


async def test_what_was_put_in_or_cut_off_is_found(runtime: Runtime) -> None:
    ids = [await record(runtime) for _ in range(3)]
    noted = await seal(runtime)
    fake = new_id()
    async with intruder(runtime) as connection:
        await connection.execute(
            "insert into audit_trail select %s, at, action, organization_id, actor_kind, user_id, credential_id, "
            "impersonator_id, target_kind, target_id, via, request_id from audit_trail limit 1",
            [fake],
        )
    (fault,) = (await verify(runtime)).faults
    assert (fault.sequence, fault.record_id) == (0, fake)
    async with intruder(runtime) as connection:
        for table, column in (("audit_seals", "record_id"), ("audit_details", "record_id"), ("audit_trail", "id")):
            query = psycopg.sql.SQL("delete from {} where {} = any(%s)")
            names = psycopg.sql.Identifier(table), psycopg.sql.Identifier(column)
            await connection.execute(query.format(*names), [[ids[2], fake]])
    assert (await verify(runtime)).faults == [], "a shorter chain is a chain"
    (fault,) = (await verify(runtime, noted=noted)).faults
    assert fault.what == "the chain does not hold the end that was noted"


async def test_a_person_is_erased_and_the_chain_holds(runtime: Runtime) -> None:
    theirs = await record(runtime, after={"name": "Ada"})
    others = await record(runtime, origin=replace(BROWSER, user_id=new_id()), after={"name": "Eve"})
    named = await record(runtime, origin=SYSTEM, after={"invited": "Ada_1@Example.com"})
    like = await record(runtime, origin=SYSTEM, after={"invited": "adax1@example.com"})
    await seal(runtime)
    unsealed = await record(runtime, after={"name": "Ada"})
    async with runtime.transaction() as tx:
        assert await erase_from_trail(tx, PERSON, "ada_1@example.com") == 4
    await seal(runtime)
    found = await verify(runtime)
    assert (found.faults, found.erased) == ([], 4)
    left = {each.id: each for each in await look(runtime)}
    for gone in (theirs, named, unsealed):
        assert (left[gone].origin.ip, left[gone].origin.user_agent, left[gone].after) == ("", "", None)
        assert left[gone].erased
    assert left[others].after == {"name": "Eve"}
    assert left[like].after == {"invited": "adax1@example.com"}
    assert not left[others].erased


async def test_the_end_of_the_chain_is_logged_when_it_grew(runtime: Runtime) -> None:
    await record(runtime)
    with capture_logs() as lines:
        await run_job(runtime, seal_what_was_recorded)
        await run_job(runtime, seal_what_was_recorded)
    async with runtime.transaction() as tx:
        head = await seal_trail(tx)
    assert [line["head"] for line in lines if line["event"] == "trail sealed"] == [str(head)]
