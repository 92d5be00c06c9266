"""Reading many keys at once."""

from collections.abc import Collection
from uuid import UUID

from tollkeeper.infra import Tx
from tollkeeper.kit import Page, page_by_id

from . import store
from .model import ApiKey


async def list_keys(
    tx: Tx,
    organization_id: UUID | None,
    *,
    with_revoked: bool = False,
    by_name: bool = False,
    descending: bool = True,
    cursor: UUID | None = None,
    limit: int = 50,
) -> Page[ApiKey]:
    """Return one page of the organization's keys (None: operator keys), newest first unless asked otherwise."""
    found = await store.keys_of(
        tx,
        organization_id,
        with_revoked=with_revoked,
        by_name=by_name,
        descending=descending,
        after=cursor,
        limit=limit + 1,
    )
    return page_by_id(found, limit)


async def find_keys_of(tx: Tx, organization_id: UUID, key_ids: Collection[UUID]) -> dict[UUID, ApiKey]:
    """Return the organization's keys with these ids, good or not; what is none of them is left out."""
    return {each.id: each for each in await store.keys_among(tx, organization_id, key_ids)}
