"""Tables of guessing at passwords."""

from sqlalchemy import Column, DateTime, ForeignKey, Integer, LargeBinary, Table

from tollkeeper.infra import metadata

login_failures = Table(
    "login_failures",
    metadata,
    Column("key", LargeBinary, primary_key=True, comment="keyed digest of whom they are counted for"),
    Column("in_a_row", Integer, nullable=False),
    Column("failed_at", DateTime(timezone=True), nullable=False, index=True, comment="the last of them"),
    comment="wrong passwords in a row for an account, a device or a network address, known or not",
)

known_devices = Table(
    "known_devices",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("mark", LargeBinary, primary_key=True, comment="digest of what the device is known by"),
    Column("last_used_at", DateTime(timezone=True), nullable=False, index=True),
    comment="devices somebody has logged in from",
)
