"""Tables of the trail. Rows of `audit_trail` and `audit_seals` are never changed or removed: a trigger refuses it."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra.tables import metadata

_moment = DateTime(timezone=True)

audit_trail = Table(
    "audit_trail",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", _moment, nullable=False, comment="the moment its transaction stands for"),
    Column("action", Text, nullable=False, comment="<thing>.<what happened to it>"),
    Column("organization_id", Uuid, comment="null: it concerns none, or all"),
    Column("actor_kind", Text, nullable=False, comment="by what who acted proved who they are"),
    Column("user_id", Uuid, comment="the person who acted; null for keys and the system"),
    Column("credential_id", Uuid, comment="the session, login or key that acted"),
    Column("impersonator_id", Uuid, comment="the member of staff who acted as the person"),
    Column("target_kind", Text, nullable=False),
    Column("target_id", Text, nullable=False, comment="empty where there is one only"),
    Column("via", Text, nullable=False, comment="the call, job or command"),
    Column("request_id", Text, nullable=False, comment="empty where no request is"),
    Index(None, "organization_id", "id"),
    Index(None, "user_id", "id"),
    Index(None, "target_kind", "target_id", "id"),
    Index(None, "request_id"),
    # Staff look for what was done, whoever's it is; also by how it begins.
    Index(None, "action", "id", postgresql_ops={"action": "text_pattern_ops"}),
    comment="everything that was done, in the transaction that did it",
)

audit_details = Table(
    "audit_details",
    metadata,
    Column("record_id", ForeignKey("audit_trail.id"), primary_key=True),
    Column("ip", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("before", JSONB, comment="what changed, as it was"),
    Column("after", JSONB, comment="what changed, as it is"),
    Column("salt", LargeBinary, nullable=False, comment="random, so that what is gone cannot be guessed from its hash"),
    Column("erased_by", Uuid, comment="the record of the erasure that emptied this; null: it is all there"),
    comment="the share of a record that may hold personal data, and is emptied when a person is erased",
)

audit_unsealed = Table(
    "audit_unsealed",
    metadata,
    Column("record_id", ForeignKey("audit_trail.id"), primary_key=True),
    comment="records that wait to be sealed",
)

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False, comment="from 1, without a gap"),
    Column("record_id", Uuid, nullable=False),
    Column("details_hash", LargeBinary, comment="SHA-256 of the record's details; null when they had been erased"),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 of the seal before and of the record"),
    UniqueConstraint("record_id"),
    comment="the chain: each seal confirms its record and all seals before",
)
