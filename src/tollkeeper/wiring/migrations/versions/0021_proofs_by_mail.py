"""Addresses proved by mail, passwords made anew by mail, and failed log-ins counted."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.add_column(
        "users", sa.Column("verified_at", MOMENT, comment="when the address was proved to be theirs; null: not yet")
    )
    op.create_table(
        "mail_proofs",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token in the mail"),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "email", sa.Text(), nullable=False, comment="the address the mail went to, which following it proves"
        ),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.CheckConstraint("purpose in ('verify', 'move', 'reset')", name=op.f("ck_mail_proofs_purpose_known")),
        _of_user("mail_proofs"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_mail_proofs")),
        comment="links sent by mail that have not been followed; following one deletes its row",
    )
    op.create_index(op.f("ix_mail_proofs_user_id"), "mail_proofs", ["user_id"])
    op.create_index(op.f("ix_mail_proofs_expires_at"), "mail_proofs", ["expires_at"])
    _guessing()


def _guessing() -> None:
    op.create_table(
        "login_failures",
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="keyed digest of whom they are counted for"),
        sa.Column("in_a_row", sa.Integer(), nullable=False),
        sa.Column("failed_at", MOMENT, nullable=False, comment="the last of them"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_failures")),
        comment="wrong passwords in a row for an account, a device or a network address, known or not",
    )
    op.create_index(op.f("ix_login_failures_failed_at"), "login_failures", ["failed_at"])
    op.create_table(
        "known_devices",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False, comment="digest of what the device is known by"),
        sa.Column("last_used_at", MOMENT, nullable=False),
        _of_user("known_devices"),
        sa.PrimaryKeyConstraint("user_id", "mark", name=op.f("pk_known_devices")),
        comment="devices somebody has logged in from",
    )
    op.create_index(op.f("ix_known_devices_last_used_at"), "known_devices", ["last_used_at"])


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("known_devices")
    op.drop_table("login_failures")
    op.drop_table("mail_proofs")
    op.drop_column("users", "verified_at")
