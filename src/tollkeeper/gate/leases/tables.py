"""Tables of leases."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Table, Text, Uuid

from tollkeeper.infra import metadata

LEASES = Table(
    "leases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", Uuid, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False, comment="what kind of work, as in plan_concurrency"),
    Column("credential_id", Uuid, comment="the key or session that asked for it"),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, comment="does not count from then on, row or not"),
    Index(None, "organization_id", "name"),
    comment="Long work under way that counts against how much is allowed at once; given back: the row is gone",
)
