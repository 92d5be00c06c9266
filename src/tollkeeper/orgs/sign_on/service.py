"""Use cases of signing in elsewhere as organizations see it: who comes in as whom, and what they set up for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from tollkeeper.identity import find_credentials, get_user, register_user
from tollkeeper.identity.elsewhere import (
    AccountNotLinkedError,
    EmailNotVouchedError,
    Provider,
    Vouched,
    forget_provider,
    identify,
    link,
    uses_provider,
)
from tollkeeper.infra import Runtime, Tx, make_secret
from tollkeeper.kit import Actor, new_id
from tollkeeper.orgs.roles import RoleNotFoundError, TeamRole, must_cover, role_named
from tollkeeper.orgs.service import get_organization, sign_up
from tollkeeper.orgs.teams import MemberNotFoundError, OwnerNeededError, admit, authority_of, find_member

from . import store
from .model import (
    SECRET_PURPOSE,
    Connection,
    ConnectionNotFoundError,
    Domain,
    DomainNotFoundError,
    DomainTakenError,
    PasswordsNeededError,
    ShownBy,
    SsoRequiredError,
)
from .rules import check_domain, domain_of

DEFAULT_ROLE = "viewer"


@dataclass(frozen=True, slots=True)
class Entered:
    """Whom a provider brought. `organization_id` is whose connection it was; None: a provider of the settings."""

    user_id: UUID
    organization_id: UUID | None


@dataclass(frozen=True, slots=True)
class ConnectionWish:
    """What is to change about a connection; None leaves it. An empty secret takes it away."""

    issuer: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    role: str | None = None
    passwords: bool | None = None


async def come_in(tx: Tx, known: Vouched, provider: Provider, connection: Connection | None) -> Entered:
    """Return who of ours somebody is, making an account or linking one where that cannot hijack.

    An account that is there is linked when both sides have verified the address, and never else. Over an
    organization's connection only addresses of its domains come in, each time, and whoever comes is made a member.

    Raises:
        EmailNotVouchedError: a new person, or one over a connection, without an address that counts.
        AccountNotLinkedError: there is an account whose address nobody has verified.
        QuotaExceededError: the organization's plan has no seat left.
    """
    user_id = await identify(tx, known)
    counts = known.email is not None and provider.speaks_for(_ascii(known.email))
    if not counts and (user_id is None or connection is not None):
        raise EmailNotVouchedError
    if user_id is None and known.email is not None:
        user_id = await _person_of(tx, known.email, known.name, connection)
        await link(tx, user_id, known)
    if user_id is None:
        raise EmailNotVouchedError
    if connection is not None:
        await _make_member(tx, connection, user_id)
    return Entered(user_id, connection.organization_id if connection else None)


async def _person_of(tx: Tx, email: str, name: str, connection: Connection | None) -> UUID:
    """Return whose verified address this is; a new person where it is nobody's."""
    there = await find_credentials(tx, email)
    if there is not None:
        if (await get_user(tx, there.user_id)).verified_at is None:
            raise AccountNotLinkedError
        return there.user_id
    shown = name or email.partition("@")[0]
    if connection is None:
        return (await sign_up(tx, email=email, password_hash=None, name=shown, is_verified=True)).user.id
    return (await register_user(tx, email=email, password_hash=None, name=shown, is_verified=True)).id


async def _make_member(tx: Tx, connection: Connection, user_id: UUID) -> None:
    try:
        await find_member(tx, connection.organization_id, user_id)
    except MemberNotFoundError:
        await admit(tx, connection.organization_id, user_id, await role_for_newcomers(tx, connection))


async def role_for_newcomers(tx: Tx, connection: Connection) -> TeamRole:
    """Return what people who come over the connection may do; the least when its role is gone."""
    try:
        return await role_named(tx, connection.organization_id, connection.role)
    except RoleNotFoundError:
        return await role_named(tx, connection.organization_id, DEFAULT_ROLE)


async def must_allow_password(tx: Tx, email: str) -> None:
    """Refuse passwords to people whose organization has them log in over its own issuer.

    It is the same whether there is an account with the address or not.

    Raises:
        SsoRequiredError: the domain's organization forbids passwords.
    """
    connection = await store.connection_for(tx, domain_of(email))
    if connection is not None and not connection.passwords:
        raise SsoRequiredError


async def connection_for(tx: Tx, email: str) -> Connection:
    """Return over which connection somebody with this normalised address signs in.

    Raises:
        ConnectionNotFoundError: their domain has none.
    """
    return _found(await store.connection_for(tx, domain_of(email)))


async def connection_of(tx: Tx, organization_id: UUID) -> Connection:
    """Return an organization's connection.

    Raises:
        ConnectionNotFoundError: it has none.
    """
    return _found(await store.connection_of(tx, organization_id))


async def provider_of_connection(tx: Tx, connection_id: UUID) -> tuple[Provider, Connection]:
    """Return who vouches over a connection, with its secret.

    Raises:
        ConnectionNotFoundError: there is none.
    """
    connection = _found(await store.connection(tx, connection_id))
    return await _provider(tx, connection), connection


async def list_domains(tx: Tx, organization_id: UUID) -> Sequence[Domain]:
    """Return what the organization claims, by name."""
    return await store.domains_of(tx, organization_id)


async def holds_domain_of(tx: Tx, organization_id: UUID, email: str) -> bool:
    """Whether the domain of this normalised address was shown to be the organization's."""
    name = domain_of(email)
    held = await store.domains_of(tx, organization_id)
    return any(each.name == name and each.verified_at is not None for each in held)


async def claim_domain(tx: Tx, organization_id: UUID, text: str) -> Domain:
    """Begin to claim a domain; it counts once it was shown to be theirs. Claiming twice is no error.

    Raises:
        InvalidInputError: it is no domain, or one where everybody can have an address.
    """
    name = check_domain(text)
    domain = Domain(new_id(), organization_id, name, make_secret(), tx.now)
    if await store.add_domain(tx, domain):
        after = {"domain": name}
        await tx.record("domain.claimed", target=("domain", domain.id), organization_id=organization_id, after=after)
        return domain
    return next(each for each in await store.domains_of(tx, organization_id) if each.name == name)


async def find_domain(tx: Tx, organization_id: UUID, domain_id: UUID) -> Domain:
    """Return a claim of the organization, which nobody else changes until the end of the transaction.

    Raises:
        DomainNotFoundError: it has no such claim.
    """
    domain = await store.domain(tx, organization_id, domain_id)
    if domain is None:
        raise DomainNotFoundError
    return domain


async def accept_domain(tx: Tx, domain: Domain, shown_by: ShownBy) -> Domain:
    """Have a domain count as the organization's: its record was seen, or the operator says so.

    Raises:
        DomainTakenError: another organization holds it; of two at once exactly one gets it.
    """
    if domain.verified_at is not None:
        return domain
    if not await store.verify_domain(tx, domain.id, shown_by):
        raise DomainTakenError
    after = {"domain": domain.name, "shown_by": shown_by.value}
    await tx.record(
        "domain.verified", target=("domain", domain.id), organization_id=domain.organization_id, after=after
    )
    return replace(domain, verified_at=tx.now, verified_by=shown_by)


async def release_domain(tx: Tx, organization_id: UUID, domain_id: UUID) -> None:
    """Give a domain up: nobody comes in with its addresses any more, and passwords are taken again.

    Raises:
        DomainNotFoundError: it has no such claim.
    """
    domain = await find_domain(tx, organization_id, domain_id)
    await store.remove_domain(tx, domain.id)
    await tx.record(
        "domain.released", target=("domain", domain.id), organization_id=organization_id, before={"domain": domain.name}
    )


async def set_up_connection(tx: Tx, actor: Actor, organization_id: UUID, wish: ConnectionWish) -> Connection:
    """Set up the organization's connection, or change it. Another issuer or client has passwords taken again.

    An issuer's word lets in whoever has an address of the organization's domains, its owners included. So whose word
    counts is for an owner to say.

    Raises:
        ConnectionNotFoundError: there is none yet, and issuer or client are not given.
        RoleNotFoundError: there is no such role.
        OwnerNeededError: the role is that of owners, whom no connection makes; or somebody else than an owner names
            another issuer or client.
        RoleBeyondYoursError: newcomers are to get a role that may do more than the caller.
        PasswordsNeededError: passwords are to be forbidden by somebody who has not signed in over it as it is now.
    """
    before = await store.connection_of(tx, organization_id)
    connection = _changed(tx, organization_id, before, wish)
    role, by = await role_named(tx, organization_id, connection.role), await authority_of(tx, actor, organization_id)
    if role.is_owner:
        raise OwnerNeededError("A connection makes no owners.")
    if wish.role is not None:
        must_cover(by.permissions, role.permissions)
    if not by.is_owner and (before is None or _is_another(before, connection)):
        raise OwnerNeededError("Whose word counts for everybody, owners included, is for an owner to say.")
    if not connection.passwords and wish.passwords is False:
        tried = actor.user_id is not None and before is not None and await _tried(tx, actor.user_id, connection)
        if not (tried or actor.is_operator):
            raise PasswordsNeededError
    await store.put_connection(tx, connection)
    await tx.record(
        "sso.changed",
        target=("sso_connection", connection.id),
        organization_id=organization_id,
        before=_shown(before) if before else None,
        after=_shown(connection),
    )
    return connection


async def remove_connection(tx: Tx, organization_id: UUID) -> None:
    """Take the connection away, and what people linked over it; who has no password can reset it.

    Raises:
        ConnectionNotFoundError: there is none.
    """
    connection = await connection_of(tx, organization_id)
    await store.remove_connection(tx, organization_id)
    await forget_provider(tx, str(connection.id))
    await tx.record(
        "sso.removed",
        target=("sso_connection", connection.id),
        organization_id=organization_id,
        before=_shown(connection),
    )


def _changed(tx: Tx, organization_id: UUID, before: Connection | None, wish: ConnectionWish) -> Connection:
    if before is None:
        if wish.issuer is None or wish.client_id is None:
            raise ConnectionNotFoundError("Give `issuer` and `client_id` to set it up.")
        before = Connection(new_id(), organization_id, "", "", "", DEFAULT_ROLE, passwords=True, created_at=tx.now)
    secret = before.client_secret if wish.client_secret is None else _sealed(tx.runtime, wish.client_secret)
    changed = replace(
        before,
        issuer=wish.issuer or before.issuer,
        client_id=wish.client_id or before.client_id,
        client_secret=secret,
        role=wish.role or before.role,
        passwords=before.passwords if wish.passwords is None else wish.passwords,
    )
    is_another = _is_another(before, changed)
    if is_another and wish.passwords is False:
        raise PasswordsNeededError
    return replace(changed, passwords=True) if is_another else changed


def _is_another(before: Connection, changed: Connection) -> bool:
    told = [(each.issuer, each.client_id, each.client_secret) for each in (before, changed)]
    return told[0] != told[1]


async def _tried(tx: Tx, user_id: UUID, connection: Connection) -> bool:
    return await uses_provider(tx, user_id, connection.provider("", frozenset()))


async def _provider(tx: Tx, connection: Connection) -> Provider:
    organization = await get_organization(tx, connection.organization_id)
    held = frozenset(each.name for each in await store.domains_of(tx, organization.id) if each.verified_at is not None)
    opened = replace(connection, client_secret=_opened(tx.runtime, connection.client_secret))
    return opened.provider(organization.name, held)


def _shown(connection: Connection) -> dict[str, object]:
    return {
        "issuer": connection.issuer,
        "client_id": connection.client_id,
        "role": connection.role,
        "passwords": connection.passwords,
    }


def _found(connection: Connection | None) -> Connection:
    if connection is None:
        raise ConnectionNotFoundError
    return connection


def _ascii(email: str) -> str:
    return f"@{domain_of(email)}"


def _sealed(runtime: Runtime, secret: str) -> str:
    return runtime.seal(SECRET_PURPOSE).close(secret.encode()) if secret else ""


def _opened(runtime: Runtime, sealed: str) -> str:
    content = runtime.seal(SECRET_PURPOSE).open(sealed) if sealed else b""
    if content is None:
        raise ConnectionNotFoundError(log="the client secret cannot be opened; its key is gone")
    return content.decode()
