"""Tables of proofs by mail."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, LargeBinary, Table, Text

from tollkeeper.infra import metadata

mail_proofs = Table(
    "mail_proofs",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the token in the mail"),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("email", Text, nullable=False, comment="the address the mail went to, which following it proves"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    CheckConstraint("purpose in ('verify', 'move', 'reset')", name="purpose_known"),
    comment="links sent by mail that have not been followed; following one deletes its row",
)
