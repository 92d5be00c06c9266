"""Tables of provisioning: what a directory calls those it keeps, and nothing more."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, ForeignKeyConstraint, Table, Text, UniqueConstraint, Uuid

from tollkeeper.infra import metadata
from tollkeeper.orgs.tables import members

scim_users = Table(
    "scim_users",
    metadata,
    Column("organization_id", Uuid, primary_key=True),
    Column("external_id", Text, primary_key=True, comment="externalId: what the organization's directory calls them"),
    Column("user_id", Uuid, nullable=False),
    UniqueConstraint("organization_id", "user_id"),
    ForeignKeyConstraint(
        ["organization_id", "user_id"], [members.c.organization_id, members.c.user_id], ondelete="CASCADE"
    ),
    comment="What directories call members; it goes with the membership",
)

scim_groups = Table(
    "scim_groups",
    metadata,
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    Column("external_id", Text, primary_key=True, comment="externalId: what the organization's directory calls it"),
    Column("role", Text, comment="a built-in role; null: one of the organization's own"),
    Column("role_id", ForeignKey("roles.id", ondelete="CASCADE"), comment="one of the organization's own roles"),
    CheckConstraint("role in ('owner', 'admin', 'billing', 'developer', 'viewer')", name="role"),
    CheckConstraint("num_nonnulls(role, role_id) = 1", name="one_role"),
    UniqueConstraint("organization_id", "role"),
    UniqueConstraint("role_id"),
    comment="What directories call roles",
)
