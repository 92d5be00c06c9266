"""What people say of themselves, how they leave, and where a key may be used from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column(
        "users",
        sa.Column("locale", sa.Text(), nullable=False, server_default="en", comment="language tag, such as de-AT"),
    )
    op.add_column(
        "api_keys",
        sa.Column(
            "networks",
            postgresql.JSONB(),
            nullable=False,
            server_default="[]",
            comment="list of networks the key may be used from; empty: from anywhere",
        ),
    )
    _people()
    _exports()
    _leaving()


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"
    )


def _people() -> None:
    op.create_table(
        "user_preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False, comment="of the pages; `system` is what the browser asks for"),
        sa.Column("language", sa.Text(), nullable=False, comment="what the person reads best, a language tag"),
        sa.Column(
            "notifications",
            postgresql.JSONB(),
            nullable=False,
            comment="sort of message -> whether it is wanted; absent: yes",
        ),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.CheckConstraint("theme in ('system', 'light', 'dark')", name=op.f("ck_user_preferences_theme")),
        _of_user("user_preferences"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_preferences")),
        comment="how people want to be treated; who has no row takes the defaults",
    )
    op.create_table(
        "user_pictures",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="WebP, drawn anew by us from what was sent"),
        sa.Column("changed_at", MOMENT, nullable=False),
        _of_user("user_pictures"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_pictures")),
        comment="pictures people show of themselves",
    )


def _exports() -> None:
    op.create_table(
        "data_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("ready_at", MOMENT, comment="null while it is being made"),
        sa.Column("expires_at", MOMENT, nullable=False, comment="deleted from then on"),
        sa.Column("content", sa.LargeBinary(), comment="the zip file; null while it is being made"),
        _of_user("data_exports"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_exports")),
        comment="what people asked to be told of themselves",
    )
    for column in ("user_id", "expires_at"):
        op.create_index(op.f(f"ix_data_exports_{column}"), "data_exports", [column])


def _leaving() -> None:
    op.create_table(
        "account_deletions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False, comment="deleted from then on"),
        _of_user("account_deletions"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_account_deletions")),
        comment="people who asked to be deleted and can still take it back",
    )
    op.create_index(op.f("ix_account_deletions_due_at"), "account_deletions", ["due_at"])
    op.create_table(
        "erasures",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "email_digest",
            sa.LargeBinary(),
            nullable=False,
            comment="keyed digest of the address, to find it left behind",
        ),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("erased_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erasures")),
        comment="people who were deleted, told by nothing but a digest",
    )


def downgrade() -> None:
    for table in ("erasures", "account_deletions", "data_exports", "user_pictures", "user_preferences"):
        op.drop_table(table)
    op.drop_column("api_keys", "networks")
    op.drop_column("users", "locale")
