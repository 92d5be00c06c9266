"""Tables of notes."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Table, Text, Uuid

from tollkeeper.infra import metadata

staff_notes = Table(
    "staff_notes",
    metadata,
    Column("id", Uuid, primary_key=True, comment="UUIDv7: sorts by when it was written"),
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), comment="about whom, or"),
    Column("person_id", ForeignKey("users.id", ondelete="CASCADE"), comment="about whom"),
    Column("author_id", Uuid, nullable=False, comment="who wrote it, who may be gone"),
    Column("body", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("num_nonnulls(organization_id, person_id) = 1", name="about_one"),
    Index(None, "organization_id", "id"),
    Index(None, "person_id", "id"),
    comment="What staff wrote about organizations and people, for staff alone",
)
