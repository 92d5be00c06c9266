"""Tables of an organization's own sign-on."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import text as sql

from tollkeeper.infra import metadata, sealed_for

from .model import SECRET_PURPOSE

_organization = "organizations.id"

organization_domains = Table(
    "organization_domains",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", ForeignKey(_organization, ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False, comment="in ASCII, lower case"),
    Column("token", Text, nullable=False, comment="what the TXT record is to say; no secret"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("verified_at", DateTime(timezone=True), comment="since when it counts; null: not shown to be theirs"),
    Column("verified_by", Text, comment="dns, or operator: their word"),
    UniqueConstraint("organization_id", "name"),
    CheckConstraint("verified_by in ('dns', 'operator')", name="verified_by"),
    CheckConstraint("(verified_at is null) = (verified_by is null)", name="verified_by_somebody"),
    Index("uq_organization_domains_verified", "name", unique=True, postgresql_where=sql("verified_at is not null")),
    comment="domains that organizations claim; shown to be theirs by one at most",
)

sso_connections = Table(
    "sso_connections",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", ForeignKey(_organization, ondelete="CASCADE"), nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("client_secret", Text, nullable=False, comment="sealed; empty for none", info=sealed_for(SECRET_PURPOSE)),
    Column("role", Text, nullable=False, comment="key of the role that people who come over it get"),
    Column("passwords", Boolean, nullable=False, comment="false: people of its domains log in over it alone"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("organization_id"),
    comment="issuers of organizations that vouch for the people of their domains",
)
