"""Failing payments: cases, warnings of cards, access that is withheld."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column(
        "subscriptions",
        sa.Column(
            "withheld",
            sa.Text(),
            comment="ours: why the plan may not be used although the status gives it; null: it may",
        ),
    )
    op.create_table(
        "dunning_cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("invoice", sa.Text(), comment="the unpaid invoice's id at the provider"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when that invoice was made; days count from it",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often collecting it failed"),
        sa.Column("steps_done", sa.Integer(), nullable=False, comment="how many steps of the schedule were taken"),
        sa.Column("next_at", sa.DateTime(timezone=True), comment="when the next step is due; null: none is left"),
        sa.Column("requires_action", sa.Boolean(), nullable=False, comment="the customer must confirm the payment"),
        sa.Column("page_url", sa.Text(), comment="where the customer can pay or confirm"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), comment="null while it is open"),
        sa.CheckConstraint(
            "state in ('current', 'grace', 'restricted', 'ended')", name=op.f("ck_dunning_cases_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_dunning_cases_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_dunning_cases_subscription_id_subscriptions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_cases")),
        comment="Runs of failed payments and how far their schedule has come",
    )
    op.create_index(
        "uq_dunning_cases_open",
        "dunning_cases",
        ["subscription_id"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_index("ix_dunning_cases_due", "dunning_cases", ["next_at"], postgresql_where=sa.text("closed_at is null"))
    op.create_table(
        "card_warnings",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False, comment="last four digits and the month it expires"),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_card_warnings_subscription_id_subscriptions")
        ),
        sa.PrimaryKeyConstraint("subscription_id", "card", name=op.f("pk_card_warnings")),
        comment="Which customer was told that the card expires, so that it is told once",
    )


def downgrade() -> None:
    op.drop_table("card_warnings")
    op.drop_table("dunning_cases")
    op.drop_column("subscriptions", "withheld")
