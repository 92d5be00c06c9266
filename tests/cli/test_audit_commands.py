"""The trail verified, and staff made, from the command line."""

import psycopg

from support import Customer
from tollkeeper.infra import Runtime, Sought, search_trail

from .test_commands import tollkeeper


async def test_the_trail_is_verified(ada: Customer, clean_database: str) -> None:
    where = {"DATABASE_URL": clean_database}
    code, out, said = tollkeeper("audit", "head", **where)
    assert code == 0, said
    head = out.strip()
    assert int(head.split(":")[0]) > 0
    code, out, _ = tollkeeper("audit", "verify", "--head", head, **where)
    assert code == 0
    assert "none touched." in out
    assert f"The chain ends with {head}" in out
    code, out, _ = tollkeeper("audit", "verify", "--head", f"9{head}", **where)
    assert code == 3
    assert "the chain does not hold the end that was noted" in out
    with psycopg.connect(clean_database, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update audit_trail set action = 'nothing' where target_id = %s", [str(ada.key.id)])
    code, out, _ = tollkeeper("audit", "verify", **where)
    assert code == 3
    assert "the record or its seal was changed" in out
    assert "1 touched." in out
    code, _, said = tollkeeper("audit", "verify", "--head", "nonsense", **where)
    assert code == 1
    assert "no end of the chain" in said


async def test_staff_is_made_and_unmade(runtime: Runtime, clean_database: str) -> None:
    where = {"DATABASE_URL": clean_database}
    code, _, said = tollkeeper("staff", "add", "sam@example.com", **where)
    assert (code, "There is no such person" in said) == (1, True)
    with psycopg.connect(clean_database, autocommit=True) as connection:
        connection.execute(
            "insert into users (id, email, name, time_zone, created_at) "
            "values (gen_random_uuid(), 'sam@example.com', 'Sam', 'UTC', now())"
        )
    assert tollkeeper("staff", "add", "Sam@Example.com", "--role", "admin", **where)[0] == 0
    assert tollkeeper("staff", "list", **where)[1] == "sam@example.com  admin  Sam\n"
    assert tollkeeper("staff", "remove", "sam@example.com", **where)[0] == 0
    assert "Nobody is staff." in tollkeeper("staff", "list", **where)[2]
    async with runtime.transaction() as tx:
        removed, added = (await search_trail(tx, Sought(action="staff."))).data
    assert (added.origin.kind, added.origin.via, added.after) == ("system", "command staff add", {"role": "admin"})
    assert (removed.action, removed.after) == ("staff.removed", {"role": None})
