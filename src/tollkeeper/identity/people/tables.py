"""Tables of what people say of themselves."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.identity.tables import users
from tollkeeper.infra import metadata

user_preferences = Table(
    "user_preferences",
    metadata,
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("theme", Text, nullable=False, comment="of the pages; `system` is what the browser asks for"),
    Column("language", Text, nullable=False, comment="what the person reads best, a language tag"),
    Column("notifications", JSONB, nullable=False, comment="sort of message -> whether it is wanted; absent: yes"),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("theme in ('system', 'light', 'dark')", name="theme"),
    comment="how people want to be treated; who has no row takes the defaults",
)

user_pictures = Table(
    "user_pictures",
    metadata,
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False, comment="WebP, drawn anew by us from what was sent"),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    comment="pictures people show of themselves",
)
