"""Every statement about versions."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from tollkeeper.infra import Tx

from .model import CatalogueVersion
from .tables import CATALOGUE_VERSIONS


async def add(tx: Tx, version: CatalogueVersion) -> None:
    """Keep a version."""
    values = {name: getattr(version, name) for name in CatalogueVersion.__dataclass_fields__}
    await tx.connection.execute(insert(CATALOGUE_VERSIONS).values(**values | {"changes": list(version.changes)}))


async def find(tx: Tx, number: int) -> CatalogueVersion | None:
    """Return the version of this number."""
    query = select(CATALOGUE_VERSIONS).where(CATALOGUE_VERSIONS.c.number == number)
    row = (await tx.connection.execute(query)).mappings().one_or_none()
    return None if row is None else _version(row)


async def newest_mark(tx: Tx) -> tuple[int, UUID] | None:
    """Return what tells the newest version from every other one; tenants may read no more of it than that."""
    table = CATALOGUE_VERSIONS.c
    query = select(table.number, table.record_id).order_by(table.number.desc()).limit(1)
    row = (await tx.connection.execute(query)).one_or_none()
    return None if row is None else (row.number, row.record_id)


async def newest(tx: Tx, *, before: int | None, limit: int) -> list[CatalogueVersion]:
    """Return versions, the newest first, of those older than `before`."""
    query = select(CATALOGUE_VERSIONS).order_by(CATALOGUE_VERSIONS.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(CATALOGUE_VERSIONS.c.number < before)
    return [_version(row) for row in (await tx.connection.execute(query)).mappings()]


def _version(row: Mapping[Any, Any]) -> CatalogueVersion:
    values = {name: row[name] for name in CatalogueVersion.__dataclass_fields__}
    return CatalogueVersion(**values | {"changes": tuple(row["changes"])})
