"""People whom another service vouches for."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "provider", sa.Text(), nullable=False, comment="key of the setting, or id of an organization's connection"
        ),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="what the issuer calls the person; never reused there"),
        sa.Column("email", sa.Text(), comment="verified address the issuer named last; for people to recognise it by"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_identities_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("provider", "issuer", "subject", name=op.f("uq_identities_provider_issuer_subject")),
        comment="people as other services know them",
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"])
    _sign_on()


def _sign_on() -> None:
    op.create_table(
        "organization_domains",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="in ASCII, lower case"),
        sa.Column("token", sa.Text(), nullable=False, comment="what the TXT record is to say; no secret"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "verified_at", sa.DateTime(timezone=True), comment="since when it counts; null: not shown to be theirs"
        ),
        sa.Column("verified_by", sa.Text(), comment="dns, or operator: their word"),
        sa.CheckConstraint("verified_by in ('dns', 'operator')", name=op.f("ck_organization_domains_verified_by")),
        sa.CheckConstraint(
            "(verified_at is null) = (verified_by is null)", name=op.f("ck_organization_domains_verified_by_somebody")
        ),
        _of_organization("organization_domains"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization_domains")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_organization_domains_organization_id_name")),
        comment="domains that organizations claim; shown to be theirs by one at most",
    )
    op.create_index(
        "uq_organization_domains_verified",
        "organization_domains",
        ["name"],
        unique=True,
        postgresql_where=sa.text("verified_at is not null"),
    )
    op.create_table(
        "sso_connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=False, comment="sealed; empty for none"),
        sa.Column("role", sa.Text(), nullable=False, comment="key of the role that people who come over it get"),
        sa.Column(
            "passwords", sa.Boolean(), nullable=False, comment="false: people of its domains log in over it alone"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _of_organization("sso_connections"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_connections")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_sso_connections_organization_id")),
        comment="issuers of organizations that vouch for the people of their domains",
    )


def _of_organization(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_organization_id_organizations"
    return sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f(name), ondelete="CASCADE")


def downgrade() -> None:
    for table in ("sso_connections", "organization_domains", "identities"):
        op.drop_table(table)
