"""SQL stands in `store.py` alone, speaks of its own tables, and nothing but the edge commits."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Table

from .sources import ROOT, SRC, calls, floors, room, texts, tracked

PRODUCT = tracked("src/tollkeeper/*.py")

# Places that may speak SQL outside a `store.py`, each with its reason. Folders end with a slash.
MAY_SPEAK_SQL = {
    "src/tollkeeper/infra/": "the tools the stores are built on: connections, jobs, health, notifications",
    "src/tollkeeper/wiring/migrate.py": "asks for the schema's revision and takes the lock migrations run under",
    "src/tollkeeper/wiring/migrations/": "what migrations are made of",
    "src/tollkeeper/gate/committing.py": "group commit says `begin` and `commit` itself, with the batch in between",
}
# Places that may open or commit a transaction, each with its reason.
MAY_COMMIT = {
    "src/tollkeeper/infra/": "the edge itself: requests, jobs and commands get their transaction from here",
    "src/tollkeeper/gate/committing.py": "group commit: one transaction decides, records and answers a whole batch",
    "src/tollkeeper/gate/service.py": "writes key uses down now and then: no request or job stands behind it",
    "src/tollkeeper/wiring/migrate.py": "migrations commit one by one, under a lock of their own",
}

STATEMENTS = {"select", "insert", "update", "delete", "union", "union_all"}
EXECUTORS = {"execute", "executemany", "exec_driver_sql", "scalar", "scalars", "stream", "stream_scalars"}
COMMITTERS = {"commit", "begin"}
COMMITTING_TEXTS = {"commit", "begin", "end", "start transaction"}
INNER_ROOMS = {"model", "rules", "tables", "store", "service"}
SQL = re.compile(
    r"^\s*(select\s.+\sfrom|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s|truncate\s|"
    r"(create|alter|drop)\s+(table|index|type|schema)\s)",
    re.IGNORECASE | re.DOTALL,
)
NAMED_TABLE = re.compile(r"\b(?:from|join|into|update|table)\s+(?:only\s+)?\"?([a-z_]+)", re.IGNORECASE)


def is_sql(text: str) -> bool:
    """Whether a text is a statement; a sentence begins with one capital letter, a statement with none or all."""
    first = text.split(maxsplit=1)[:1]
    return bool(SQL.match(text)) and first[0] in {first[0].lower(), first[0].upper()}


def allowed(path: Path, places: dict[str, str]) -> bool:
    return any(str(path).startswith(place) if place.endswith("/") else str(path) == place for place in places)


def imported_from_sqlalchemy(path: Path) -> set[str]:
    source = (ROOT / path).read_text()
    imports = re.findall(r"^\s*from sqlalchemy[\w.]* import (\([^)]*\)|[^\n]*)", source, re.MULTILINE)
    return {name for names in imports for name in re.findall(r"\w+", names)}


def test_every_statement_stands_in_a_store() -> None:
    found = []
    for path in PRODUCT:
        if room(path) == "store" or allowed(path, MAY_SPEAK_SQL):
            continue
        names = imported_from_sqlalchemy(path)
        found += [
            f"{path}:{call.lineno} {name}()"
            for name, call in calls(path)
            if (name in STATEMENTS and name in names) or name in EXECUTORS
        ]
        found += [f"{path}:{line} {text[:60]!r}" for line, text in texts(path) if is_sql(text)]
    assert not found, "SQL outside store.py:\n" + "\n".join(found)


def test_nothing_commits_but_the_edge() -> None:
    found = []
    for path in PRODUCT:
        if not allowed(path, MAY_COMMIT):
            found += [f"{path}:{call.lineno} {name}()" for name, call in calls(path) if name in COMMITTERS]
            found += [
                f"{path}:{call.lineno} {name}({argument.value!r})"
                for name, call in calls(path)
                for argument in call.args[:1]
                if name in EXECUTORS
                and isinstance(argument, ast.Constant)
                and str(argument.value).lower() in COMMITTING_TEXTS
            ]
            if room(path) in INNER_ROOMS:
                found += [f"{path}:{call.lineno} {name}()" for name, call in calls(path) if name == "transaction"]
    assert not found, "a transaction opened or committed outside the edge:\n" + "\n".join(found)


def modules(wanted_room: str) -> Iterator[tuple[str, Path, ModuleType]]:
    """Every module of a room: its package, its file and the module itself."""
    for path in PRODUCT:
        if room(path) == wanted_room and len(path.parts) > 3:
            name = ".".join(path.relative_to("src").with_suffix("").parts).removesuffix(".__init__")
            yield path.parts[2], path, importlib.import_module(name)


def declared_tables() -> dict[str, str]:
    """Table -> the package whose `tables` room declares it."""
    owners: dict[str, str] = {}
    for package, _, module in modules("tables"):
        for value in vars(module).values():
            if isinstance(value, Table):
                owner = owners.setdefault(value.name, package)
                # A room imports other tables only to point at them, so the lower floor is the owner.
                owners[value.name] = max(owner, package, key=lambda name: floors()[name])
    return owners


def all_tables() -> dict[str, Table]:
    return {
        value.name: value
        for _, _, module in modules("tables")
        for value in vars(module).values()
        if isinstance(value, Table)
    }


def test_foreign_keys_point_down() -> None:
    owners, levels = declared_tables(), floors()
    found = []
    for table in all_tables().values():
        for key in table.foreign_keys:
            here, there = owners[table.name], owners[key.column.table.name]
            if here != there and levels[there] <= levels[here]:
                found.append(f"{table.name}.{key.parent.name} ({here}) -> {key.column.table.name} ({there})")
    assert owners, "there are tables"
    assert not found, "foreign keys that point up or sideways:\n" + "\n".join(found)


def test_a_store_speaks_of_its_own_tables_only() -> None:
    owners = declared_tables()
    found = []
    for package, path, module in modules("store"):
        for name, value in vars(module).items():
            if isinstance(value, Table) and owners.get(value.name) != package:
                found.append(f"{path} uses the table {name} of {owners.get(value.name)}")
        for line, text in texts(path):
            named = {table.lower() for table in NAMED_TABLE.findall(text)}
            found += [
                f"{path}:{line} names {table} of {owners[table]}"
                for table in named
                if owners.get(table, package) != package
            ]
    assert not found, "a store that reaches into another domain:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a\nFROM b",
        "insert into b values (1)",
        "UPDATE b SET a = 1",
        "with x as (select 1) select 2",
        "drop table b",
    ],
)
def test_sql_in_a_text_is_recognised(text: str) -> None:
    assert is_sql(text)


@pytest.mark.parametrize("text", ["Select a plan from the list", "update your card", "Delete the key", "with a card"])
def test_prose_is_not_sql(text: str) -> None:
    assert not is_sql(text)


def test_the_exceptions_are_still_needed() -> None:
    for place in {**MAY_SPEAK_SQL, **MAY_COMMIT}:
        if (SRC.parent / place).exists():
            names = {name for path in PRODUCT if allowed(path, {place: ""}) for name, _ in calls(path)}
            assert names & (EXECUTORS | COMMITTERS | {"transaction"}), f"{place} no longer needs its exception"
