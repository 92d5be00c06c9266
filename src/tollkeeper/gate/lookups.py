"""Looking up what is not in memory, many at a time.

After a change of the catalogue, or an hour of silence, thousands of organizations are asked for at once; one query for
all who wait costs little more than one for the first. They may ask for different tenants, so it sees the rows of all.
"""

from collections.abc import Sequence
from uuid import UUID

from tollkeeper.identity import ApiKey, find_keys
from tollkeeper.infra import Runtime
from tollkeeper.orgs import Organization, find_organizations

from . import store
from .model import Standing
from .queueing import Batcher, unforeseen


class Lookups:
    """What is looked up in the database, by what is known of it. None: there is none."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.keys: Batcher[bytes, ApiKey | None] = Batcher(unforeseen(self._keys))
        self.organizations: Batcher[str, Organization | None] = Batcher(unforeseen(self._organizations))
        self.standings: Batcher[UUID, Standing | None] = Batcher(unforeseen(self._standings))

    async def _keys(self, digests: Sequence[bytes]) -> Sequence[ApiKey | None]:
        async with self._runtime.transaction(of_all=True) as tx:
            found = await find_keys(tx, digests)
        return [found.get(each) for each in digests]

    async def _organizations(self, refs: Sequence[str]) -> Sequence[Organization | None]:
        async with self._runtime.transaction(of_all=True) as tx:
            found = await find_organizations(tx, refs)
        return [found.get(each) for each in refs]

    async def _standings(self, organization_ids: Sequence[UUID]) -> Sequence[Standing | None]:
        async with self._runtime.transaction(of_all=True) as tx:
            found = await store.find_standings(tx, organization_ids)
        return [found.get(each) for each in organization_ids]
