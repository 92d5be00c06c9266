"""Every SQL statement about roles, grants and policies. They run as the owner, before any service does."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from tollkeeper.infra import APP_ROLE, TENANT_ROLE

ROLES = (APP_ROLE, TENANT_ROLE)
CREATE = {
    # It has no password: where one is asked for, it logs in only once it was given one. It does not inherit, or the
    # narrower role's policies would be its own, too.
    APP_ROLE: f"create role {APP_ROLE} login noinherit",
    TENANT_ROLE: f"create role {TENANT_ROLE} nologin",
}
LET_BECOME = f"grant {TENANT_ROLE} to {APP_ROLE}"
JOB_TABLES = ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers", "procrastinate_workers")
FUNCTIONS = (
    "tollkeeper_make_month(text, uuid, uuid)",
    "tollkeeper_drop_month(text)",
    "tollkeeper_summarize_month(text)",
)
REVISIONS = "alembic_version"

_MISSING = "select name from unnest(%s::text[]) as name where not exists (select from pg_roles where rolname = name)"
_MAY_BECOME = "select pg_has_role(%s, %s, %s)"
_SET_OPTION_SINCE = 160000

_GRANTS = """
with granted as (
    select oid, relacl as acl, '' as of_column from pg_class
    union all
    select attrelid, attacl, ' (' || attname || ')' from pg_attribute where attacl is not null
) select c.relname, r.rolname, lower(a.privilege_type) || g.of_column from granted g join pg_class c on c.oid = g.oid
cross join lateral aclexplode(g.acl) a join pg_roles r on r.oid = a.grantee
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'S') and r.rolname = any(%s)
"""
_POLICIES = """
select c.relname, c.relrowsecurity, p.polname, obj_description(p.oid, 'pg_policy') from pg_class c
left join pg_policy p on p.polrelid = c.oid and p.polname = any(%s)
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
"""
_MONTHS = "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = %s::regclass"
_SEQUENCES = "select relname from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'S'"
_OWNED = """
select coalesce(bool_and(pg_has_role(relowner, 'usage')), true) from pg_class
where relnamespace = current_schema()::regnamespace and relname = any(%s)
"""


class Policy(NamedTuple):
    """One rule for one role: which rows it sees, which may come of what it writes."""

    role: str
    sees: str
    writes: str

    @property
    def mark(self) -> str:
        """What tells a policy in the database from an older one: PostgreSQL does not give back what it was told."""
        return hashlib.sha256("\n".join(self).encode()).hexdigest()[:16]


class Arranged(NamedTuple):
    """What the roles may do with one table or sequence: privileges by role, and policies; None: no row security."""

    grants: Mapping[str, frozenset[str]]
    policies: Sequence[Policy] | None = None
    columns: Sequence[str] = ()
    """What a tenant may read of it, when that is not the whole."""

    @property
    def as_found(self) -> "Found":
        """What the database has when it is so."""
        listed = frozenset(f"select ({each})" for each in self.columns)
        all_grants = {**self.grants, TENANT_ROLE: self.grants.get(TENANT_ROLE, frozenset()) | listed}
        grants = {role: privileges for role, privileges in all_grants.items() if privileges}
        return Found(grants, self.policies is not None, {each.role: each.mark for each in self.policies or ()})


class Found(NamedTuple):
    """What the database has of a table, to be compared with `Arranged`."""

    grants: dict[str, frozenset[str]]
    secured: bool
    marks: dict[str, str | None]


def missing_roles(connection: psycopg.Connection) -> list[str]:
    """Return which of our roles the server does not have."""
    return [name for (name,) in connection.execute(_MISSING, [list(ROLES)])]


def create_role(connection: psycopg.Connection, name: str) -> None:
    """Make a role."""
    connection.execute(sql.SQL(CREATE[name]))


def may_become(connection: psycopg.Connection, member: str, of: str) -> bool:
    """Whether a role may become another."""
    # Since PostgreSQL 16 who made a role is its member, and yet may not become it.
    how = "set" if connection.info.server_version >= _SET_OPTION_SINCE else "member"
    return bool(_one(connection, _MAY_BECOME, [member, of, how]))


def let_become(connection: psycopg.Connection, member: str, of: str) -> None:
    """Let a role become another when it says so."""
    connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(of), sql.Identifier(member)))


def who_asks(connection: psycopg.Connection) -> str:
    """Return as which role the connection works."""
    return str(_one(connection, "select current_user", []))


def owns(connection: psycopg.Connection, tables: Sequence[str]) -> bool:
    """Whether who is connected may alter these tables."""
    return bool(_one(connection, _OWNED, [list(tables)]))


def months(connection: psycopg.Connection, parent: str) -> list[str]:
    """Return the partitions of a table."""
    return [name for (name,) in connection.execute(_MONTHS, [parent])]


def sequences(connection: psycopg.Connection) -> list[str]:
    """Return every sequence."""
    return [name for (name,) in connection.execute(_SEQUENCES)]


def found(connection: psycopg.Connection) -> dict[str, Found]:
    """Return what the roles may do, by table and sequence."""
    grants: dict[str, dict[str, frozenset[str]]] = {}
    for table, role, privilege in connection.execute(_GRANTS, [list(ROLES)]):
        of_table = grants.setdefault(table, {})
        of_table[role] = of_table.get(role, frozenset()) | {privilege}
    secured: dict[str, bool] = {}
    marks: dict[str, dict[str, str | None]] = {}
    for table, is_secured, policy, mark in connection.execute(_POLICIES, [list(ROLES)]):
        secured[table] = is_secured
        if policy is not None:
            marks.setdefault(table, {})[policy] = mark
    names = grants.keys() | secured.keys()
    return {name: Found(grants.get(name, {}), secured.get(name, False), marks.get(name, {})) for name in names}


def arrange_table(connection: psycopg.Connection, name: str, wanted: Arranged, there: Found) -> None:
    """Make what the roles may do with one table or sequence what is wanted."""
    table = sql.Identifier(name)
    kind = sql.SQL("sequence" if name in sequences(connection) else "table")
    for role in ROLES:
        of = sql.Identifier(role)
        connection.execute(sql.SQL("revoke all on {} {} from {}").format(kind, table, of))
        if privileges := wanted.grants.get(role):
            listed = sql.SQL(", ").join(map(sql.SQL, sorted(privileges)))
            connection.execute(sql.SQL("grant {} on {} {} to {}").format(listed, kind, table, of))
    if wanted.columns:
        columns = sql.SQL(", ").join(map(sql.Identifier, wanted.columns))
        connection.execute(sql.SQL("grant select ({}) on {} to {}").format(columns, table, sql.Identifier(TENANT_ROLE)))
    for policy in there.marks:
        connection.execute(sql.SQL("drop policy {} on {}").format(sql.Identifier(policy), table))
    if wanted.policies is None:
        if there.secured:
            connection.execute(sql.SQL("alter table {} disable row level security").format(table))
        return
    connection.execute(sql.SQL("alter table {} enable row level security").format(table))
    for each in wanted.policies:
        _create_policy(connection, table, each)


def arrange_functions(connection: psycopg.Connection) -> None:
    """Let the application have months of events made and dropped: the one thing it needs of what owners may."""
    for name in FUNCTIONS:
        connection.execute(
            sql.SQL("grant execute on function {} to {}").format(sql.SQL(name), sql.Identifier(APP_ROLE))
        )


def _create_policy(connection: psycopg.Connection, table: sql.Identifier, policy: Policy) -> None:
    role = sql.Identifier(policy.role)
    connection.execute(
        sql.SQL("create policy {} on {} to {} using ({}) with check ({})").format(
            role,
            table,
            role,
            sql.SQL(policy.sees),
            sql.SQL(policy.writes),
        )
    )
    connection.execute(sql.SQL("comment on policy {} on {} is {}").format(role, table, policy.mark))


def _one(connection: psycopg.Connection, statement: str, parameters: Sequence[object]) -> object:
    row = connection.execute(statement.encode(), parameters).fetchone()
    if row is None:
        raise RuntimeError("a query for one value returned no row")
    return row[0]
