"""What the roles of the database may do, with no statement of ours asking for a tenant's rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors as pg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import (
    Column,
    Connection,
    Table,
    create_engine,
    insert,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from support import make_database
from tollkeeper.infra import APP_ROLE, TENANT_ROLE, Database, Direct, Tenant, metadata
from tollkeeper.kit import new_id
from tollkeeper.metering.rules import moment_of, partition_of
from tollkeeper.metering.store import foreseen
from tollkeeper.wiring import migrate, privileges
from tollkeeper.wiring.privileges import wall_of

TABLES = metadata.sorted_tables
SECURED = [table for table in TABLES if (wall := wall_of(table)) is not None and wall.sees is not None]
TELLS_A_TENANT = {"organization_id", "user_id", "customer_id", "subscription_id", "invoice_id", "key_id"}


@dataclass
class Filled:
    """A tenant, and a row of theirs in every table."""

    number: int
    tenant: Tenant = field(default_factory=lambda: Tenant(new_id(), new_id()))
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def fill(self, connection: Connection) -> None:
        for table in TABLES:
            values = {each.name: self._value(each) for each in table.columns if each.identity is None}
            row = connection.execute(insert(table).values(values).returning(*table.columns)).mappings().one()
            self.rows[table.name] = dict(row)

    def _value(self, column: Column[Any]) -> Any:
        known = {
            "organizations.id": self.tenant.organization_id,
            "users.id": self.tenant.user_id,
            "idempotency_keys.scope": f"{self.tenant.organization_id}:{self.tenant.user_id}",
            "usage_events.tx": self.number,
        }
        known |= {f"{column.table.name}.organization_id": self.tenant.organization_id}
        known |= {f"{column.table.name}.user_id": self.tenant.user_id}
        if (name := f"{column.table.name}.{column.name}") in known:
            return known[name]
        for key in column.foreign_keys:
            parent = self.rows.get(key.column.table.name)
            return None if parent is None else parent[key.column.name]
        plain: dict[type, Any] = {
            UUID: new_id(),
            str: f"{column.name} of {self.number}",
            datetime: datetime.now(UTC),
            timedelta: timedelta(self.number),
            bool: False,
            list: [],
            bytes: new_id().bytes,
        }
        return {} if isinstance(column.type, JSONB) else plain.get(column.type.python_type, self.number)

    def key(self, table: Table) -> tuple[Any, ...]:
        return tuple(self.rows[table.name][column.name] for column in table.primary_key)


@pytest.fixture(scope="module")
def database(postgres_url: str, worker_id: str) -> str:
    """A database of its own, where rows need no sense beyond whose they are."""
    url = make_database(postgres_url, f"walls_{worker_id}")
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        checks = (
            "select conrelid::regclass::text, conname from pg_constraint"
            " where contype = 'c' and conrelid <> 0 and connamespace = 'public'::regnamespace"
        )
        for table, name in connection.execute(checks).fetchall():
            if "procrastinate" not in table:
                connection.execute(f'alter table {table} drop constraint "{name}"')
        month = partition_of(moment_of(new_id()))
        connection.execute("select tollkeeper_make_month(%s, %s, %s)", list(month))
    return url


@pytest.fixture(scope="module")
def both(database: str) -> tuple[Filled, Filled]:
    ours, theirs = Filled(1), Filled(2)
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        ours.fill(connection)
        theirs.fill(connection)
    engine.dispose()
    return ours, theirs


@pytest.fixture
def asking(database: str, both: tuple[Filled, Filled]) -> Iterator[psycopg.Connection]:
    """A connection on which nothing but the first tenant's rows may be seen; what it does is not kept."""
    with Database(database).connect_blocking(application="test", tenant=both[0].tenant) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def application(database: str) -> Iterator[psycopg.Connection]:
    with Database(database).connect_blocking(application="test") as connection:
        yield connection
        connection.rollback()


def test_every_table_says_whose_rows_it_has() -> None:
    silent = [table.name for table in TABLES if wall_of(table) is None]
    assert not silent, (
        f"Nobody said who may see the rows of {', '.join(silent)}. Give the table an organization_id (or a user_id, if "
        "it is about a person), or speak of it in wiring/privileges/walls.py: _through() its parent, READ, or CLOSED."
    )
    leaky = [
        table.name
        for table in TABLES
        if (wall := wall_of(table)) and wall.verbs and wall.sees is None and TELLS_A_TENANT & set(table.columns.keys())
    ]
    assert not leaky, f"{', '.join(leaky)} tell tenants apart, so walls.py must say which rows each may see."


def test_what_is_declared_stands_in_the_database(database: str) -> None:
    with psycopg.connect(database) as connection:
        assert privileges.differences(connection) == []
        secured = connection.execute("select relname from pg_class where relrowsecurity").fetchall()
    assert {name for (name,) in secured} == {table.name for table in SECURED}


def columns_of(table: Table) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in table.primary_key)


@pytest.mark.parametrize("table", SECURED, ids=lambda table: table.name)
def test_no_row_of_another_tenant_comes_back(
    asking: psycopg.Connection, both: tuple[Filled, Filled], table: Table
) -> None:
    wall, name = wall_of(table), sql.Identifier(table.name)
    assert wall is not None
    ours, theirs = (each.key(table) for each in both)
    if "select" in wall.verbs:
        found = asking.execute(sql.SQL("select {} from {}").format(columns_of(table), name)).fetchall()
        assert theirs not in found
        assert found == [ours], "and one's own row does"
    if wall.writes != "true":
        with pytest.raises(pg.InsufficientPrivilege):
            insert_it(asking, table, both[1].rows[table.name])


def insert_it(connection: psycopg.Connection, table: Table, row: dict[str, Any]) -> None:
    """Write a row as another tenant's: refused before it is seen whether there is one already."""
    given = {column.name: row[column.name] for column in table.columns if column.identity is None}
    adapted = {k: Jsonb(v) if isinstance(v, dict) else v for k, v in given.items()}
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(map(sql.Identifier, adapted)),
            sql.SQL(", ").join(map(sql.Placeholder, adapted)),
        ),
        adapted,
    )


@pytest.mark.parametrize("table", SECURED, ids=lambda table: table.name)
def test_no_row_of_another_tenant_is_changed_or_removed(asking: psycopg.Connection, table: Table) -> None:
    wall, name = wall_of(table), sql.Identifier(table.name)
    assert wall is not None
    column = columns_of(table).as_string().split(", ", maxsplit=1)[0]
    tries = {
        "update": sql.SQL("update {} set {} = {}").format(name, *(sql.SQL(column),) * 2),
        "delete": sql.SQL("delete from {}").format(name),
    }
    for verb, statement in tries.items():
        if verb not in wall.verbs:
            with pytest.raises(pg.InsufficientPrivilege), asking.transaction():
                asking.execute(statement)
            continue
        with asking.transaction(force_rollback=True):
            try:
                touched = asking.execute(statement).rowcount
            except pg.ForeignKeyViolation:
                continue  # one's own row, which other rows of one's own refer to
            assert touched == 1, verb


@pytest.mark.parametrize(
    "table", [table for table in TABLES if wall_of(table) == privileges.CLOSED], ids=lambda table: table.name
)
def test_what_is_closed_is_not_even_read(asking: psycopg.Connection, table: Table) -> None:
    with pytest.raises(pg.InsufficientPrivilege):
        asking.execute(sql.SQL("select * from {}").format(sql.Identifier(table.name)))


def test_who_says_no_tenant_sees_nothing(database: str) -> None:
    with psycopg.connect(database, options=f"-c role={TENANT_ROLE}") as connection:
        for table in SECURED:
            if (wall := wall_of(table)) and "select" in wall.verbs:
                found = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table.name)))
                assert found.fetchone() == (0,), table.name


def test_the_application_sees_every_tenant(application: psycopg.Connection, both: tuple[Filled, Filled]) -> None:
    for table in SECURED:
        found = application.execute(sql.SQL("select {} from {}").format(columns_of(table), sql.Identifier(table.name)))
        assert {each.key(table) for each in both} <= set(found.fetchall()), table.name


def test_waiting_jobs_are_added_and_not_read(asking: psycopg.Connection) -> None:
    for statement in ("select args from procrastinate_jobs", "delete from procrastinate_jobs"):
        with pytest.raises(pg.InsufficientPrivilege), asking.transaction():
            asking.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "alter table users add column extra text",
        "alter table users disable row level security",
        "drop policy tollkeeper_tenant on users",
        "drop table usage_hours",
        "truncate usage_counters",
        "create table mine (id int)",
        "create function mine() returns int language sql as 'select 1'",
        "create index on users (name)",
        "create role mine",
        "select * from pg_authid",
        "update alembic_version set version_num = '0001'",
        "update audit_trail set action = 'nothing'",
        "delete from audit_trail",
        "copy users to program 'cat'",
        "select tollkeeper_make_month('users', gen_random_uuid(), gen_random_uuid())",
        "select tollkeeper_drop_month('users')",
        "select tollkeeper_summarize_month('users')",
        "select tollkeeper_drop_month(to_char(now(), '\"usage_events_\"YYYY_MM'))",
        "set role postgres",
        "set session authorization postgres",
    ],
)
def test_the_application_alters_nothing(database: str, statement: str) -> None:
    """As it logs in by itself, and not only by working as another role."""
    with (
        psycopg.connect(database, user=APP_ROLE) as connection,
        pytest.raises((pg.InsufficientPrivilege, pg.InvalidGrantOperation)),
    ):
        connection.execute(statement.encode())


def test_months_are_dropped_when_they_are_old(database: str) -> None:
    month = partition_of(datetime(2020, 5, 1, tzinfo=UTC))
    with psycopg.connect(database, user=APP_ROLE) as connection:
        connection.execute("select tollkeeper_make_month(%s, %s, %s)", list(month))
        connection.execute("select tollkeeper_make_month(%s, %s, %s)", list(month))
        connection.execute("select tollkeeper_drop_month(%s)", [month.name])
        assert connection.execute("select to_regclass(%s)", [month.name]).fetchone() == (None,)


@pytest.mark.usefixtures("both")
def test_the_newest_events_are_summarized(database: str) -> None:
    """As the application does it after rolling up; what no summary covers is read row by row."""
    month = partition_of(moment_of(new_id())).name
    index = """(select i.indexrelid from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_am a on a.oid = c.relam where a.amname = 'brin' and i.indrelid = to_regclass(%s))"""
    left = f"select brin_summarize_new_values({index})"
    with psycopg.connect(database, autocommit=True) as owner:
        for by_the_application in (False, True):
            owner.execute(f"select brin_desummarize_range({index}, 0)", [month])
            if by_the_application:
                with psycopg.connect(database, user=APP_ROLE) as connection:
                    connection.execute("select tollkeeper_summarize_month(%s)", [month])
            assert owner.execute(left, [month]).fetchone() == (0 if by_the_application else 1,)


@pytest.fixture
def fresh(postgres_url: str, worker_id: str) -> str:
    return make_database(postgres_url, f"walls_fresh_{worker_id}")


def test_what_was_changed_by_hand_is_put_right(fresh: str) -> None:
    assert migrate(fresh)
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute("drop policy tollkeeper_tenant on api_keys")
        connection.execute("alter table members disable row level security")
        connection.execute("grant delete on plans to tollkeeper_tenant")
        connection.execute("revoke all on procrastinate_jobs from tollkeeper_app, tollkeeper_tenant")
        connection.execute("revoke select (record_id) on catalogue_versions from tollkeeper_tenant")
        connection.execute("create policy own_rule on users to postgres using (true)")
        changed = {"api_keys", "catalogue_versions", "members", "plans", "procrastinate_jobs"}
        assert set(privileges.differences(connection)) == changed
        assert migrate(fresh)
        assert not migrate(fresh)
        assert connection.execute("select count(*) from pg_policy where polname = 'own_rule'").fetchone() == (1,)


def test_a_table_nobody_spoke_of_is_closed(fresh: str) -> None:
    migrate(fresh)
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute("create table newcomers (id uuid)")
    for role in (APP_ROLE, TENANT_ROLE):
        with (
            psycopg.connect(fresh, options=f"-c role={role}") as connection,
            pytest.raises(pg.InsufficientPrivilege),
        ):
            connection.execute("select * from newcomers")


@pytest.fixture
def plain(database: str, fresh: str) -> Iterator[str]:
    """The address of a database for an owner who may not make roles, on a server that has ours."""
    assert not migrate(database)
    name = "owner_of_" + fresh.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
        connection.execute(sql.SQL("alter schema public owner to {}").format(sql.Identifier(name)))
        yield fresh.replace("postgres@", f"{name}@")
        connection.execute(sql.SQL("drop owned by {} cascade").format(sql.Identifier(name)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


async def test_an_owner_who_may_not_give_roles_away_is_told_what_to_run(fresh: str, plain: str) -> None:
    with pytest.raises(privileges.RolesMissingError) as told:
        migrate(plain)
    *_, statement = told.value.detail.strip(";").split("; ")
    assert statement.startswith("grant tollkeeper_app to ")
    with psycopg.connect(fresh, autocommit=True) as superuser:
        superuser.execute(statement.encode())
    assert migrate(plain)
    application = Database(plain)
    async with application.begin() as connection:
        who = (await connection.execute(text("select session_user, current_user"))).one()
    await application.close()
    assert who[0].startswith("owner_of_")
    assert who[1] == APP_ROLE


def test_who_does_not_own_the_tables_is_told_so(fresh: str) -> None:
    migrate(fresh)
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute("grant delete on plans to tollkeeper_tenant")
    with pytest.raises(privileges.WallsDownError):
        migrate(fresh.replace("postgres@", f"{APP_ROLE}@"))


HOT = {
    "alone": foreseen._ALONE[False],
    "alone, with a key": foreseen._ALONE[True],
    "many": foreseen._MANY[False],
    "many, with keys": foreseen._MANY[True],
    "counters": foreseen._COUNTERS,
}


@pytest.mark.parametrize("statement", HOT.values(), ids=HOT)
def test_the_hot_path_is_planned_as_if_there_were_no_walls(
    database: str, application: psycopg.Connection, statement: Direct
) -> None:
    """To the last cost: what is always true is gone before anything is planned."""
    explain = b"explain (generic_plan, verbose) " + statement._statement
    with psycopg.connect(database) as owner:
        bare, walled = (told(each, explain) for each in (owner, application))
    assert walled == bare
    assert any(b"usage_counters" in line for line in bare)


def told(connection: psycopg.Connection, statement: bytes) -> list[bytes]:
    """What the server answers to a statement that the driver is not to look into."""
    result = connection.pgconn.exec_(statement)
    assert not result.error_message, result.error_message
    return [result.get_value(number, 0) or b"" for number in range(result.ntuples)]
