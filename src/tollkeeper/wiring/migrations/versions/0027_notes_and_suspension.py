"""Notes of the staff, organizations that may use nothing, and finding people and organizations among very many."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
# In the order of "C" an index serves both `like 'ada%'` and listing by name, whatever the database's own order is.
BY_NAME = (
    ("ix_organizations_by_name", "organizations", "lower(name)"),
    ("ix_users_by_email", "users", "email"),
    ("ix_users_by_name", "users", "lower(name)"),
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    _suspension()
    _notes()
    for name, table, expression in BY_NAME:
        op.execute(f'create index {name} on {table} ({expression} collate "C", id)')
    op.create_index(op.f("ix_organizations_created_at"), "organizations", ["created_at"])
    op.create_index(op.f("ix_users_staff"), "users", ["id"], postgresql_where=sa.text("staff_role is not null"))
    for column in ("last_four", "prefix"):
        op.create_index(op.f(f"ix_api_keys_{column}_id"), "api_keys", [column, "id"])
    op.create_index(op.f("ix_invoices_number"), "invoices", ["number"])
    op.create_index(op.f("ix_gate_standings_plan_organization_id"), "gate_standings", ["plan", "organization_id"])


def _suspension() -> None:
    since = "since when it may use nothing; null: it may"
    op.add_column("organizations", sa.Column("suspended_at", MOMENT, comment=since))
    why = "why, in the words its people are told"
    op.add_column("organizations", sa.Column("suspension", sa.Text(), comment=why))
    op.create_check_constraint(
        op.f("ck_organizations_suspension_is_whole"), "organizations", "(suspended_at is null) = (suspension is null)"
    )
    op.create_index(
        op.f("ix_organizations_suspended"),
        "organizations",
        ["id"],
        postgresql_where=sa.text("suspended_at is not null"),
    )
    since = "since when nothing may be used; null: it may"
    op.add_column("gate_standings", sa.Column("suspended_at", MOMENT, comment=since))


def _notes() -> None:
    op.create_table(
        "staff_notes",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7: sorts by when it was written"),
        sa.Column("organization_id", sa.Uuid(), comment="about whom, or"),
        sa.Column("person_id", sa.Uuid(), comment="about whom"),
        sa.Column("author_id", sa.Uuid(), nullable=False, comment="who wrote it, who may be gone"),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("num_nonnulls(organization_id, person_id) = 1", name=op.f("ck_staff_notes_about_one")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_staff_notes_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["users.id"], name=op.f("fk_staff_notes_person_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_notes")),
        comment="What staff wrote about organizations and people, for staff alone",
    )
    for column in ("organization_id", "person_id"):
        op.create_index(op.f(f"ix_staff_notes_{column}_id"), "staff_notes", [column, "id"])


def downgrade() -> None:
    op.drop_table("staff_notes")
    op.drop_index(op.f("ix_gate_standings_plan_organization_id"), "gate_standings")
    op.drop_index(op.f("ix_invoices_number"), "invoices")
    for column in ("last_four", "prefix"):
        op.drop_index(op.f(f"ix_api_keys_{column}_id"), "api_keys")
    op.drop_index(op.f("ix_users_staff"), "users")
    op.drop_index(op.f("ix_organizations_created_at"), "organizations")
    for name, table, _ in BY_NAME:
        op.drop_index(op.f(name), table)
    op.drop_column("gate_standings", "suspended_at")
    op.drop_index(op.f("ix_organizations_suspended"), "organizations")
    op.drop_constraint(op.f("ck_organizations_suspension_is_whole"), "organizations")
    op.drop_column("organizations", "suspension")
    op.drop_column("organizations", "suspended_at")
