"""Where a comparison has come to."""

from sqlalchemy import BigInteger, Column, DateTime, Table, Text

from tollkeeper.infra import metadata

RECONCILE_CURSORS = Table(
    "reconcile_cursors",
    metadata,
    Column("account", Text, primary_key=True),
    Column("run", Text, primary_key=True, comment="what is being gone through, and whether repairing"),
    Column("kind", Text, nullable=False, comment="customers, subscriptions, invoices or ours"),
    Column("after", Text, nullable=False, comment="the last id done with; empty before the first"),
    Column("compared", BigInteger, nullable=False),
    Column("differing", BigInteger, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    comment="How far a comparison with the provider has come, to go on from there; gone when it is done",
)
