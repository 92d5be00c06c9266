"""Every SQL statement of identity. Rows become frozen values here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import (
    LargeBinary,
    any_,
    bindparam,
    collate,
    column,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
    values,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import BigInteger, DateTime, Uuid

from tollkeeper.infra import Tx, in_order
from tollkeeper.kit import Permission

from .model import ApiKey, Credentials, KeyKind, Session, TokenFamily, User
from .tables import api_key_secrets, api_keys, sessions, token_families, users

USER = (
    users.c.id,
    users.c.email,
    users.c.name,
    users.c.time_zone,
    users.c.created_at,
    users.c.locale,
    users.c.verified_at,
)
_SESSION = tuple(column for column in sessions.c if column.name != "token_digest")
# What every log-in and nearly every page asks is built once: building it takes longer than the database takes for it.
_BY_ID = select(*USER).where(users.c.id == bindparam("user_id"))
_CREDENTIALS = select(users.c.id, users.c.password_hash).where(users.c.email == bindparam("normal"))
_OPEN_FAMILY = select(token_families.c.id).where(
    token_families.c.id == bindparam("family_id"), token_families.c.revoked_at.is_(None)
)


async def add_user(tx: Tx, user: User, password_hash: str | None) -> bool:
    """Insert the user; False when the address is taken, also by a registration that commits meanwhile."""
    statement = postgresql.insert(users).values(
        id=user.id,
        email=user.email,
        name=user.name,
        time_zone=user.time_zone,
        password_hash=password_hash,
        created_at=user.created_at,
        verified_at=user.verified_at,
    )
    added = await tx.connection.execute(
        statement.on_conflict_do_nothing(index_elements=[users.c.email]).returning(users.c.id)
    )
    return added.first() is not None


async def credentials(tx: Tx, email: str) -> Credentials | None:
    """Return what the login under this normalised address is checked against."""
    found = await tx.connection.execute(_CREDENTIALS, {"normal": email})
    row = found.first()
    return Credentials(row.id, row.password_hash) if row else None


async def user(tx: Tx, user_id: UUID) -> User | None:
    """Return one user."""
    row = (await tx.connection.execute(_BY_ID, {"user_id": user_id})).mappings().first()
    return User(**row) if row else None


async def users_of(tx: Tx, user_ids: Collection[UUID]) -> Sequence[User]:
    """Return the users of these ids."""
    wanted = any_(literal(list(user_ids), postgresql.ARRAY(Uuid)))
    rows = await tx.connection.execute(select(*USER).where(users.c.id == wanted))
    return [User(**row) for row in rows.mappings()]


async def change_user(tx: Tx, user_id: UUID, changes: Mapping[str, str]) -> User | None:
    """Set the columns named in `changes`, at least one; return the user as it is now."""
    changed = await tx.connection.execute(update(users).where(users.c.id == user_id).values(**changes).returning(*USER))
    row = changed.mappings().first()
    return User(**row) if row else None


async def add_session(tx: Tx, session: Session, token_digest: bytes) -> None:
    """Insert a session."""
    row = {column.name: getattr(session, column.name) for column in _SESSION}
    await tx.connection.execute(insert(sessions), {**row, "token_digest": token_digest})


async def session_by_digest(tx: Tx, token_digest: bytes) -> Session | None:
    """Return the session whose token has this digest, ended or not."""
    found = await tx.connection.execute(select(*_SESSION).where(sessions.c.token_digest == token_digest))
    row = found.mappings().first()
    return Session(**row) if row else None


async def touch_session(tx: Tx, session_id: UUID, at: datetime) -> None:
    """Record that the session was in use; never moves backwards."""
    await tx.connection.execute(
        update(sessions).where(sessions.c.id == session_id, sessions.c.last_seen_at < at).values(last_seen_at=at)
    )


async def remove_session(tx: Tx, session_id: UUID) -> Session | None:
    """Delete the session and return it; None when there was none."""
    gone = await tx.connection.execute(delete(sessions).where(sessions.c.id == session_id).returning(*_SESSION))
    row = gone.mappings().first()
    return Session(**row) if row else None


async def remove_ended_sessions(tx: Tx, *, expired_by: datetime, idle_since: datetime) -> int:
    """Delete sessions past their absolute or idle end; return how many."""
    ended = or_(sessions.c.expires_at <= expired_by, sessions.c.last_seen_at <= idle_since)
    return (await tx.connection.execute(delete(sessions).where(ended))).rowcount


async def add_family(tx: Tx, family: TokenFamily) -> None:
    """Insert a family of tokens."""
    row = {column.name: getattr(family, column.name) for column in token_families.c}
    await tx.connection.execute(insert(token_families), row)


async def lock_family(tx: Tx, family_id: UUID) -> TokenFamily | None:
    """Return the family, locked until the end of the transaction."""
    found = await tx.connection.execute(
        select(token_families).where(token_families.c.id == family_id).with_for_update()
    )
    row = found.mappings().first()
    return TokenFamily(**row) if row else None


async def spend_token(tx: Tx, family_id: UUID, *, next_token_id: UUID, expires_at: datetime) -> None:
    """Make `next_token_id` the family's one unspent refresh token."""
    await tx.connection.execute(
        update(token_families)
        .where(token_families.c.id == family_id)
        .values(current_token_id=next_token_id, expires_at=expires_at)
    )


async def revoke_login(tx: Tx, family_id: UUID, at: datetime) -> tuple[Sequence[UUID], UUID | None]:
    """Revoke the family, unless it is, and the others of its session; return which, and the session if it is open."""
    family = token_families.c
    own = select(family.session_id).where(family.id == family_id, family.revoked_at.is_(None)).scalar_subquery()
    revoked = await tx.connection.execute(
        update(token_families)
        .where(or_(family.id == family_id, family.session_id == own), family.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(family.id, family.session_id)
    )
    rows = revoked.all()
    return [row.id for row in rows], rows[0].session_id if rows else None


async def revoke_families_of_session(tx: Tx, session_id: UUID, at: datetime) -> Sequence[UUID]:
    """Revoke the tokens of the same login as the session; return which families."""
    revoked = await tx.connection.execute(
        update(token_families)
        .where(token_families.c.session_id == session_id, token_families.c.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(token_families.c.id)
    )
    return list(revoked.scalars())


async def is_family_open(tx: Tx, family_id: UUID) -> bool:
    """Whether there is such a family and it is not revoked."""
    return (await tx.connection.execute(_OPEN_FAMILY, {"family_id": family_id})).first() is not None


async def remove_ended_families(tx: Tx, expired_by: datetime) -> int:
    """Delete families whose last refresh token has expired; return how many."""
    gone = await tx.connection.execute(delete(token_families).where(token_families.c.expires_at <= expired_by))
    return gone.rowcount


async def add_key(tx: Tx, key: ApiKey, secret_digest: bytes) -> None:
    """Insert a key with its first secret."""
    row = {name: getattr(key, name) for name in api_keys.c.keys()}  # noqa: SIM118 - a column collection iterates over columns
    lists = {"scopes": list(key.scopes), "networks": [str(each) for each in key.networks]}
    await tx.connection.execute(insert(api_keys).values({**row, **lists}))
    await _add_secret(tx, key.id, secret_digest)


async def _add_secret(tx: Tx, key_id: UUID, secret_digest: bytes) -> None:
    await tx.connection.execute(insert(api_key_secrets).values(digest=secret_digest, key_id=key_id))


async def keys_of(
    tx: Tx,
    organization_id: UUID | None,
    *,
    with_revoked: bool,
    by_name: bool,
    descending: bool,
    after: UUID | None,
    limit: int,
) -> Sequence[ApiKey]:
    """Return keys of the organization (None: operator keys) by name or age, at most `limit` beyond the key `after`."""
    table = api_keys.c
    named = collate(func.lower(table.name), "C")
    theirs, beyond = select(api_keys).where(_of(organization_id)), None if after is None else (after,)
    if by_name:
        name = select(named).where(table.id == after).scalar_subquery()
        ordered = in_order(theirs, (named, table.id), beyond and (name, *beyond), descending=descending)
    else:
        ordered = in_order(theirs, (table.id,), beyond, descending=descending)
    statement = ordered.limit(limit)
    if not with_revoked:
        statement = statement.where(api_keys.c.revoked_at.is_(None))
    return [key_of_row(row) for row in (await tx.connection.execute(statement)).mappings()]


async def find_key(tx: Tx, organization_id: UUID | None, key_id: UUID) -> ApiKey | None:
    """Return the organization's key (None: an operator's); None when there is none."""
    found = await tx.connection.execute(select(api_keys).where(_of(organization_id), api_keys.c.id == key_id))
    row = found.mappings().first()
    return key_of_row(row) if row else None


async def keys_among(tx: Tx, organization_id: UUID, key_ids: Collection[UUID]) -> Sequence[ApiKey]:
    """Return those of the organization's keys that have one of these ids."""
    found = await tx.connection.execute(select(api_keys).where(_of(organization_id), api_keys.c.id.in_(key_ids)))
    return [key_of_row(row) for row in found.mappings()]


async def lock_key(tx: Tx, organization_id: UUID | None, key_id: UUID) -> ApiKey | None:
    """Return the organization's key (None: an operator's), locked until the end of the transaction."""
    found = await tx.connection.execute(
        select(api_keys).where(_of(organization_id), api_keys.c.id == key_id).with_for_update()
    )
    row = found.mappings().first()
    return key_of_row(row) if row else None


async def keys_by_digest(tx: Tx, digests: Collection[bytes]) -> dict[bytes, ApiKey]:
    """Return the keys that have, or had, the secrets with these digests."""
    rows = await tx.connection.execute(
        select(api_keys, api_key_secrets.c.valid_until.label("secret_expires_at"), api_key_secrets.c.digest)
        .join(api_key_secrets, api_key_secrets.c.key_id == api_keys.c.id)
        .where(api_key_secrets.c.digest == any_(literal(list(digests), postgresql.ARRAY(LargeBinary))))
    )
    return {row["digest"]: key_of_row({name: row[name] for name in row if name != "digest"}) for row in rows.mappings()}


async def replace_secret(tx: Tx, key: ApiKey, secret_digest: bytes, *, old_until: datetime) -> None:
    """Give the key the secret its prefix and last four describe; older ones end at `old_until` at the latest."""
    secret = api_key_secrets.c
    await tx.connection.execute(
        update(api_key_secrets)
        .where(secret.key_id == key.id, or_(secret.valid_until.is_(None), secret.valid_until > old_until))
        .values(valid_until=old_until)
    )
    await _add_secret(tx, key.id, secret_digest)
    await tx.connection.execute(
        update(api_keys).where(api_keys.c.id == key.id).values(prefix=key.prefix, last_four=key.last_four)
    )


async def revoke_key(tx: Tx, key_id: UUID, at: datetime) -> None:
    """Mark the key as revoked."""
    await tx.connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=at))


async def change_key(tx: Tx, key: ApiKey) -> None:
    """Give the key the name, the rate and the networks of this one."""
    await tx.connection.execute(
        update(api_keys)
        .where(api_keys.c.id == key.id)
        .values(name=key.name, per_minute=key.per_minute, networks=[str(each) for each in key.networks])
    )


async def touch_keys(tx: Tx, uses: Mapping[UUID, tuple[int, datetime]]) -> None:
    """Add uses to many keys in one statement; locked in id order first, so that two writers never wait in a ring."""
    await tx.connection.execute(
        select(api_keys.c.id)
        .where(api_keys.c.id.in_(bindparam("ids", sorted(uses), expanding=True)))
        .order_by(api_keys.c.id)
        .with_for_update(key_share=True)
    )
    used = values(
        column("id", Uuid), column("uses", BigInteger), column("at", DateTime(timezone=True)), name="used"
    ).data([(key_id, count, at) for key_id, (count, at) in uses.items()])
    await tx.connection.execute(
        update(api_keys)
        .where(api_keys.c.id == used.c.id)
        .values(
            use_count=api_keys.c.use_count + used.c.uses,
            last_used_at=func.greatest(api_keys.c.last_used_at, used.c.at),  # greatest() passes over null
        )
    )


async def remove_old_secrets(tx: Tx, ended_by: datetime) -> int:
    """Delete secrets rotated out long ago; return how many."""
    gone = await tx.connection.execute(delete(api_key_secrets).where(api_key_secrets.c.valid_until <= ended_by))
    return gone.rowcount


def _of(organization_id: UUID | None) -> Any:
    owner = api_keys.c.organization_id
    return owner.is_(None) if organization_id is None else owner == organization_id


def key_of_row(row: Mapping[Any, Any]) -> ApiKey:
    """Return the key of a row of its table."""
    fields = dict(row)
    scopes = tuple(Permission(scope) for scope in fields.pop("scopes"))
    networks = tuple(ip_network(each) for each in fields.pop("networks"))
    return ApiKey(**{**fields, "kind": KeyKind(fields["kind"]), "scopes": scopes, "networks": networks})
