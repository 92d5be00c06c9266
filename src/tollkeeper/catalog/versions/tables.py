"""Tables of versions."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

CATALOGUE_VERSIONS = Table(
    "catalogue_versions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="counts up from 1, without gaps"),
    Column("source", Text, nullable=False, comment="the file as it was written"),
    Column("changes", JSONB, nullable=False, comment="what it changed, in words, one text each"),
    Column("note", Text, nullable=False, comment="why, in the words of who applied it; empty: nobody said"),
    Column("restored", Integer, ForeignKey("catalogue_versions.number"), comment="the older version it went back to"),
    Column("record_id", Uuid, nullable=False, comment="the record of the trail that tells who applied it"),
    Column("applied_at", DateTime(timezone=True), nullable=False, comment="since when it holds"),
    CheckConstraint("number > 0", name="number_positive"),
    CheckConstraint("restored < number", name="restored_older"),
    comment="Every catalogue file that was applied. Rows are only ever added",
)
