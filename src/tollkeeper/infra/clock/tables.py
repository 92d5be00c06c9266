"""The table of the shared clock."""

from sqlalchemy import CheckConstraint, Column, DateTime, Interval, SmallInteger, Table

from tollkeeper.infra.tables import metadata

PRODUCT_CLOCK = Table(
    "product_clock",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("ahead", Interval, nullable=False, comment="how far the clock stands before the machine's"),
    Column("moved_at", DateTime(timezone=True), nullable=False, comment="when, by the machine's clock"),
    CheckConstraint("id = 1", name="one_row"),
    comment="How far time was moved in a trial system; empty in production",
)
