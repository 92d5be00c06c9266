"""Signing in elsewhere, from the button to what is committed. No transaction is open while others are asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from tollkeeper.identity import SecondFactorNeededError, Session, get_user
from tollkeeper.identity.elsewhere import (
    AttemptEndedError,
    Outside,
    Provider,
    ProviderNotFoundError,
    link,
    new_attempt,
    open_attempt,
    providers,
    seal_attempt,
)
from tollkeeper.infra import Runtime
from tollkeeper.kit import id_or
from tollkeeper.orgs.model import Client, SignedIn
from tollkeeper.orgs.service import sign_in
from tollkeeper.orgs.sign_on import (
    Connection,
    ConnectionNotFoundError,
    come_in,
    must_allow_password,
    provider_of_connection,
)
from tollkeeper.orgs.teams import organizations_of

from .second_step import check_second_factor


@dataclass(frozen=True, slots=True)
class Departure:
    """A browser on its way out: where to, and what it keeps until it is back."""

    url: str
    kept: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A browser that is back: logged in, or with a code still needed; with neither, a login has linked something.

    `organization_id` is for which it comes in once the code is there; None: any of the person's.
    """

    next: str
    signed_in: SignedIn | None = None
    needed: SecondFactorNeededError | None = None
    organization_id: UUID | None = None


async def begin_elsewhere(
    runtime: Runtime, key: str, *, base: str, next_path: str, linking: Session | None = None, hint: str = ""
) -> Departure:
    """Send a browser to a provider, or an organization's connection, of this key.

    Args:
        runtime: of this process.
        key: of the provider, or the connection's id.
        base: the address customers reach this server at.
        next_path: a path of our own, to go to afterwards.
        linking: the login that wants to link; None signs in.
        hint: the address to suggest there.

    Raises:
        ProviderNotFoundError: there is none, or a connection is to be linked: people come over it, and that is all.
        ProviderDownError: it does not answer.
    """
    provider, connection = await _provider(runtime, key)
    if linking is not None and connection is not None:
        raise ProviderNotFoundError
    outside = runtime.part(Outside)
    attempt = new_attempt(key, next_path, str(linking.id) if linking else None, outside.now())
    url = await outside.departure(provider, attempt, callback_url(base, key), hint)
    return Departure(url, seal_attempt(runtime, attempt))


async def finish_elsewhere(
    runtime: Runtime,
    key: str,
    *,
    base: str,
    kept: str,
    answer: Mapping[str, str],
    session: Session | None,
    client: Client,
) -> Arrival:
    """Take a browser that is back: log it in, or link what it brought to the login that asked for it.

    Raises:
        AttemptEndedError: this browser began no such attempt, or another login of it did.
        SignInRefusedError: the provider or the person said no.
        SignInBrokenError: the answer proves nothing.
        ProviderDownError: the provider does not answer.
        SsoRequiredError: people of this domain log in over their organization alone.
        EmailNotVouchedError, AccountNotLinkedError, IdentityTakenError, NoOrganizationError: as their docs say.
    """
    provider, connection = await _provider(runtime, key)
    attempt = open_attempt(runtime, kept)
    known = await runtime.part(Outside).finish(provider, attempt, callback_url(base, key), answer)
    if attempt.session_id is not None:
        if session is None or str(session.id) != attempt.session_id:
            raise AttemptEndedError
        async with runtime.transaction() as tx:
            await link(tx, session.user_id, known)
        return Arrival(attempt.next)
    async with runtime.transaction() as tx:
        entered = await come_in(tx, known, provider, connection)
        if connection is None:
            await must_allow_password(tx, (await get_user(tx, entered.user_id)).email)
        places = await organizations_of(tx, entered.user_id)
    elsewhere = any(each.organization.id != entered.organization_id for each in places)
    # An issuer that is the only way in sees to that itself, for its own organization: the login reaches others, too.
    if connection is None or connection.passwords or elsewhere:
        try:
            await check_second_factor(runtime, entered.user_id, None)
        except SecondFactorNeededError as needed:
            return Arrival(attempt.next, needed=needed, organization_id=entered.organization_id)
    async with runtime.transaction() as tx:
        signed_in = await sign_in(tx, entered.user_id, client, organization_id=entered.organization_id)
    return Arrival(attempt.next, signed_in)


async def _provider(runtime: Runtime, key: str) -> tuple[Provider, Connection | None]:
    known = providers(runtime).get(key)
    if known is not None:
        return known, None
    connection_id = id_or(key, ProviderNotFoundError)
    try:
        async with runtime.transaction() as tx:
            return await provider_of_connection(tx, connection_id)
    except ConnectionNotFoundError as error:
        raise ProviderNotFoundError(log=error.log) from None


def callback_url(base: str, key: str) -> str:
    """Return where a provider is to send browsers back to; one address each, so that none answers for another."""
    return f"{base}/auth/elsewhere/{key}/callback"
