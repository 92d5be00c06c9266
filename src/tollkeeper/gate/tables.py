"""Tables of the gate."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

GATE_STANDINGS = Table(
    "gate_standings",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    Column("anchor", DateTime(timezone=True), nullable=False, comment="the default plan's months count from here"),
    Column("plan", Text, comment="key of the plan bought; null: the default plan"),
    Column("period_start", DateTime(timezone=True), comment="of the plan bought"),
    Column("period_end", DateTime(timezone=True), comment="of the plan bought; exclusive"),
    Column(
        "addons",
        JSONB,
        nullable=False,
        server_default="{}",
        comment="units of each add-on by key bought beside the plan",
    ),
    Column("since", DateTime(timezone=True), comment="when the plan it is on began; null: with the organization"),
    Column("suspended_at", DateTime(timezone=True), comment="since when nothing may be used; null: it may"),
    CheckConstraint("num_nulls(plan, period_start, period_end) in (0, 3)", name="bought_is_whole"),
    Index(None, "plan", "organization_id"),
    comment="What the gate was told of each organization; written with the change that caused it",
)

GATE_PAST = Table(
    "gate_past",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    Column("since", DateTime(timezone=True), primary_key=True, comment="from this moment on it stood so"),
    Column("plan", Text, comment="key of the plan bought; null: the default plan"),
    Column("period_start", DateTime(timezone=True), comment="of the plan bought"),
    Column("period_end", DateTime(timezone=True), comment="of the plan bought; exclusive"),
    Column("addons", JSONB, nullable=False, server_default="{}", comment="units of each add-on by key"),
    CheckConstraint("num_nulls(plan, period_start, period_end) in (0, 3)", name="bought_is_whole"),
    comment="How each organization stood when: says which period and limits usage belongs to that is reported late",
)
