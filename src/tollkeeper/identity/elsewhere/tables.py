"""Tables of signing in elsewhere."""

from sqlalchemy import Column, DateTime, ForeignKey, Table, Text, UniqueConstraint, Uuid

from tollkeeper.infra import metadata

identities = Table(
    "identities",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("provider", Text, nullable=False, comment="key of the setting, or id of an organization's connection"),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="what the issuer calls the person; never reused there"),
    Column("email", Text, comment="verified address the issuer named last; for people to recognise it by"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("provider", "issuer", "subject"),
    comment="people as other services know them",
)
