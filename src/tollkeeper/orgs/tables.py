"""Tables of organizations."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from tollkeeper.infra import metadata

organizations = Table(
    "organizations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("external_id", Text, comment="what the operator's product calls this customer"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("suspended_at", DateTime(timezone=True), comment="since when it may use nothing; null: it may"),
    Column("suspension", Text, comment="why, in the words its people are told"),
    UniqueConstraint("external_id"),
    CheckConstraint("(suspended_at is null) = (suspension is null)", name="suspension_is_whole"),
    Index(None, "created_at"),
    Index("ix_organizations_by_name", text("lower(name)"), "id"),  # made with the collation "C": the migration says why
    Index("ix_organizations_suspended", "id", postgresql_where=text("suspended_at is not null")),
    comment="customers",
)

members = Table(
    "members",
    metadata,
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", Text, comment="a built-in role; null: one of the organization's own"),
    Column("role_id", ForeignKey("roles.id"), index=True, comment="one of the organization's own roles"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("suspended_at", DateTime(timezone=True), comment="since when they may do nothing; null: they may"),
    Column("entered_at", DateTime(timezone=True), comment="when they last switched to it; null: never"),
    CheckConstraint("role in ('owner', 'admin', 'billing', 'developer', 'viewer')", name="role"),
    CheckConstraint("num_nonnulls(role, role_id) = 1", name="one_role"),
    comment="who belongs to which customer, and as what",
)
