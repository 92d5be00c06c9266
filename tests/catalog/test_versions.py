"""Versions of the catalogue: what was applied is kept, compared, and gone back to."""

import pytest
from sqlalchemy.exc import ProgrammingError

from tollkeeper import catalog
from tollkeeper.catalog import CatalogueMovedError, VersionNotFoundError, line_changes, words_of_file
from tollkeeper.infra import Runtime, Sought, Tenant, only_rows_of, search_trail
from tollkeeper.kit import new_id

FIRST = """
# Everything we sell.
features:
  calls: {name: Calls, kind: metered, unit: call}
plans:
  free: {name: Free, default: true, entitlements: {calls: {limit: 10}}}
"""
SECOND = FIRST.replace("limit: 10", "limit: 20")


async def apply(runtime: Runtime, text: str, **about: object) -> None:
    async with runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text), source=text, **about)  # type: ignore[arg-type]


def test_a_file_that_is_written_is_read_as_the_same_catalogue() -> None:
    spec = catalog.read_catalogue_file(catalog.demo_catalogue())
    assert catalog.read_catalogue_file(words_of_file(spec)) == spec


def test_files_are_compared_by_what_they_say_not_by_how() -> None:
    before, after = catalog.read_catalogue_file(FIRST), catalog.read_catalogue_file(SECOND)
    assert line_changes(before, catalog.read_catalogue_file(words_of_file(before))) == []
    told = [line for line in line_changes(before, after) if line[0] in "+-"]
    assert [line.split() for line in told] == [["-", "limit:", "10"], ["+", "limit:", "20"]]
    assert all(line[0] in "+@" for line in line_changes(None, after))


async def test_each_file_that_changes_something_is_kept_as_it_was_written(runtime: Runtime) -> None:
    await apply(runtime, FIRST)
    await apply(runtime, FIRST)
    await apply(runtime, SECOND, note="More for everybody")
    async with runtime.transaction() as tx:
        held = await catalog.list_versions(tx)
        assert [(each.number, each.source, each.note) for each in held] == [
            (2, SECOND, "More for everybody"),
            (1, FIRST, ""),
        ]
        was, becomes = "calls 10 (hard, a billing period)", "20 (hard, a billing period)"
        assert held[0].changes == (f"~ entitlement of free: {was} becomes {becomes}",)
        assert await catalog.list_versions(tx, before=2) == held[1:]
        records = (await search_trail(tx, Sought(target_kind="catalogue", target_id="2"))).data
    assert [each.id for each in records] == [held[0].record_id]


async def test_what_stood_before_versions_were_kept_becomes_the_first(runtime: Runtime) -> None:
    await apply(runtime, FIRST)
    async with runtime.transaction() as tx:
        await tx.connection.exec_driver_sql("delete from catalogue_versions")
        assert await catalog.latest_version(tx) is None
    await apply(runtime, FIRST)
    async with runtime.transaction() as tx:
        first = await catalog.get_version(tx, 1)
    assert first.source == FIRST
    assert first.changes == ()


async def test_going_back_makes_a_new_version(runtime: Runtime) -> None:
    await apply(runtime, FIRST)
    await apply(runtime, SECOND)
    await apply(runtime, FIRST, restored=1)
    async with runtime.transaction() as tx:
        latest = await catalog.latest_version(tx)
        plan = await catalog.get_plan(tx, "free")
    assert latest is not None
    assert (latest.number, latest.restored, latest.source) == (3, 1, FIRST)
    assert plan.entitlements[0].limit == 10


async def test_nobody_changes_what_they_have_not_seen(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        await catalog.must_be_latest(tx, 0)
    await apply(runtime, FIRST)
    async with runtime.transaction() as tx:
        await catalog.must_be_latest(tx, 1)
        with pytest.raises(CatalogueMovedError):
            await catalog.must_be_latest(tx, 0)
        with pytest.raises(VersionNotFoundError):
            await catalog.get_version(tx, 2)


async def test_the_catalogue_is_read_once_a_version_and_a_change_is_seen_at_once(runtime: Runtime) -> None:
    async def limit() -> int | None:
        async with runtime.transaction() as tx:
            return (await catalog.load_catalogue(tx)).plans["free"].entitlements[0].limit

    await apply(runtime, FIRST)
    async with runtime.transaction() as tx:
        first = await catalog.load_catalogue(tx)
        prices = await catalog.list_prices(tx)
    async with runtime.transaction() as tx:
        assert await catalog.load_catalogue(tx) is first
        assert await catalog.list_prices(tx) is prices
    with pytest.raises(ZeroDivisionError):
        await take_back(runtime, SECOND)
    assert await limit() == 10, "what was taken back is nobody's to see"
    await apply(runtime, SECOND)
    assert await limit() == 20


async def take_back(runtime: Runtime, text: str) -> None:
    async with runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text))
        assert (await catalog.load_catalogue(tx)).plans["free"].entitlements[0].limit == 20
        raise ZeroDivisionError


async def test_what_was_read_before_a_copy_of_the_database_came_back_holds_no_more(runtime: Runtime) -> None:
    await apply(runtime, FIRST)
    async with runtime.transaction() as tx:
        await catalog.load_catalogue(tx)
        await tx.connection.exec_driver_sql("delete from catalogue_versions")
        await tx.connection.exec_driver_sql("update plans set name = 'From the copy'")
    await apply(runtime, FIRST.replace("name: Free", "name: Of the copy"))
    async with runtime.transaction() as tx:
        assert (await catalog.load_catalogue(tx)).plans["free"].name == "Of the copy"


async def test_a_tenant_reads_what_stands_and_nothing_of_its_versions(runtime: Runtime) -> None:
    await apply(runtime, FIRST)
    with only_rows_of(Tenant(new_id())):
        async with runtime.transaction() as tx:
            assert list((await catalog.load_catalogue(tx)).plans) == ["free"]
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with runtime.transaction() as tx:
                await catalog.latest_version(tx)
