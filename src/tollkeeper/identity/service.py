"""Use cases of identity. Nothing here hashes a password or commits: the edge does both."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tollkeeper.infra import Tx, differences, digest, make_secret
from tollkeeper.kit import Permission, UnauthenticatedError, new_id

from . import store
from .model import (
    ACCESS_TOKEN_LIFE,
    REFRESH_TOKEN_LIFE,
    SESSION_LIFE,
    ApiKey,
    Credentials,
    EmailTakenError,
    KeyEndedError,
    KeyKind,
    KeyNotFoundError,
    Network,
    OpenedSession,
    RefreshRefusal,
    Session,
    TokenFamily,
    TokenPair,
    Unchanged,
    User,
)
from .rules import check_key_expiry, csrf_token, key_digest, make_key_secret, shown_parts
from .tokens import make_access_token, make_refresh_token, read_refresh_token

_TOUCH_EVERY = timedelta(minutes=1)
_MAX_USER_AGENT = 400
_MAX_IP = 64


async def register_user(tx: Tx, *, email: str, password_hash: str | None, name: str, is_verified: bool = False) -> User:
    """Add a person. `email` and `name` come out of `check_registration`; `is_verified`: the address is proved theirs.

    Raises:
        EmailTakenError: somebody has the address, in whatever spelling; of two at once exactly one gets it.
    """
    user = User(new_id(), email, name, "UTC", tx.now, verified_at=tx.now if is_verified else None)
    if not await store.add_user(tx, user, password_hash):
        raise EmailTakenError
    await tx.record("user.registered", target=("user", user.id), after={"email": email, "name": name}, by=user.id)
    return user


async def find_credentials(tx: Tx, email: str) -> Credentials | None:
    """Return what a login under this normalised address is checked against; None when nobody has it."""
    return await store.credentials(tx, email)


async def get_user(tx: Tx, user_id: UUID) -> User:
    """Return the person a credential speaks for.

    Raises:
        UnauthenticatedError: the person is gone, so the credential is worth nothing.
    """
    user = await store.user(tx, user_id)
    if user is None:
        raise UnauthenticatedError
    return user


async def find_users(tx: Tx, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Return the people of these ids; those that are gone are left out."""
    return {each.id: each for each in await store.users_of(tx, user_ids)}


async def change_profile(
    tx: Tx, user_id: UUID, *, name: str | None = None, time_zone: str | None = None, locale: str | None = None
) -> User:
    """Change what is given and leave what is None; values come checked (`clean_name`, `check_time_zone`, ...)."""
    wanted = {"name": name, "time_zone": time_zone, "locale": locale}
    changes = {key: value for key, value in wanted.items() if value is not None}
    before = await get_user(tx, user_id)
    user = await store.change_user(tx, user_id, changes) if changes else before
    if user is None:
        raise UnauthenticatedError
    if user != before:
        was, is_now = differences(asdict(before), asdict(user))
        await tx.record("user.changed", target=("user", user_id), before=was, after=is_now)
    return user


async def open_session(
    tx: Tx,
    user_id: UUID,
    organization_id: UUID,
    *,
    user_agent: str = "",
    ip: str = "",
    life: timedelta = SESSION_LIFE,
    impersonator_id: UUID | None = None,
) -> OpenedSession:
    """Log a browser in under a fresh token; `user_agent` and `ip` are for the person's own list of sessions.

    `impersonator_id` is the member of staff whose browser it is: such a session never counts as freshly proved.
    """
    token = make_secret()
    session = Session(
        id=new_id(),
        user_id=user_id,
        organization_id=organization_id,
        user_agent=user_agent[:_MAX_USER_AGENT],
        ip=ip[:_MAX_IP],
        created_at=tx.now,
        last_seen_at=tx.now,
        expires_at=tx.now + life,
        proved_at=None if impersonator_id else tx.now,
        impersonator_id=impersonator_id,
    )
    await store.add_session(tx, session, digest(token))
    return OpenedSession(token, csrf_token(token), session.expires_at, session)


async def session_of(tx: Tx, token: str) -> Session | None:
    """Return the open session this cookie belongs to, noting its use once a minute; None when there is none."""
    session = await store.session_by_digest(tx, digest(token))
    if session is None or not session.is_open(tx.now, tx.runtime.settings.session_idle):
        return None
    if tx.now - session.last_seen_at < _TOUCH_EVERY:
        return session
    await store.touch_session(tx, session.id, tx.now)
    return replace(session, last_seen_at=tx.now)


async def close_session(tx: Tx, session_id: UUID) -> None:
    """Log the browser out, and with it the tokens given out by the same login. Closing twice is no error."""
    for family_id in await store.revoke_families_of_session(tx, session_id, tx.now):
        await tx.changed("login", family_id)
    await _remove_session(tx, session_id)


async def _remove_session(tx: Tx, session_id: UUID) -> None:
    closed = await store.remove_session(tx, session_id)
    if closed is not None:
        whose, target = closed.organization_id, ("user", closed.user_id)
        action = "impersonation.ended" if closed.impersonator_id else "login.closed"
        await tx.record(action, target=target, organization_id=whose, before={"session": session_id})
        await tx.changed("session", session_id)


async def open_tokens(tx: Tx, user_id: UUID, organization_id: UUID, *, session_id: UUID | None = None) -> TokenPair:
    """Log a program in. `session_id` is the session the same login opened: they end together at a logout."""
    family = TokenFamily(
        id=new_id(),
        user_id=user_id,
        organization_id=organization_id,
        session_id=session_id,
        current_token_id=new_id(),
        created_at=tx.now,
        expires_at=tx.now + REFRESH_TOKEN_LIFE,
        revoked_at=None,
        proved_at=tx.now,
    )
    await store.add_family(tx, family)
    return pair_of(tx, family)


async def rotate(tx: Tx, refresh_token: str) -> TokenPair | RefreshRefusal:
    """Trade a refresh token for a new pair.

    A refusal is a value, so that what it did is committed: presenting a spent token revokes the whole login.
    """
    claims = read_refresh_token(tx.runtime.settings, refresh_token, tx.now)
    family = await store.lock_family(tx, claims.family_id) if claims else None
    if claims is None or family is None or family.revoked_at is not None or family.expires_at <= tx.now:
        return RefreshRefusal.INVALID
    if claims.token_id != family.current_token_id:
        await tx.record("login.token_reused", target=("user", family.user_id), organization_id=family.organization_id)
        await close_login(tx, family.id)
        return RefreshRefusal.REUSED
    family = replace(family, current_token_id=new_id(), expires_at=tx.now + REFRESH_TOKEN_LIFE)
    await store.spend_token(tx, family.id, next_token_id=family.current_token_id, expires_at=family.expires_at)
    return pair_of(tx, family)


async def close_login(tx: Tx, family_id: UUID) -> None:
    """Revoke a family of tokens, with the access tokens given out before, and close the session of the same login."""
    revoked, session_id = await store.revoke_login(tx, family_id, tx.now)
    for each in revoked or [family_id]:
        await tx.changed("login", each)
    if session_id is not None:
        await _remove_session(tx, session_id)


async def is_login_open(tx: Tx, family_id: UUID) -> bool:
    """Whether access tokens of this login are still good, as far as they are not too old themselves."""
    return await store.is_family_open(tx, family_id)


async def close_login_of(tx: Tx, refresh_token: str) -> None:
    """Log out by a refresh token; one that is not valid does nothing."""
    claims = read_refresh_token(tx.runtime.settings, refresh_token, tx.now)
    if claims is not None:
        await close_login(tx, claims.family_id)


def pair_of(tx: Tx, family: TokenFamily) -> TokenPair:
    """Sign the tokens a login has just been given."""
    settings = tx.runtime.settings
    return TokenPair(
        access_token=make_access_token(settings, family, tx.now),
        refresh_token=make_refresh_token(settings, family, tx.now),
        expires_in=int(ACCESS_TOKEN_LIFE.total_seconds()),
        user_id=family.user_id,
        organization_id=family.organization_id,
        family_id=family.id,
    )


async def create_key(
    tx: Tx,
    *,
    organization_id: UUID | None,
    created_by: UUID | None,
    name: str,
    kind: KeyKind,
    scopes: Sequence[Permission] = (),
    expires_at: datetime | None = None,
    per_minute: int | None = None,
    networks: tuple[Network, ...] = (),
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is never to be seen again.

    `organization_id` is None for operator keys and only for them. Empty `scopes` give what the kind may by default.
    `per_minute` is how many calls a minute it may make; None: as many as its organization. `networks` come out of
    `check_networks`; empty: it may be used from anywhere.

    Raises:
        InvalidInputError: `expires_at` is not in the future.
    """
    check_key_expiry(expires_at, tx.now)
    secret = make_key_secret(kind)
    prefix, last_four = shown_parts(secret)
    key = ApiKey(
        id=new_id(),
        organization_id=organization_id,
        created_by=created_by,
        name=name,
        kind=kind,
        scopes=tuple(dict.fromkeys(scopes)),
        prefix=prefix,
        last_four=last_four,
        created_at=tx.now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
        use_count=0,
        per_minute=per_minute,
        networks=networks,
    )
    await store.add_key(tx, key, key_digest(secret))
    await _record_key(tx, "key.created", key, after=_told(key))
    return key, secret


async def get_key(tx: Tx, organization_id: UUID | None, key_id: UUID) -> ApiKey:
    """Return one of the organization's keys (None: an operator's), good or not.

    Raises:
        KeyNotFoundError: the organization has no such key.
    """
    key = await store.find_key(tx, organization_id, key_id)
    if key is None:
        raise KeyNotFoundError
    return key


async def rotate_key(
    tx: Tx, organization_id: UUID | None, key_id: UUID, *, grace_seconds: int = 0
) -> tuple[ApiKey, str]:
    """Give the key a new secret; the old ones are accepted for `grace_seconds` more at most, 0 ends them now.

    Raises:
        KeyNotFoundError: the organization has no such key.
        KeyEndedError: it is revoked or expired.
    """
    key = await _own_good_key(tx, organization_id, key_id)
    secret = make_key_secret(key.kind)
    prefix, last_four = shown_parts(secret)
    key = replace(key, prefix=prefix, last_four=last_four)
    await store.replace_secret(tx, key, key_digest(secret), old_until=tx.now + timedelta(seconds=grace_seconds))
    await _record_key(tx, "key.rotated", key, after={"last_four": last_four, "grace_seconds": grace_seconds})
    await tx.changed("key", key.id)
    return key, secret


async def revoke_key(tx: Tx, organization_id: UUID | None, key_id: UUID) -> None:
    """End the key at once. Revoking twice is no error.

    Raises:
        KeyNotFoundError: the organization has no such key.
    """
    key = await _own_key(tx, organization_id, key_id)
    if key.revoked_at is None:
        await store.revoke_key(tx, key.id, tx.now)
        await _record_key(tx, "key.revoked", key)
        await tx.changed("key", key.id)


async def change_key(
    tx: Tx,
    organization_id: UUID | None,
    key_id: UUID,
    *,
    name: str | None = None,
    per_minute: int | Unchanged | None = Unchanged.UNCHANGED,
    networks: tuple[Network, ...] | None = None,
) -> ApiKey:
    """Rename the key (None: keep the name), let it make so many calls a minute (None: as many as its organization), or
    have it used from these networks only (empty: from anywhere; None: as before).

    Raises:
        KeyNotFoundError: the organization has no such key.
        KeyEndedError: it is revoked or expired.
    """
    key = await _own_good_key(tx, organization_id, key_id)
    rate = key.per_minute if isinstance(per_minute, Unchanged) else per_minute
    places = key.networks if networks is None else networks
    changed = replace(key, name=name or key.name, per_minute=rate, networks=places)
    if changed != key:
        await store.change_key(tx, changed)
        was, is_now = differences(_told(key), _told(changed))
        await _record_key(tx, "key.changed", key, before=was, after=is_now)
        await tx.changed("key", key.id)
    return changed


async def _own_good_key(tx: Tx, organization_id: UUID | None, key_id: UUID) -> ApiKey:
    key = await _own_key(tx, organization_id, key_id)
    problem = key.problem(tx.now)
    if problem is not None:
        raise KeyEndedError(f"This API key is {problem}.")
    return key


async def _own_key(tx: Tx, organization_id: UUID | None, key_id: UUID) -> ApiKey:
    key = await store.lock_key(tx, organization_id, key_id)
    if key is None:
        raise KeyNotFoundError
    return key


async def _record_key(
    tx: Tx, action: str, key: ApiKey, *, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None
) -> None:
    target = ("key", key.id)
    await tx.record(action, target=target, organization_id=key.organization_id, before=before, after=after)


def _told(key: ApiKey) -> dict[str, Any]:
    """What the trail says of a key."""
    return {
        "name": key.name,
        "kind": key.kind,
        "scopes": key.scopes,
        "last_four": key.last_four,
        "expires_at": key.expires_at,
        "per_minute": key.per_minute,
        "networks": [str(each) for each in key.networks],
    }


async def find_key(tx: Tx, secret_digest: bytes) -> ApiKey | None:
    """Return the key with this secret, good or not (ask `problem`); None when there is none."""
    return (await find_keys(tx, [secret_digest])).get(secret_digest)


async def find_keys(tx: Tx, secret_digests: Collection[bytes]) -> dict[bytes, ApiKey]:
    """Return the keys with these secrets, good or not, by secret; what there is none of is left out."""
    return await store.keys_by_digest(tx, secret_digests)


async def touch_keys(tx: Tx, uses: Mapping[UUID, tuple[int, datetime]]) -> None:
    """Record uses gathered since the last call: by key, how many and when the last was."""
    if uses:
        await store.touch_keys(tx, uses)
