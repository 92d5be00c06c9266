"""Tables of organizations."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Table, Text, UniqueConstraint, Uuid

from tollkeeper.infra import metadata

organizations = Table(
    "organizations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("external_id", Text, comment="what the operator's product calls this customer"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("external_id"),
    comment="customers",
)

members = Table(
    "members",
    metadata,
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("role in ('owner', 'admin', 'billing', 'developer', 'viewer')", name="role"),
    comment="who belongs to which customer, and as what",
)
