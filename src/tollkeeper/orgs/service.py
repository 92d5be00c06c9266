"""Use cases of organizations: joining, logging in, and who may speak for whom."""

from collections.abc import Collection
from uuid import UUID

from tollkeeper.identity import (
    RefreshRefusal,
    TokenPair,
    close_login,
    get_user,
    note_arrival,
    open_session,
    open_tokens,
    register_user,
    rotate,
)
from tollkeeper.infra import Tx
from tollkeeper.kit import (
    Actor,
    ActorKind,
    FieldProblem,
    InvalidInputError,
    Page,
    new_id,
    page_by_id,
    parse_id,
)

from . import store
from .model import (
    Client,
    ExternalIdTakenError,
    Member,
    MembersChanged,
    NoOrganizationError,
    OperatorNeededError,
    Organization,
    OrganizationCreated,
    OrganizationNotFoundError,
    SignedIn,
)
from .roles import OWNER


async def sign_up(tx: Tx, *, email: str, password_hash: str | None, name: str, is_verified: bool = False) -> Member:
    """Register a person and give them an organization of their own; logs nobody in.

    Args:
        tx: the transaction.
        email: normalised, from `check_registration`.
        password_hash: made before the transaction; None for people who log in another way.
        name: from `check_registration`.
        is_verified: the address has been proved to be theirs.

    Raises:
        EmailTakenError: somebody has the address.
    """
    user = await register_user(tx, email=email, password_hash=password_hash, name=name, is_verified=is_verified)
    organization = await create_organization(tx, name, user.id)
    return Member(user, organization, OWNER)


async def sign_in(tx: Tx, user_id: UUID, client: Client, *, organization_id: UUID | None = None) -> SignedIn:
    """Log in a person who has proved who they are: a fresh session and a fresh family of tokens.

    They act for the organization named; None: the one they switched to last, or else joined first.

    Raises:
        NoOrganizationError: they belong to none any more.
    """
    member = await member_of(tx, user_id, organization_id)
    own = member.organization.id
    session = await open_session(tx, user_id, own, user_agent=client.user_agent, ip=client.ip)
    tokens = await open_tokens(tx, user_id, own, session_id=session.session.id)
    opened = {"session": session.session.id}
    await tx.record("login.opened", target=("user", user_id), organization_id=own, by=user_id, after=opened)
    await note_arrival(tx, member.user, client.as_device, sent_token=client.is_back)
    return SignedIn(member, session, tokens)


async def refresh(tx: Tx, refresh_token: str) -> tuple[Member, TokenPair] | RefreshRefusal:
    """Trade a refresh token for new ones.

    A refusal is a value, so that what it did is committed. Somebody who is no member any more is refused and the
    login revoked.
    """
    tokens = await rotate(tx, refresh_token)
    if isinstance(tokens, RefreshRefusal):
        return tokens
    try:
        return await member_of(tx, tokens.user_id, tokens.organization_id), tokens
    except NoOrganizationError:
        await close_login(tx, tokens.family_id)
        return RefreshRefusal.INVALID


async def member_of(tx: Tx, user_id: UUID, organization_id: UUID | None) -> Member:
    """Return the person as a member of the organization; None: of the one they switched to last, or else joined first.

    Raises:
        NoOrganizationError: they are not a member, or of none any more.
    """
    found = await store.place_of(tx, user_id, organization_id)
    if found is None:
        raise NoOrganizationError
    return Member(await get_user(tx, user_id), *found)


async def actor_of_member(
    tx: Tx, *, user_id: UUID, organization_id: UUID, kind: ActorKind, credential_id: UUID | None
) -> Actor | None:
    """Return the caller a session or token proves, with what their role allows; None when they are no member."""
    role = await store.role_of(tx, organization_id, user_id)
    if role is None:
        return None
    return Actor(kind, role.permissions, organization_id, user_id, credential_id)


async def create_organization(
    tx: Tx, name: str, owner_user_id: UUID | None, external_id: str | None = None
) -> Organization:
    """Add a customer. `owner_user_id` None: it has no members, only keys and the operator act for it.

    Raises:
        ExternalIdTakenError: another has this external id; of two at once exactly one gets it.
    """
    organization = Organization(new_id(), name, external_id, tx.now)
    if not await store.add_organization(tx, organization):
        raise ExternalIdTakenError
    await tx.record(
        "organization.created",
        target=("organization", organization.id),
        organization_id=organization.id,
        by=owner_user_id,
        after={"name": name, "external_id": external_id},
    )
    await tx.emit(OrganizationCreated(organization_id=organization.id, created_at=tx.now))
    if owner_user_id is not None:
        await store.add_member(tx, organization.id, owner_user_id, OWNER)
        await tx.emit(MembersChanged(organization_id=organization.id, seats=1, rises=True))
    return organization


async def get_organization(tx: Tx, organization_id: UUID) -> Organization:
    """Return one organization by its id.

    Raises:
        OrganizationNotFoundError: there is none.
    """
    organization = await store.organization(tx, organization_id)
    if organization is None:
        raise OrganizationNotFoundError
    return organization


async def find_organization(tx: Tx, ref: str) -> Organization | None:
    """Return the organization with this id or, failing that, this external id; None when there is none."""
    return (await find_organizations(tx, [ref])).get(ref)


async def find_organizations(tx: Tx, refs: Collection[str]) -> dict[str, Organization]:
    """Return the organizations with these ids or, failing that, external ids; what there is none of is left out."""
    ids = {ref: organization_id for ref in refs if (organization_id := parse_id(ref))}
    names = [ref for ref in refs if "\x00" not in ref]  # PostgreSQL knows no NUL: nothing can be called that
    found = await store.organizations_known_as(tx, ids.values(), names)
    by_id = {each.id: each for each in found}
    by_name = {each.external_id: each for each in found}
    known = {ref: by_id.get(ids[ref]) if ref in ids else None for ref in refs}
    return {ref: one for ref, direct in known.items() if (one := direct or by_name.get(ref))}


async def organization_for(tx: Tx, actor: Actor, customer: str | None) -> Organization:
    """Return the organization a call is about: the caller's own, or for operators the one they name.

    Args:
        tx: the transaction.
        actor: who calls.
        customer: id or external id; a member may leave it out or name their own.

    Raises:
        InvalidInputError: an operator named none.
        OrganizationNotFoundError: there is none, or it is not the caller's.
    """
    if customer is None:
        if actor.is_operator:
            raise InvalidInputError([FieldProblem("customer", "name the customer: its id or external id", "missing")])
        return await get_organization(tx, actor.own_organization())
    organization = await find_organization(tx, customer)
    if organization is None or not (actor.is_operator or organization.id == actor.organization_id):
        raise OrganizationNotFoundError
    return organization


async def list_organizations(
    tx: Tx, actor: Actor, *, cursor: UUID | None = None, limit: int = 50
) -> Page[Organization]:
    """Return one page of all customers, newest first.

    Raises:
        OperatorNeededError: the caller is not the operator.
    """
    must_be_operator(actor)
    found = await store.list_organizations(tx, before=cursor, limit=limit + 1)
    return page_by_id(found, limit)


def must_be_operator(actor: Actor) -> None:
    """Raise OperatorNeededError unless the caller is the operator."""
    if not actor.is_operator:
        raise OperatorNeededError
