"""Bundles are decided like as many single requests, and recorded the same."""

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import START
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.metering import (
    Aggregation,
    Bundle,
    Consumption,
    CounterKey,
    Entry,
    Known,
    Limit,
    Standing,
    Tally,
    Verdict,
    consume_bundles,
    counters_replay,
    decide,
    define_meter,
    prepare_partitions,
)
from tollkeeper.metering.rules import decide_bundles

ORGANIZATION = UUID(int=7)
CREDENTIAL = new_id()


@pytest.fixture
async def meter_id(runtime: Runtime) -> int:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
        return (await define_meter(tx, "prompts", event_type="prompts", unit="prompt")).id


def bundle(
    meter_id: int, entries: Sequence[Entry], limit: int | None = None, aggregation: Aggregation = Aggregation.SUM
) -> Bundle:
    counter = CounterKey(ORGANIZATION, meter_id, START)
    return Bundle(Consumption(counter, 1, Limit(limit), START, None, CREDENTIAL, aggregation), entries)


async def commit(runtime: Runtime, *bundles: Bundle) -> list[Tally]:
    async with await runtime.database.connect(application="test") as connection:
        await connection.execute("begin")
        tallies, _, _ = await consume_bundles(connection, bundles, START)
        await connection.execute("commit")
    return tallies


async def test_every_column_is_kept(runtime: Runtime, meter_id: int) -> None:
    at = START + timedelta(days=-3, microseconds=17)
    data = {"tokens": 12, "model": "gpt-5", "höhe": [1.5, None, True]}
    sent = [Entry(12, at, "source\x1fid-ü", None, json.dumps(data).encode()), Entry(3, START)]
    await commit(runtime, bundle(meter_id, sent))
    async with runtime.transaction() as tx:
        raw = await tx.raw()
        rows = await (
            await raw.execute(
                "select organization_id, meter_id, period_start, credential_id, quantity, at, idempotency_key, value,"
                " properties from usage_events order by id"
            )
        ).fetchall()
        keys = await (
            await raw.execute("select organization_id, meter_id, key, event_id from usage_event_keys")
        ).fetchall()
        ((first,),) = await (await raw.execute("select id from usage_events order by id limit 1")).fetchall()
        assert await counters_replay(tx) == []
    common = (ORGANIZATION, meter_id, START, CREDENTIAL)
    assert rows == [
        (*common, 12, at, "source\x1fid-ü", None, data),
        (*common, 3, START, None, None, None),
    ]
    assert keys == [(ORGANIZATION, meter_id, "source\x1fid-ü", first)]


async def test_a_key_counts_once_within_and_across_bundles_and_transactions(runtime: Runtime, meter_id: int) -> None:
    one, two = Entry(1, START, "one"), Entry(2, START, "two")
    tallies = await commit(runtime, bundle(meter_id, [one, one, two]), bundle(meter_id, [two, Entry(4, START, "four")]))
    verdicts = [list(each.verdicts) for each in tallies]
    admitted, repeated = Verdict.ADMITTED, Verdict.REPEATED
    assert verdicts == [[admitted, repeated, admitted], [repeated, admitted]]
    again = await commit(runtime, bundle(meter_id, [one, two, Entry(8, START, "eight")]))
    assert [(each.verdicts, each.used) for each in again] == [([repeated, repeated, admitted], 15)]


async def test_what_fits_is_recorded_and_the_rest_refused(runtime: Runtime, meter_id: int) -> None:
    entries = [Entry(4, START, str(number)) for number in range(4)]
    (tally,) = await commit(runtime, bundle(meter_id, entries, limit=10))
    assert [each.value for each in tally.verdicts] == ["admitted", "admitted", "refused", "refused"]
    (later,) = await commit(runtime, bundle(meter_id, entries, limit=12))
    assert [each.value for each in later.verdicts] == ["repeated", "repeated", "admitted", "refused"]
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def test_unique_values_are_counted_once(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        await prepare_partitions(tx)
        meter = await define_meter(tx, "users", event_type="login", aggregation=Aggregation.UNIQUE, value="user")
    entries = [Entry(1, START, str(number), name) for number, name in enumerate(["ada", "eve", "ada"])]
    await commit(runtime, bundle(meter.id, entries, aggregation=Aggregation.UNIQUE))
    (tally,) = await commit(runtime, bundle(meter.id, [Entry(1, START, "x", "eve")], aggregation=Aggregation.UNIQUE))
    assert tally.used == 2
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


async def test_nothing_stays_of_a_transaction_that_fails(runtime: Runtime, meter_id: int) -> None:
    poison = Entry(1, START, "b", None, b'{"a": "\\u0000"}')
    with pytest.raises(psycopg.DataError):
        await commit(runtime, bundle(meter_id, [Entry(1, START, "a"), poison]))
    (tally,) = await commit(runtime, bundle(meter_id, [Entry(1, START, "a")]))
    assert (tally.verdicts, tally.used) == ([Verdict.ADMITTED], 1)


ENTRIES = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([None, *"abcdefgh"])).map(lambda each: Entry(each[0], START, each[1])),
    min_size=1,
    max_size=12,
)

STANDINGS = st.tuples(st.integers(0, 40), st.integers(0, 9), st.sampled_from([0, 80])).map(
    lambda each: Standing(*each, 50)
)


@given(
    groups=st.lists(st.tuples(ENTRIES, st.integers(1, 2)), max_size=5),
    limit=st.one_of(st.none(), st.integers(0, 120)),
    hard=st.booleans(),
    before=STANDINGS,
    aggregation=st.sampled_from([Aggregation.SUM, Aggregation.COUNT, Aggregation.MAX]),
)
def test_bundles_come_to_what_single_requests_come_to(
    groups: list[tuple[list[Entry], int]],
    limit: int | None,
    hard: bool,
    before: Standing,
    aggregation: Aggregation,
) -> None:
    bound = Limit(limit, hard)
    bundles = [
        Bundle(Consumption(CounterKey(ORGANIZATION, meter, START), 1, bound, START, aggregation=aggregation), entries)
        for entries, meter in groups
    ]
    standing = {CounterKey(ORGANIZATION, 1, START): before}
    known = Known(keys={(ORGANIZATION, 1, "c"), (ORGANIZATION, 2, "d")})
    singles = [each for one in bundles for each in one.consumptions()]
    expected, found = decide(singles, standing, known), decide_bundles(bundles, standing, known)
    verdicts = [verdict for tally in found.tallies for verdict in tally.verdicts]
    assert verdicts == [outcome.verdict for outcome in expected.outcomes]
    assert found.rest.counters == expected.counters
    assert found.rest.crossings == expected.crossings
    recorded = [
        each for one, kept in found.kept for each in one._replace(entries=kept).consumptions()
    ] + found.rest.admitted
    assert sorted(recorded, key=_order) == sorted(expected.admitted, key=_order)


def _order(request: Consumption) -> tuple[object, ...]:
    return request.counter, request.quantity, request.idempotency_key or ""
