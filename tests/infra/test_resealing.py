"""Secrets at rest under keys that are rolled."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import Text, text

import tollkeeper
from tollkeeper.infra import (
    Runtime,
    Seal,
    Tx,
    count_by_key,
    key_name,
    metadata,
    reseal,
    sealed_columns,
    sealed_for,
    sealed_under,
)
from tollkeeper.kit import new_id

OLD, NEW, JWT = "o" * 64, "n" * 64, "a" * 64
PERSON = new_id()


def with_keys(runtime: Runtime, *keys: str) -> Runtime:
    runtime.settings = runtime.settings.model_copy(update={"encryption_keys": [SecretStr(key) for key in keys]})
    return runtime


async def put(tx: Tx, user_id: UUID, sealed: str) -> None:
    await tx.connection.execute(
        text("insert into users (id, email, name, time_zone, created_at) values (:id, :email, '', 'UTC', now())"),
        {"id": user_id, "email": f"{user_id}@example.com"},
    )
    await tx.connection.execute(
        text("insert into totp_secrets (user_id, sealed, created_at) values (:id, :sealed, now())"),
        {"id": user_id, "sealed": sealed},
    )


async def resting(runtime: Runtime, user_id: UUID = PERSON) -> str:
    async with runtime.transaction() as tx:
        found = await tx.connection.execute(
            text("select sealed from totp_secrets where user_id = :id"), {"id": user_id}
        )
        return str(found.scalar_one())


TOTP = next(column for column in sealed_columns() if column.table.name == "totp_secrets")


def test_the_first_key_encrypts_and_all_open() -> None:
    before = Seal(OLD, "totp").close(b"secret")
    rolled = Seal(NEW, "totp", older=[OLD])
    assert rolled.open(before) == b"secret"
    fresh = rolled.close(b"secret")
    assert (sealed_under(before), sealed_under(fresh)) == (key_name(OLD), key_name(NEW))
    assert Seal(OLD, "totp").open(fresh) is None
    assert Seal(NEW, "totp").open(before) is None
    renewed = rolled.renew(before)
    assert renewed is not None
    assert Seal(NEW, "totp").open(renewed) == b"secret"
    assert rolled.renew(renewed) == renewed
    assert Seal(NEW, "totp").renew(before) is None
    assert key_name(OLD) not in OLD


def test_the_key_a_text_names_is_no_way_in() -> None:
    """The name only says which key to try: sealed under it is what that key opens."""
    seal = Seal(NEW, "totp", older=[OLD])
    head, *rest = Seal(OLD, "totp").close(b"secret").split(".")
    other = Seal(NEW, "totp").close(b"else").split(".")[0]
    assert seal.open(".".join([other, *rest])) is None
    for name in ("", "e30", "bm90IGpzb24", "ä"):
        assert sealed_under(f"{name}.a.b") is None
    assert sealed_under(head) == key_name(OLD)


async def test_rolling_a_key(runtime: Runtime) -> None:
    with_keys(runtime, OLD)
    async with runtime.transaction() as tx:
        await put(tx, PERSON, runtime.seal(f"totp {PERSON}").close(b"secret"))
    with_keys(runtime, NEW, OLD)
    async with runtime.transaction() as tx:
        assert (await count_by_key(tx))["totp_secrets.sealed"] == {key_name(OLD): 1}
    done = await reseal(runtime, TOTP)
    assert (done.renewed, done.lost) == (1, 0)
    assert (await reseal(runtime, TOTP)).renewed == 0, "what is under the newest key is left alone"
    async with runtime.transaction() as tx:
        counts = await count_by_key(tx)
    assert counts["totp_secrets.sealed"] == {key_name(NEW): 1}
    with_keys(runtime, NEW)
    assert runtime.seal(f"totp {PERSON}").open(await resting(runtime)) == b"secret"


async def test_what_was_sealed_before_there_were_keys_opens_and_is_taken_along(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        await put(tx, PERSON, Seal(JWT, f"totp {PERSON}").close(b"secret"))
    with_keys(runtime, NEW)
    assert runtime.seal(f"totp {PERSON}").open(await resting(runtime)) == b"secret"
    assert (await reseal(runtime, TOTP)).renewed == 1
    assert Seal(NEW, f"totp {PERSON}").open(await resting(runtime)) == b"secret"


async def test_what_no_key_opens_is_told_and_left_as_it_is(runtime: Runtime) -> None:
    lost = Seal("x" * 64, f"totp {PERSON}").close(b"secret")
    async with runtime.transaction() as tx:
        await put(tx, PERSON, lost)
    done = await reseal(with_keys(runtime, NEW), TOTP)
    assert (done.renewed, done.lost) == (0, 1)
    assert await resting(runtime) == lost


async def test_many_are_gone_through_piece_by_piece(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollkeeper.infra.resealing.service.AT_ONCE", 3)
    people = [new_id() for _ in range(7)]
    async with runtime.transaction() as tx:
        for person in people:
            await put(tx, person, Seal(OLD, f"totp {person}").close(b"secret"))
    done = await reseal(with_keys(runtime, NEW, OLD), TOTP)
    assert (done.renewed, done.lost) == (7, 0)
    assert {sealed_under(await resting(runtime, person)) for person in people} == {key_name(NEW)}


async def test_jobs_that_wait_say_which_key_they_need(runtime: Runtime) -> None:
    sealed = Seal(OLD, "mail").close(b"secret")
    async with runtime.transaction() as tx:
        await tx.connection.execute(
            text(
                "insert into procrastinate_jobs (queue_name, task_name, args, status)"
                " values ('default', 'x', jsonb_build_object('mail', cast(:mail as text)), 'todo')"
            ),
            {"mail": sealed},
        )
    async with runtime.transaction() as tx:
        assert (await count_by_key(tx))["waiting jobs"] == {key_name(OLD): 1}


def test_every_column_that_says_so_can_be_sealed_anew() -> None:
    said = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if {"sealed", "encrypted"} & set((column.comment or "").replace(",", " ").replace(";", " ").split())
        and not table.name.startswith("audit_")
    }
    assert said == {str(column) for column in sealed_columns()}, (
        f"give the column info=sealed_for(<its purpose>), as {sealed_for('totp {user_id}')}"
    )


# Whoever seals something, and where it then rests. What travels ends by itself, within days: a job, a mail, a browser.
WHERE = {
    "identity/factors/codes.py": "totp_secrets.sealed",
    "orgs/sign_on/service.py": "sso_connections.client_secret",
    "infra/idempotency/service.py": "idempotency_keys.answer",
    "identity/factors/passkeys.py": "travels",
    "identity/elsewhere/service.py": "travels",
    "identity/mailed/jobs.py": "travels",
    "notify/jobs.py": "travels",
    "orgs/jobs.py": "travels",
    "orgs/http/second_step.py": "travels",
    "web/portal/kept.py": "travels",
    "web/ui/toasts.py": "travels",
}


def test_whoever_seals_something_says_where_it_rests() -> None:
    source = Path(tollkeeper.__file__).parent
    sealing = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if re.search(r"\b(runtime|_runtime)\.seal\(", path.read_text(encoding="utf-8"))
    }
    assert sealing - {"infra/resealing/service.py"} == set(WHERE)
    assert set(WHERE.values()) - {"travels"} == {str(column) for column in sealed_columns()}


def test_no_column_by_name_holds_a_secret_unsealed() -> None:
    named = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if re.search("secret|sealed|password|private|token$", column.name) and isinstance(column.type, Text)
    }
    open_on_purpose = {"users.password_hash", "organization_domains.token"}  # a slow hash; what stands in the DNS
    assert named - open_on_purpose <= {str(column) for column in sealed_columns()}
