"""Use cases of people with several organizations: founding one, naming it, and which one a login acts for."""

from dataclasses import dataclass
from uuid import UUID

from tollkeeper.identity import OpenedSession, TokenPair, move_session, move_tokens
from tollkeeper.infra import Tx
from tollkeeper.kit import Actor, ActorKind
from tollkeeper.orgs.model import (
    Member,
    NoOrganizationError,
    Organization,
    OrganizationNotFoundError,
    PersonNeededError,
)
from tollkeeper.orgs.service import create_organization, get_organization, member_of

from . import store
from .model import TeamPlace


@dataclass(frozen=True, slots=True)
class Moved:
    """A login that acts for another organization now: a browser's has a new session token, a program's new tokens."""

    member: Member
    session: OpenedSession | None
    tokens: TokenPair | None


async def organizations_of(tx: Tx, user_id: UUID) -> list[TeamPlace]:
    """Return the organizations a person belongs to, by when they joined; those that suspended them are left out."""
    return list(await store.places(tx, user_id))


async def found_organization(tx: Tx, user_id: UUID, name: str) -> TeamPlace:
    """Make an organization that the person owns. `name` comes cleaned. Their login acts for it once it is moved."""
    organization = await create_organization(tx, name, user_id)
    return next(each for each in await store.places(tx, user_id) if each.organization.id == organization.id)


async def move_login(tx: Tx, actor: Actor, organization_id: UUID) -> Moved:
    """Have the caller's login act for another organization of theirs; what it proved and when it ends stay.

    Raises:
        PersonNeededError: the caller is not logged in, but a key.
        OrganizationNotFoundError: there is none, or they do not belong to it, or are suspended.
        UnauthenticatedError: the login has ended.
    """
    if actor.user_id is None or actor.credential_id is None:
        raise PersonNeededError
    try:
        member = await member_of(tx, actor.user_id, organization_id)
    except NoOrganizationError:
        raise OrganizationNotFoundError from None
    await store.change(tx, organization_id, actor.user_id, entered_at=tx.now)
    await tx.record(
        "login.moved",
        target=(actor.kind, actor.credential_id),
        organization_id=organization_id,
        before={"organization": str(actor.organization_id)},
        after={"organization": str(organization_id)},
    )
    if actor.kind is ActorKind.SESSION:
        return Moved(member, await move_session(tx, actor.credential_id, organization_id), None)
    return Moved(member, None, await move_tokens(tx, actor.credential_id, organization_id))


async def rename_organization(tx: Tx, organization_id: UUID, name: str) -> Organization:
    """Give the organization another name, which comes cleaned.

    Raises:
        OrganizationNotFoundError: there is none.
    """
    before = await get_organization(tx, organization_id)
    if before.name != name:
        await store.rename(tx, organization_id, name)
        await tx.record(
            "organization.renamed",
            target=("organization", organization_id),
            organization_id=organization_id,
            before={"name": before.name},
            after={"name": name},
        )
    return await get_organization(tx, organization_id)
