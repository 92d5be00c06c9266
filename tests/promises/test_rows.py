"""The second wall: with the application's own filters switched off, the database still gives nobody another's rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import ColumnElement, event, true
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter
from sqlalchemy.sql.schema import Column

from tollkeeper.infra import Runtime, only_rows_of

from .grid import GRID, OPERATOR, PERSON, PUBLIC
from .world import World, filled

WHOSE = {"organization_id", "user_id", "customer_id", "subscription_id", "key_id", "invoice_id"}
TEAM_MATES = ("ada_id", "ada_user_id", "invoice_id")
READS = [route for route in GRID if not route.writes and route.needs not in {PUBLIC, OPERATOR}]
LISTS = [route for route in READS if "{" not in route.path]


def _is_filter(part: Any) -> bool:
    return (
        isinstance(part, BinaryExpression)
        and part.operator is operators.eq
        and isinstance(part.left, Column)
        and part.left.name in WHOSE
        and isinstance(part.right, BindParameter)
    )


def unfiltered(statement: Any) -> Any:
    """The statement without any condition on whose rows it wants."""

    def drop(part: Any, **_: Any) -> ColumnElement[bool] | None:
        return true() if _is_filter(part) else None

    return visitors.replacement_traverse(statement, {}, drop)  # type: ignore[call-overload]


@contextmanager
def filters_off(runtime: Runtime) -> Iterator[list[str]]:
    """Run every statement without its filters; yields what was run so."""
    changed: list[str] = []

    def strip(_: Any, statement: Any, many: Any, one: Any, _options: Any) -> tuple[Any, Any, Any]:
        if not getattr(statement, "is_select", False):
            return statement, many, one
        bare = unfiltered(statement)
        if str(bare) != str(statement):
            changed.append(str(bare))
        return bare, many, one

    engine = runtime.database.engine.sync_engine
    event.listen(engine, "before_execute", strip, retval=True)
    try:
        yield changed
    finally:
        event.remove(engine, "before_execute", strip)


async def test_nobody_sees_rows_of_another(world: World, runtime: Runtime) -> None:
    """Ada has bought, invited, called; Eve asks for everything, with nothing in the statements that says it is she."""
    faults = []
    with filters_off(runtime) as changed:
        for route in LISTS:
            answer = await world.good(route, by="eve", params={})
            told = [name for name in TEAM_MATES if world.known[name] in answer.text]
            told += ["ada@example.com"] if "ada@example.com" in answer.text else []
            faults += [f"{route.call} tells {told}: {answer.text[:300]}"] if told else []
    assert not faults, "\n".join(faults)
    assert len(changed) > len(LISTS) / 2, "it did switch filters off"


async def test_what_is_anothers_is_not_found_by_its_id(world: World, runtime: Runtime) -> None:
    faults = []
    for route in READS:
        if "{" not in route.path or not route.others or route.needs == PERSON:
            continue
        theirs = filled(route.others, world.known)
        caller = theirs.pop("as", route.caller)
        with filters_off(runtime):
            answer = await world.call(route.method, route.path.format(**theirs), by=caller)
        if answer.status_code != 404:
            faults.append(f"{route.call}: {answer.status_code} {answer.text[:300]}")
    assert not faults, "\n".join(faults)


async def test_without_the_wall_switching_filters_off_tells_everything(
    world: World, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the tests above would show nothing."""
    monkeypatch.setattr("tollkeeper.gate.narrowing.only_rows_of", lambda _: only_rows_of(None))
    told = set()
    with filters_off(runtime):
        for route in LISTS:
            answer = await world.good(route, by="eve", params={})
            told |= {route.call} if any(world.known[name] in answer.text for name in TEAM_MATES) else set()
    assert told, "nothing leaked with the wall down"
