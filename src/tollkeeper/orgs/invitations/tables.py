"""Tables of invitations."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from tollkeeper.infra import metadata

_moment = DateTime(timezone=True)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("email", Text, nullable=False, comment="normalised"),
    Column("role", Text, comment="a built-in role; null: one of the organization's own"),
    Column("role_id", ForeignKey("roles.id", ondelete="CASCADE"), index=True, comment="one of its own roles"),
    Column("token_digest", LargeBinary, nullable=False, comment="SHA-256 of the token in the newest mail"),
    Column("invited_by", ForeignKey("users.id", ondelete="SET NULL"), index=True, comment="null: no person did"),
    Column("created_at", _moment, nullable=False),
    Column("sent_at", _moment, nullable=False, comment="when the newest mail was written"),
    Column("sends", SmallInteger, nullable=False, comment="how many mails were written"),
    Column("expires_at", _moment, nullable=False),
    Column("closed_at", _moment, index=True, comment="when it was accepted or revoked; null: it is open"),
    CheckConstraint("role in ('owner', 'admin', 'billing', 'developer', 'viewer')", name="role"),
    CheckConstraint("num_nonnulls(role, role_id) = 1", name="one_role"),
    UniqueConstraint("token_digest"),
    Index(None, "organization_id", "created_at"),
    Index("uq_invitations_open", "organization_id", "email", unique=True, postgresql_where=text("closed_at is null")),
    comment="people asked to join a customer; forgotten a month after they are closed or have expired",
)
