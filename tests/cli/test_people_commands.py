"""Operator keys and personal data, from the command line."""

import asyncio
import zipfile
from pathlib import Path

import psycopg
import pytest

from tollkeeper.identity import register_user
from tollkeeper.infra import Runtime

from .test_commands import tollkeeper


@pytest.fixture
async def somebody(runtime: Runtime) -> str:
    async with runtime.transaction() as tx:
        await register_user(tx, email="grace@example.com", password_hash=None, name="Grace")
    return "grace@example.com"


def test_operator_keys_are_listed_rotated_and_revoked(clean_database: str) -> None:
    where = {"DATABASE_URL": clean_database}
    made = tollkeeper("keys", "create-operator", "--name", "ci", "--network", "192.0.2.0/24", **where)[1].strip()
    code, out, said = tollkeeper("keys", "list", **where)
    assert code == 0, said
    key_id = out.split()[0]
    assert (made[-4:] in out, "ci" in out, "active" in out, "never used" in out) == (True, True, True, True)
    assert made not in out
    code, secret, said = tollkeeper("keys", "rotate", key_id, "--grace-seconds", "60", **where)
    assert code == 0, said
    assert secret.strip() != made
    assert tollkeeper("keys", "revoke", key_id, **where)[0] == 0
    assert "There are none" in tollkeeper("keys", "list", **where)[1]
    out = tollkeeper("keys", "list", "--all", **where)[1]
    assert (secret.strip()[-4:] in out, "revoked" in out) == (True, True)
    code, _, said = tollkeeper("keys", "create-operator", "--network", "nowhere", **where)
    assert (code, "nowhere" in said) == (1, True)
    with psycopg.connect(clean_database) as connection:
        assert connection.execute("select networks from api_keys").fetchall() == [(["192.0.2.0/24"],)]


async def test_somebody_is_handed_their_data_deleted_and_looked_for(
    somebody: str, clean_database: str, tmp_path: Path
) -> None:
    async def run(*arguments: str | Path) -> tuple[int, str, str]:
        return await asyncio.to_thread(tollkeeper, *arguments, DATABASE_URL=clean_database)

    code, _, said = await run("privacy", "export", "Grace@Example.com", tmp_path / "grace.zip")
    assert code == 0, said
    with zipfile.ZipFile(tmp_path / "grace.zip") as archive:
        assert b"grace@example.com" in archive.read("users.json")
    code, out, _ = await run("privacy", "check", "--text", somebody)
    assert (code, "users.email: 1" in out) == (3, True)
    code, out, said = await run("privacy", "delete", somebody, "--yes")
    assert (code, out.startswith("Deleted.")) == (0, True), said
    code, _, said = await run("privacy", "delete", somebody, "--yes")
    assert (code, "Nobody has this e-mail address" in said) == (1, True)
    with psycopg.connect(clean_database, autocommit=True) as connection:
        left = "insert into organizations (id, name, created_at) values (gen_random_uuid(), %s, now())"
        connection.execute(left, ["ask GRACE@example.com"])
    code, out, _ = await run("privacy", "check")
    assert (code, "organizations.name" in out) == (3, True)
