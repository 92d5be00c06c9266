"""Usage as a file and the check that it adds up, from the command line."""

import csv
from pathlib import Path

import httpx
import psycopg
import pytest
from arro3.io import read_parquet

from support import Customer

from .test_commands import tollkeeper


async def track(customer: Customer, count: int) -> None:
    answer = await customer.client.post("/api/usage/track", json={"feature": "prompts", "count": count})
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def used(ada: Customer, eve: Customer, operator: httpx.AsyncClient) -> str:
    """The id of a customer who used 3 and 4, beside another who used 9."""
    for customer, count in ((ada, 3), (ada, 4), (eve, 9)):
        await track(customer, count)
    assert (await operator.get("/api/usage", params={"customer": "ada-1"})).status_code == 200
    return str(ada.organization_id)


def test_export_writes_what_the_name_says(used: str, clean_database: str, tmp_path: Path) -> None:
    options = ("--from", "2026-03-01", "--to", "2026-03-31T12:00:00", "--feature", "prompts")
    where = {"DATABASE_URL": clean_database}
    code, _, said = tollkeeper("usage", "export", tmp_path / "all.csv", *options, **where)
    assert code == 0, said
    assert said.startswith("Wrote ")
    with (tmp_path / "all.csv").open(encoding="utf-8") as file:
        assert sorted(row["count"] for row in csv.DictReader(file)) == ["3", "4", "9"]
    code, _, said = tollkeeper("usage", "export", tmp_path / "a.parquet", *options, "--customer", used, **where)
    assert code == 0, said
    found = read_parquet(tmp_path / "a.parquet").read_all()
    assert found["count"].to_pylist() == [3, 4]
    code, out, _ = tollkeeper("usage", "export", "-", *options, "--customer", "eve-1", **where)
    assert code == 0
    assert out.splitlines()[1].split(",")[4] == "9"
    code, _, said = tollkeeper("usage", "export", "-", "--customer", "nobody", **where)
    assert code == 1
    assert "There is no customer 'nobody'." in said
    code, _, said = tollkeeper("usage", "export", "-", "--feature", "nonsense", **where)
    assert code == 1
    assert "There is no metered feature 'nonsense'." in said


def test_verify_names_what_disagrees(used: str, clean_database: str) -> None:
    code, out, said = tollkeeper("usage", "verify", DATABASE_URL=clean_database)
    assert (code, out.splitlines()[-1]) == (0, "Checked 2 meters of customers: nothing disagrees."), said
    with psycopg.connect(clean_database, autocommit=True) as connection:
        connection.execute("update usage_counters set used = 8 where organization_id = %s", (used,))
    code, out, _ = tollkeeper("usage", "verify", DATABASE_URL=clean_database)
    assert code == 1
    assert f"counter of organization {used}" in out
    assert "stands at 8, its events come to 7" in out
