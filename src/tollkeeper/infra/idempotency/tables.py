"""The table of idempotency keys."""

from sqlalchemy import Column, DateTime, LargeBinary, SmallInteger, Table, Text, Uuid

from tollkeeper.infra.sealing import sealed_for
from tollkeeper.infra.tables import metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", Text, primary_key=True, comment="whose key it is: organization and person or credential"),
    Column("key", Text, primary_key=True, comment="what the caller sent as Idempotency-Key"),
    Column("claim", Uuid, nullable=False, comment="the attempt that may write the answer"),
    Column("fingerprint", LargeBinary, nullable=False, comment="SHA-256 of method, address and body"),
    Column("status", SmallInteger, comment="HTTP status of the answer; null while the work runs"),
    Column("answer", Text, comment="the answer's body, encrypted", info=sealed_for("idempotency: {scope} {key}")),
    Column("claimed_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    comment="answers to creating calls, kept for a day so that a repeated call is not done twice",
)
