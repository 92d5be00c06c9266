"""Recorded usage as a file: what is in it, whose it is, and that its size does not matter."""

import asyncio
import csv
import io
import threading
from typing import Any

import httpx
import pytest
from arro3.io import read_parquet

from support import START, Customer
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.metering import ExportFormat, Wanted, export_events
from tollkeeper.metering.store import exporting

MANY = """
insert into usage_events (id, organization_id, meter_id, quantity, at, period_start, properties)
select unnest(%s::uuid[]), %s, id, 7, %s, %s, '{"model": "large"}' from meters where key = 'prompts'
"""
PARQUET_MARK = b"PAR1"


async def track(customer: Customer, count: int, key: str) -> None:
    body = {"feature": "prompts", "count": count, "idempotency_key": key}
    assert (await customer.client.post("/api/usage/track", json=body)).status_code == 200


def rows_of_csv(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def rows_of_parquet(content: bytes) -> list[dict[str, Any]]:
    table = read_parquet(content).read_all()
    columns = [column.to_pylist() for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


UNTIL_TOMORROW = {"to": "2026-03-11T00:00:00Z"}


async def test_a_file_has_what_was_used(ada: Customer, eve: Customer) -> None:
    await track(ada, 3, "first")
    await track(ada, 4, 'sécond, "quoted"\n=1')
    await track(eve, 9, "hers")
    answer = await ada.client.get("/api/usage/export", params=UNTIL_TOMORROW)
    assert answer.headers["content-disposition"] == 'attachment; filename="usage-20260209-20260311.csv"'
    rows = rows_of_csv(answer)
    assert [(row["feature"], row["count"], row["idempotency_key"]) for row in rows] == [
        ("prompts", "3", "first"),
        ("prompts", "4", 'sécond, "quoted"\n=1'),
    ]
    assert {row["organization"] for row in rows} == {str(ada.organization_id)}
    assert rows[0]["at"] == START.isoformat()

    answer = await ada.client.get("/api/usage/export", params=UNTIL_TOMORROW | {"format": "parquet"})
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    found = rows_of_parquet(answer.content)
    assert [(row["count"], row["idempotency_key"], row["at"]) for row in found] == [
        (3, "first", START),
        (4, 'sécond, "quoted"\n=1', START),
    ]
    assert found[0]["value"] is None
    assert found[0]["credential"] == str(ada.key.id)


async def test_operators_get_one_customer_or_all(ada: Customer, eve: Customer, operator: httpx.AsyncClient) -> None:
    await track(ada, 3, "a")
    await track(eve, 9, "e")
    everyone = rows_of_csv(await operator.get("/api/usage/export", params=UNTIL_TOMORROW))
    assert sorted(row["count"] for row in everyone) == ["3", "9"]
    hers = rows_of_csv(await operator.get("/api/usage/export", params=UNTIL_TOMORROW | {"customer": "eve-1"}))
    assert [row["count"] for row in hers] == ["9"]
    other = await ada.client.get("/api/usage/export", params={"customer": "eve-1"})
    assert other.status_code == 404


async def test_a_feature_and_a_span(ada: Customer) -> None:
    await track(ada, 3, "a")
    none = await ada.client.get("/api/usage/export", params={"to": START.isoformat()})
    assert rows_of_csv(none) == []
    nothing = await ada.client.get("/api/usage/export", params={"to": START.isoformat(), "format": "parquet"})
    assert rows_of_parquet(nothing.content) == []
    assert (
        len(rows_of_csv(await ada.client.get("/api/usage/export", params=UNTIL_TOMORROW | {"feature": "prompts"}))) == 1
    )
    unknown = await ada.client.get("/api/usage/export", params={"feature": "nonsense"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_feature")


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_a_long_file_comes_in_pieces(ada: Customer, runtime: Runtime, file_format: ExportFormat) -> None:
    count = exporting.ROWS * 5 + 1
    async with await runtime.database.connect(application="test") as connection:
        ids = [new_id() for _ in range(count)]
        await connection.execute(MANY, (ids, ada.organization_id, START, START))
    answer = await ada.client.get("/api/usage/export", params=UNTIL_TOMORROW | {"format": file_format.value})
    if file_format is ExportFormat.CSV:
        assert {row["id"] for row in rows_of_csv(answer)} == set(map(str, ids))
    else:
        rows = rows_of_parquet(answer.content)
        assert {row["id"] for row in rows} == set(map(str, ids))
        assert {row["properties"] for row in rows} == {'{"model": "large"}'}


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_who_stops_reading_leaves_nothing_running(
    ada: Customer, runtime: Runtime, file_format: ExportFormat
) -> None:
    async with await runtime.database.connect(application="test") as connection:
        ids = [new_id() for _ in range(exporting.ROWS * 5)]
        await connection.execute(MANY, (ids, ada.organization_id, START, START))
        pieces = export_events(runtime.database, Wanted(START, START.replace(hour=13)), file_format)
        assert next(pieces)
        pieces.close()
        assert not [each for each in threading.enumerate() if each.name == "export"]
        left = """select count(*) from pg_stat_activity
                  where application_name = 'tollkeeper-export' and datname = current_database()"""
        for _ in range(100):
            if (await (await connection.execute(left)).fetchall())[0][0] == 0:
                return
            await asyncio.sleep(0.05)
        pytest.fail("its connection is still open")
