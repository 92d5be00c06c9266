"""Who things in lists belong to, and what plans are called: what every list of the money side needs beside its rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from tollkeeper.catalog import plan_names
from tollkeeper.infra import Tx
from tollkeeper.orgs import find_organizations

ORGANIZATIONS = "/admin/organizations"


@dataclass(frozen=True, slots=True)
class Owner:
    """An organization as lists name it, and where its page is."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Names:
    """Organizations by id and plans by key."""

    owners: Mapping[UUID, Owner]
    plans: Mapping[str, str]

    def plan(self, key: str | None) -> str:
        """Return what a plan is called; one sold at a price that is none of ours has no name."""
        return self.plans.get(key, key) if key else "Price of another catalogue"


async def names_for(tx: Tx, organizations: Iterable[UUID], *, plans: bool = False) -> Names:
    """Return the names of these organizations and, if wanted, of all plans."""
    ids = set(organizations)
    found = await find_organizations(tx, [str(each) for each in ids]) if ids else {}
    unknown = Owner("Unknown", "")
    owners = {each.id: Owner(each.name, f"{ORGANIZATIONS}/{each.id}") for each in found.values()}
    return Names(dict.fromkeys(ids, unknown) | owners, await plan_names(tx) if plans else {})
