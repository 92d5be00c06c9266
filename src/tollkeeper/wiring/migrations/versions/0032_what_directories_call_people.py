"""What an organization's directory calls its members and roles (SCIM's externalId), by which it finds them again.

And paid periods that were made longer, told from trials.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.create_table(
        "scim_users",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "external_id",
            sa.Text(),
            nullable=False,
            comment="externalId: what the organization's directory calls them",
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["members.organization_id", "members.user_id"],
            name=op.f("fk_scim_users_organization_id_user_id_members"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "external_id", name=op.f("pk_scim_users")),
        sa.UniqueConstraint("organization_id", "user_id", name=op.f("uq_scim_users_organization_id_user_id")),
        comment="What directories call members; it goes with the membership",
    )
    op.create_table(
        "scim_groups",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "external_id", sa.Text(), nullable=False, comment="externalId: what the organization's directory calls it"
        ),
        sa.Column("role", sa.Text(), comment="a built-in role; null: one of the organization's own"),
        sa.Column("role_id", sa.Uuid(), comment="one of the organization's own roles"),
        sa.CheckConstraint(
            "role in ('owner', 'admin', 'billing', 'developer', 'viewer')", name=op.f("ck_scim_groups_role")
        ),
        sa.CheckConstraint("num_nonnulls(role, role_id) = 1", name=op.f("ck_scim_groups_one_role")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_scim_groups_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_scim_groups_role_id_roles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "external_id", name=op.f("pk_scim_groups")),
        sa.UniqueConstraint("organization_id", "role", name=op.f("uq_scim_groups_organization_id_role")),
        sa.UniqueConstraint("role_id", name=op.f("uq_scim_groups_role_id")),
        comment="What directories call roles",
    )
    op.add_column(
        "subscriptions",
        sa.Column(
            "extended_until",
            sa.DateTime(timezone=True),
            comment="the end of a paid period that was made longer for nothing; null: no such period runs",
        ),
    )


def downgrade() -> None:
    op.drop_column("subscriptions", "extended_until")
    op.drop_table("scim_groups")
    op.drop_table("scim_users")
