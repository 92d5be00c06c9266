"""What is held of one person, and whether anything is left of those who were deleted."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from tollkeeper.identity import PictureNotFoundError, erased_among, get_picture
from tollkeeper.infra import Tx, report_progress

from . import store
from .inventory import HELD


@dataclass(frozen=True, slots=True)
class Residue:
    """Something that is left of somebody deleted.

    `why_kept` says that it is meant to be, and why; None: it should be gone. `user_id` None: it was looked for by a
    text, and whose it is is not known.
    """

    table: str
    column: str
    user_id: UUID | None
    rows: int
    why_kept: str | None = None


async def collect(tx: Tx, user_id: UUID) -> dict[str, object]:
    """Return everything that is held of a person, as files by name; tables that hold nothing of them are left out.

    A job that asks is told to be so far; what comes after the tables counts as one of them.
    """
    files: dict[str, object] = {}
    told = [(held, held.person) for held in HELD if held.exported and held.person is not None]
    for number, (held, person) in enumerate(told):
        await report_progress(tx.runtime, number, len(told) + 1, held.what)
        rows = await store.rows_of(tx, held.table, person, user_id, hidden=held.hidden)
        files |= {f"{held.table}.json": {"what": held.what, "why": held.why, "rows": rows}} if rows else {}
    await report_progress(tx.runtime, len(told), len(told) + 1, "what you used, by month")
    usage = await store.usage_of(tx, user_id)
    files |= {"usage.json": {"what": "what you used, by month", "rows": usage}} if usage else {}
    with suppress(PictureNotFoundError):
        files["picture.webp"] = (await get_picture(tx, user_id)).content
    return files


async def check_erasures(tx: Tx) -> list[Residue]:
    """Search every column that can hold text for addresses of people who were deleted, and their ids everywhere."""
    await store.take_time(tx)
    return [*await _left_addresses(tx), *await _left_ids(tx)]


async def find_text(tx: Tx, wanted: str) -> list[Residue]:
    """Search every column that can hold text for this one, in whatever spelling.

    What is sealed or hashed is not found: there is nothing to read in it without its key.
    """
    await store.take_time(tx)
    found = [(place, await store.rows_naming(tx, place, wanted)) for place in await store.places(tx)]
    return [Residue(place.table, place.column, None, rows, _why_kept(place)) for place, rows in found if rows]


async def _left_addresses(tx: Tx) -> list[Residue]:
    found: dict[tuple[store.Place, UUID], int] = {}
    for place in await store.places(tx):
        async for piece in store.addresses_in(tx, place):
            for email, user_id in (await erased_among(tx, piece)).items():
                rows = await store.rows_naming(tx, place, email)
                found[place, user_id] = found.get((place, user_id), 0) + rows
    return [
        Residue(place.table, place.column, user_id, rows, _why_kept(place)) for (place, user_id), rows in found.items()
    ]


async def _left_ids(tx: Tx) -> list[Residue]:
    found = []
    for held in HELD:
        if held.person is not None and held.person not in held.keeps:
            people: Sequence[UUID] = await store.deleted_people_in(tx, held.table, held.person)
            found += [Residue(held.table, held.person, user_id, 1) for user_id in people]
    return found


def _why_kept(place: store.Place) -> str | None:
    held = next((each for each in HELD if each.table == place.table), None)
    return held.after if held is not None and place.column in held.keeps else None
