"""What is noted of jobs beside procrastinate's own tables, which are no business of our metadata."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text

from tollkeeper.infra.tables import metadata

JOB_NOTES = Table(
    "job_notes",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0", comment="0: nobody knows"),
    Column("words", Text, nullable=False, server_default="", comment="what it is at, for people"),
    Column("error", Text, nullable=False, server_default="", comment="of what the last try failed"),
    Column("failed_at", DateTime(timezone=True), comment="when the last try failed, by the database's clock"),
    comment="how far a job has come, and of what its last try failed; gone when it succeeds",
)
