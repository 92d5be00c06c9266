"""Use cases of rolling keys."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, RowMapping

from tollkeeper.infra.runtime import Runtime, Tx
from tollkeeper.infra.sealing import PURPOSE, sealed_under
from tollkeeper.infra.tables import metadata

from . import store

AT_ONCE = 500
JOBS = "waiting jobs"
UNNAMED = "no name"
"""What was sealed before keys had names: under JWT_SECRET."""
# A compact JWE with a key of its own: a header, no wrapped key, three more parts.
_SEALED = re.compile(r"eyJ[\w-]+\.\.[\w-]+\.[\w-]*\.[\w-]+")


def sealed_columns() -> list[Column[Any]]:
    """Return every column whose values are sealed."""
    return [column for table in metadata.sorted_tables for column in table.columns if PURPOSE in column.info]


@dataclass(frozen=True, slots=True)
class Resealed:
    """What became of one column: how many values were sealed anew, and how many could not be opened with any key."""

    column: str
    renewed: int
    lost: int


async def reseal(runtime: Runtime, column: Column[Any]) -> Resealed:
    """Seal under the newest key what rests in a column under older ones; a piece at a time, others go on meanwhile."""
    renewed = lost = 0
    after: tuple[Any, ...] | None = None
    while True:
        async with runtime.transaction() as tx:
            rows = await store.piece(tx, column, after, most=AT_ONCE)
            for row in rows:
                fresh = runtime.seal(_purpose(column, row)).renew(row[column.name])
                lost += fresh is None
                if fresh is not None and fresh != row[column.name]:
                    renewed += await store.replace(tx, column, row, fresh)
        if len(rows) < AT_ONCE:
            return Resealed(str(column), renewed, lost)
        after = tuple(rows[-1][key.name] for key in column.table.primary_key)


async def count_by_key(tx: Tx) -> dict[str, Counter[str]]:
    """Return under which key how many values rest, by column; and those in jobs that wait, which are not sealed anew.

    A key that is not named here is needed no more.
    """
    counts = {str(column): _names(await store.values(tx, column)) for column in sealed_columns()}
    texts = await store.job_payloads(tx)
    counts[JOBS] = _names(found for text in texts for found in _SEALED.findall(text))
    return counts


def _names(sealed: Iterable[str]) -> Counter[str]:
    return Counter(sealed_under(each) or UNNAMED for each in sealed)


def _purpose(column: Column[Any], row: RowMapping) -> str:
    purpose: str = column.info[PURPOSE]
    return purpose.format_map(row)
