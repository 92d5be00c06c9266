"""Tables of roles."""

from sqlalchemy import Column, DateTime, ForeignKey, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

roles = Table(
    "roles",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False, comment="how calls name it; never a built-in role's"),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("permissions", JSONB, nullable=False, comment="list of permissions"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("organization_id", "key"),
    comment="roles that organizations made of their own",
)
