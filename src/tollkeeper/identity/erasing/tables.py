"""Tables of leaving."""

from sqlalchemy import Column, DateTime, ForeignKey, LargeBinary, Table, Uuid

from tollkeeper.identity.tables import users
from tollkeeper.infra import metadata

account_deletions = Table(
    "account_deletions",
    metadata,
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False, index=True, comment="deleted from then on"),
    comment="people who asked to be deleted and can still take it back",
)

erasures = Table(
    "erasures",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email_digest", LargeBinary, nullable=False, comment="keyed digest of the address, to find it left behind"),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("erased_at", DateTime(timezone=True), nullable=False),
    comment="people who were deleted, told by nothing but a digest",
)
