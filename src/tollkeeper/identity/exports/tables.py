"""Tables of data exports."""

from sqlalchemy import Column, DateTime, ForeignKey, LargeBinary, Table, Uuid

from tollkeeper.identity.tables import users
from tollkeeper.infra import metadata

data_exports = Table(
    "data_exports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("ready_at", DateTime(timezone=True), comment="null while it is being made"),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True, comment="deleted from then on"),
    Column("content", LargeBinary, comment="the zip file; null while it is being made"),
    comment="what people asked to be told of themselves",
)
