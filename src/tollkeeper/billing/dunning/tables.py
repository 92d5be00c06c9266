"""Tables of dunning."""

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid, text

from tollkeeper.infra import metadata

DUNNING_CASES = Table(
    "dunning_cases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", Uuid, ForeignKey("organizations.id"), nullable=False),
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), nullable=False),
    Column("invoice", Text, comment="the unpaid invoice's id at the provider"),
    Column("state", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, comment="when that invoice was made; days count from it"),
    Column("attempts", Integer, nullable=False, comment="how often collecting it failed"),
    Column("steps_done", Integer, nullable=False, comment="how many steps of the schedule were taken"),
    Column("next_at", DateTime(timezone=True), comment="when the next step is due; null: none is left"),
    Column("requires_action", Boolean, nullable=False, comment="the customer must confirm the payment"),
    Column("page_url", Text, comment="where the customer can pay or confirm"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True), comment="null while it is open"),
    Column(
        "postponed_days",
        Integer,
        nullable=False,
        server_default="0",
        comment="ours: so many days later than the schedule says every step comes",
    ),
    CheckConstraint("postponed_days >= 0", name="postponed_not_negative"),
    CheckConstraint("state in ('current', 'grace', 'restricted', 'ended')", name="state_known"),
    Index(
        "uq_dunning_cases_open",
        "subscription_id",
        unique=True,
        postgresql_where=text("closed_at is null"),
    ),
    Index("ix_dunning_cases_closed", "closed_at"),
    Index("ix_dunning_cases_due", "next_at", postgresql_where=text("closed_at is null")),
    Index(
        "ix_dunning_cases_board", "state", text("coalesce(closed_at, 'infinity'::timestamptz) desc"), "next_at", "id"
    ),
    comment="Runs of failed payments and how far their schedule has come",
)

CARD_WARNINGS = Table(
    "card_warnings",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("card", Text, primary_key=True, comment="last four digits and the month it expires"),
    Column("warned_at", DateTime(timezone=True), nullable=False),
    comment="Which customer was told that the card expires, so that it is told once",
)
