"""Use cases of signing in elsewhere: whom a provider's word stands for, linking and unlinking."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from tollkeeper.identity.factors import factors_of
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import new_id

from . import store
from .model import (
    Attempt,
    AttemptEndedError,
    Identity,
    IdentityNotFoundError,
    IdentityTakenError,
    LastWayInError,
    Provider,
    ProviderNotFoundError,
    Vouched,
)
from .rules import packed, provider_of, unpacked

_PURPOSE = "signing in elsewhere"


def providers(runtime: Runtime) -> Mapping[str, Provider]:
    """Return the providers of the settings by key, in their order."""
    return {each.key: provider_of(each) for each in runtime.settings.sign_in}


def provider_named(runtime: Runtime, key: str) -> Provider:
    """Return a provider of the settings.

    Raises:
        ProviderNotFoundError: there is none of this key.
    """
    found = providers(runtime).get(key)
    if found is None:
        raise ProviderNotFoundError
    return found


def seal_attempt(runtime: Runtime, attempt: Attempt) -> str:
    """Return the attempt as the browser keeps it: nobody else can make or read one."""
    return runtime.seal(_PURPOSE).close(packed(attempt))


def open_attempt(runtime: Runtime, kept: str) -> Attempt:
    """Return the attempt a browser kept.

    Raises:
        AttemptEndedError: it kept none, or none of ours.
    """
    content = runtime.seal(_PURPOSE).open(kept) if kept else None
    if content is None:
        raise AttemptEndedError
    return unpacked(content)


async def identify(tx: Tx, known: Vouched) -> UUID | None:
    """Return who of ours the provider vouches for, noting the use; None: nobody has linked this."""
    identity = await store.find(tx, known)
    if identity is None:
        return None
    await store.touch(tx, identity.id, known.email)
    return identity.user_id


async def link(tx: Tx, user_id: UUID, known: Vouched) -> None:
    """Let somebody sign in with this from now on. Linking what is one's own already is no error.

    The caller has proved that both are the same person's: somebody logged in brought it back, or both the provider
    and we have verified the same address.

    Raises:
        IdentityTakenError: somebody else has linked it; of two at once exactly one gets it.
    """
    identity = Identity(
        id=new_id(),
        user_id=user_id,
        provider=known.provider,
        issuer=known.issuer,
        subject=known.subject,
        email=known.email,
        created_at=tx.now,
        last_used_at=tx.now,
    )
    if await store.add(tx, identity):
        after = {"provider": known.provider, "issuer": known.issuer}
        await tx.record("identity.linked", target=("user", user_id), after=after, by=user_id)
    elif await identify(tx, known) != user_id:
        raise IdentityTakenError


async def list_identities(tx: Tx, user_id: UUID) -> Sequence[Identity]:
    """Return what somebody has linked, oldest first."""
    return await store.of_person(tx, user_id)


async def unlink(tx: Tx, user_id: UUID, identity_id: UUID) -> None:
    """Let somebody not sign in with this any more.

    Raises:
        IdentityNotFoundError: they have linked no such thing.
        LastWayInError: they would have no way to log in.
    """
    has_password = await store.lock_person(tx, user_id)
    linked = await store.of_person(tx, user_id)
    identity = next((each for each in linked if each.id == identity_id), None)
    if identity is None:
        raise IdentityNotFoundError
    if not has_password and len(linked) == 1 and not (await factors_of(tx, user_id)).passkeys:
        raise LastWayInError
    await store.remove(tx, identity_id)
    before = {"provider": identity.provider, "issuer": identity.issuer}
    await tx.record("identity.unlinked", target=("user", user_id), before=before)


async def unlink_all(tx: Tx, user_id: UUID) -> None:
    """Let somebody sign in with nothing that was linked; without a password they have to choose one by mail."""
    if unlinked := await store.remove_of_person(tx, user_id):
        await tx.record("identity.unlinked", target=("user", user_id), before={"identities": unlinked}, by=user_id)


async def uses_provider(tx: Tx, user_id: UUID, provider: Provider) -> bool:
    """Whether somebody has signed in with this provider, as it is set up now."""
    return await store.uses_provider(tx, user_id, provider.key, provider.issuer)


async def forget_provider(tx: Tx, key: str) -> None:
    """Let nobody sign in any more with what was linked at this provider; it is gone."""
    await store.remove_provider(tx, key)
