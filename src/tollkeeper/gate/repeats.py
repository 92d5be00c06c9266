"""Usage reported again after its period closed: what was recorded before is a repeat, however late it comes.

Whoever reads a log of theirs again sends old and new together; the old must not stand in the way of the new.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from tollkeeper.infra import Runtime
from tollkeeper.metering import recorded_keys

from .model import Access

Named = tuple[Access, str, str | None]
"""What an organization may use, the feature, and the idempotency key."""


async def repeated(runtime: Runtime, reported: Collection[Named]) -> AbstractSet[int]:
    """Return the places of those that are recorded already."""
    wanted = [
        (access.standing.organization_id, access.allowances[feature].meter_id, key) for access, feature, key in reported
    ]
    if not wanted:
        return frozenset()
    async with runtime.transaction(of_all=True) as tx:
        found = await recorded_keys(await tx.raw(), wanted)
    return {place for place, each in enumerate(wanted) if each in found}
