"""Teams: roles of an organization's own, members suspended for a time, people asked to join."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BUILT_IN = "role in ('owner', 'admin', 'billing', 'developer', 'viewer')"
ONE_ROLE = "num_nonnulls(role, role_id) = 1"
ROLE = "a built-in role; null: one of the organization's own"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="how calls name it; never a built-in role's"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.JSONB(), nullable=False, comment="list of permissions"),
        sa.Column("created_at", MOMENT, nullable=False),
        _of_organization("roles"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("organization_id", "key", name=op.f("uq_roles_organization_id_key")),
        comment="roles that organizations made of their own",
    )
    _members()
    _invitations()


def _of_organization(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_organization_id_organizations")
    return sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=name, ondelete="CASCADE")


def _members() -> None:
    op.alter_column("members", "role", existing_type=sa.Text(), nullable=True, comment=ROLE)
    op.add_column("members", sa.Column("role_id", sa.Uuid(), comment="one of the organization's own roles"))
    op.add_column(
        "members", sa.Column("suspended_at", MOMENT, comment="since when they may do nothing; null: they may")
    )
    op.add_column("members", sa.Column("entered_at", MOMENT, comment="when they last switched to it; null: never"))
    op.create_foreign_key(op.f("fk_members_role_id_roles"), "members", "roles", ["role_id"], ["id"])
    op.create_check_constraint(op.f("ck_members_one_role"), "members", ONE_ROLE)
    op.create_index(op.f("ix_members_role_id"), "members", ["role_id"])


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False, comment="normalised"),
        sa.Column("role", sa.Text(), comment=ROLE),
        sa.Column("role_id", sa.Uuid(), comment="one of its own roles"),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token in the newest mail"),
        sa.Column("invited_by", sa.Uuid(), comment="null: no person did"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False, comment="when the newest mail was written"),
        sa.Column("sends", sa.SmallInteger(), nullable=False, comment="how many mails were written"),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, comment="when it was accepted or revoked; null: it is open"),
        sa.CheckConstraint(BUILT_IN, name=op.f("ck_invitations_role")),
        sa.CheckConstraint(ONE_ROLE, name=op.f("ck_invitations_one_role")),
        _of_organization("invitations"),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_invitations_role_id_roles"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_invitations_token_digest")),
        comment="people asked to join a customer; forgotten a month after they are closed or have expired",
    )
    for column in ("role_id", "invited_by", "closed_at"):
        op.create_index(op.f(f"ix_invitations_{column}"), "invitations", [column])
    op.create_index(op.f("ix_invitations_organization_id_created_at"), "invitations", ["organization_id", "created_at"])
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["organization_id", "email"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )


def downgrade() -> None:
    op.drop_table("invitations")
    # Whoever had a role that is no more may look: the least of those that remain.
    op.execute("update members set role = 'viewer', role_id = null where role is null")
    op.drop_index(op.f("ix_members_role_id"), "members")
    op.drop_constraint(op.f("ck_members_one_role"), "members")
    op.drop_constraint(op.f("fk_members_role_id_roles"), "members")
    for name in ("entered_at", "suspended_at", "role_id"):
        op.drop_column("members", name)
    op.alter_column("members", "role", existing_type=sa.Text(), nullable=False, comment=None, existing_comment=ROLE)
    op.drop_table("roles")
