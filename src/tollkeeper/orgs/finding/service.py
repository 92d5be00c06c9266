"""Use cases of finding organizations."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import Page, page_by_id, parse_id
from tollkeeper.orgs.model import Organization

from . import store


class OrganizationOrder(StrEnum):
    """How organizations are listed."""

    CREATED = "created"
    NAME = "name"


async def browse_organizations(
    tx: Tx,
    *,
    begins: str = "",
    only_suspended: bool = False,
    order: OrganizationOrder = OrganizationOrder.CREATED,
    descending: bool = True,
    cursor: str = "",
    limit: int = 50,
) -> Page[Organization]:
    """Return one page of all organizations.

    Args:
        tx: a transaction that sees everybody's rows.
        begins: only those whose name begins so, in whatever case; they are listed by name.
        only_suspended: only those that are.
        order: by what they are listed.
        descending: from the newest, or from the end of the alphabet.
        cursor: from the page before; empty: from the beginning, and so is what is none.
        limit: the most that are returned.
    """
    last = parse_id(cursor)
    found = await store.browse(
        tx,
        begins=begins.lower(),
        only_suspended=only_suspended,
        by_name=order is OrganizationOrder.NAME or bool(begins),
        descending=descending,
        after=await store.place_of(tx, last) if last else None,
        limit=limit + 1,
    )
    return page_by_id(found, limit)


async def organizations_called(tx: Tx, text: str, *, limit: int) -> Sequence[Organization]:
    """Return organizations of this id or external id, and those whose name begins so, at most `limit`."""
    known = await store.known_as(tx, parse_id(text), text)
    begin = await store.browse(tx, begins=text.lower(), by_name=True, descending=False, after=None, limit=limit)
    return list({each.id: each for each in (*known, *begin)}.values())[:limit]


async def founded_by_day(tx: Tx, since: datetime) -> Mapping[date, int]:
    """Return how many organizations were made since then, by day of UTC; days without any are left out."""
    return await store.founded_by_day(tx, since)


async def organizations_of_ids(tx: Tx, ids: Collection[UUID]) -> dict[UUID, Organization]:
    """Return the organizations of these ids; what there is none of is left out."""
    return {each.id: each for each in await store.of_ids(tx, ids)} if ids else {}
