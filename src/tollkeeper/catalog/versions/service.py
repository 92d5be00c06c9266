"""Use cases of versions. Callers that keep one hold the lock of the catalogue."""

from collections.abc import Sequence
from uuid import UUID

from tollkeeper.infra import Tx

from . import store
from .model import CatalogueMovedError, CatalogueVersion, VersionNotFoundError


async def latest_version(tx: Tx) -> CatalogueVersion | None:
    """Return the version that holds; None when no file was kept yet."""
    return next(iter(await store.newest(tx, before=None, limit=1)), None)


async def version_mark(tx: Tx) -> tuple[int, UUID] | None:
    """Return what tells the version that holds from every other one; None when no file was kept yet.

    Numbers alone do not: a database that was restored from a copy counts on from an older one.
    """
    return await store.newest_mark(tx)


async def get_version(tx: Tx, number: int) -> CatalogueVersion:
    """Return a version.

    Raises:
        VersionNotFoundError: there is none of this number.
    """
    found = await store.find(tx, number)
    if found is None:
        raise VersionNotFoundError
    return found


async def list_versions(tx: Tx, *, before: int | None = None, limit: int = 30) -> Sequence[CatalogueVersion]:
    """Return versions, the newest first, of those older than `before` (None: of all)."""
    return await store.newest(tx, before=before, limit=limit)


async def must_be_latest(tx: Tx, number: int) -> None:
    """Let nobody change a catalogue they have not seen; `number` 0: none was kept yet.

    Raises:
        CatalogueMovedError: another version holds by now.
    """
    held = await latest_version(tx)
    if (held.number if held else 0) != number:
        raise CatalogueMovedError


async def keep(
    tx: Tx, number: int, source: str, changes: Sequence[str], *, note: str, restored: int | None, record_id: UUID
) -> None:
    """Keep a file that was just applied as the version of this number."""
    await store.add(tx, CatalogueVersion(number, source, tuple(changes), note, restored, record_id, tx.now))
