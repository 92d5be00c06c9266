"""Making the roles, and making what they may do what is declared."""

from collections.abc import Iterator, Sequence

import psycopg
from psycopg import errors as pg

from tollkeeper.infra import APP_ROLE, TENANT_ROLE, metadata
from tollkeeper.kit import TollkeeperError

from . import store
from .store import Arranged, Found, Policy
from .walls import CHANGING, CLOSED, EVERY, wall_of

EVENTS = "usage_events"
# What was recorded stays as it is: the application itself cannot change it.
APPEND_ONLY = frozenset({"audit_trail", "audit_seals"})
_ADDING = frozenset({"select", "insert"})
_NOTHING = Found({}, False, {})
TRIES = 10


class RolesMissingError(TollkeeperError):
    """The server lacks roles that the application works as, and who migrates may not make them."""

    code = "database_roles_missing"
    title = "The database's roles are missing"
    hint = "Have a superuser run what is shown once per server, then migrate again."


class WallsDownError(TollkeeperError):
    """The database is not as this version needs it, and who is connected does not own its tables."""

    code = "database_not_owned"
    title = "Only the owner of the tables may do this"
    hint = "Run `tollkeeper migrate` with the owner's address in DATABASE_OWNER_URL."


def ensure_roles(connection: psycopg.Connection) -> None:
    """Make the roles, once for all databases of a server, and let who is connected become the application.

    The caller commits, at once: others wait for it who make them for other databases.

    Raises:
        RolesMissingError: with the statements that somebody else has to run.
    """
    for left in reversed(range(TRIES)):
        try:
            return _make_roles(connection)
        except pg.InsufficientPrivilege as error:
            connection.rollback()
            raise RolesMissingError(_what_to_run(connection)) from error
        except (pg.DuplicateObject, pg.UniqueViolation, pg.InternalError):
            connection.rollback()  # another database of the same server is migrated at the same time
            if not left:
                raise
    raise AssertionError("unreachable")


def _make_roles(connection: psycopg.Connection) -> None:
    for name in store.missing_roles(connection):
        store.create_role(connection, name)
    for member, of in ((APP_ROLE, TENANT_ROLE), (store.who_asks(connection), APP_ROLE)):
        if not store.may_become(connection, member, of):
            store.let_become(connection, member, of)


def _what_to_run(connection: psycopg.Connection) -> str:
    statements = [*store.CREATE.values(), store.LET_BECOME, f'grant {APP_ROLE} to "{store.who_asks(connection)}"']
    return "A superuser has to run: " + " ".join(f"{each};" for each in statements)


def differences(connection: psycopg.Connection) -> list[str]:
    """Return the tables where the roles may do other things than declared; the roles themselves when they are missing.

    Anybody may ask.
    """
    if missing := store.missing_roles(connection):
        return missing
    found = store.found(connection)
    return [name for name, wanted in _wanted(connection) if wanted.as_found != found.get(name, _NOTHING)]


def arrange(connection: psycopg.Connection) -> bool:
    """Make what the roles may do what is declared; returns whether there was anything to do. The roles exist.

    Raises:
        WallsDownError: who is connected does not own the tables.
    """
    found = store.found(connection)
    wanted = [(name, each) for name, each in _wanted(connection) if each.as_found != found.get(name, _NOTHING)]
    if not wanted:
        return False
    require_owner(connection, [name for name, _ in wanted])
    for name, each in wanted:
        store.arrange_table(connection, name, each, found.get(name, _NOTHING))
    store.arrange_functions(connection)
    return True


def require_owner(connection: psycopg.Connection, tables: Sequence[str]) -> None:
    """Raise WallsDownError unless who is connected may alter these tables."""
    if not store.owns(connection, tables):
        raise WallsDownError


def _wanted(connection: psycopg.Connection) -> Iterator[tuple[str, Arranged]]:
    for table in metadata.sorted_tables:
        wall = wall_of(table) or CLOSED
        by_application = _ADDING if table.name in APPEND_ONLY else CHANGING
        grants = {APP_ROLE: by_application, TENANT_ROLE: wall.verbs & by_application}
        rules = None
        if wall.sees is not None:
            rules = [Policy(APP_ROLE, EVERY, EVERY), Policy(TENANT_ROLE, wall.sees, wall.writes or wall.sees)]
        yield table.name, Arranged(grants, rules, wall.columns)
    for month in store.months(connection, EVENTS):
        yield month, Arranged({APP_ROLE: frozenset({"insert"})})  # COPY goes there; it cannot go where rows are secured
    yield from _job_tables()
    yield store.REVISIONS, Arranged({APP_ROLE: frozenset({"select"})})
    for sequence in store.sequences(connection):
        yield sequence, Arranged(dict.fromkeys(store.ROLES, frozenset({"usage"})))


def _job_tables() -> Iterator[tuple[str, Arranged]]:
    """A tenant's transaction adds jobs, and reads none: not even what it added, but for the number it got."""
    for name in store.JOB_TABLES:
        adds = name in {"procrastinate_jobs", "procrastinate_events"}
        grants = {APP_ROLE: CHANGING, TENANT_ROLE: frozenset({"insert"}) if adds else frozenset()}
        yield name, Arranged(grants, columns=("id",) if name == "procrastinate_jobs" else ())
