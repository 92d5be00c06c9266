"""The second way of proving who one is: codes from a device, keys of a device, and what helps when both are lost."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
LOGINS = ("sessions", "token_families")


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    for table in LOGINS:
        op.add_column(
            table, sa.Column("proved_at", MOMENT, comment="when the person last proved who they are; null: not kept")
        )
    op.create_table(
        "totp_secrets",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False, comment="the secret, sealed"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, comment="null until a first code proved that the device has the secret"),
        sa.Column("last_step", sa.BigInteger(), comment="of the last code accepted: no code up to it is taken again"),
        _of_user("totp_secrets"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp_secrets")),
        comment="Devices that make codes, one a person",
    )
    op.create_table(
        "recovery_codes",
        sa.Column(
            "digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the code, which holds 125 random bits"
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        _of_user("recovery_codes"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recovery_codes")),
        comment="Codes that stand in for a lost device, each once",
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"])
    _passkeys()
    op.create_table(
        "code_failures",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("in_a_row", sa.Integer(), nullable=False),
        sa.Column("failed_at", MOMENT, nullable=False, comment="the last of them"),
        _of_user("code_failures"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_code_failures")),
        comment="Wrong codes in a row, which make the next one wait; a right one deletes the row",
    )


def _passkeys() -> None:
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False, comment="the authenticator's own id of it"),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="COSE key"),
        sa.Column(
            "sign_count",
            sa.BigInteger(),
            nullable=False,
            comment="as last told; always 0 for keys that are synchronised",
        ),
        sa.Column("transports", postgresql.JSONB(), nullable=False, comment="list of how the authenticator is reached"),
        sa.Column("backed_up", sa.Boolean(), nullable=False, comment="whether the key exists on more than one device"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT),
        _of_user("passkeys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
        comment="Keys that people's devices sign in with",
    )
    op.create_index(op.f("ix_passkeys_user_id"), "passkeys", ["user_id"])
    op.create_table(
        "spent_challenges",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the challenge"),
        sa.Column("expires_at", MOMENT, nullable=False, comment="from then on it is refused by its age"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_challenges")),
        comment="Challenges that were answered, so that an answer is taken once",
    )
    op.create_index(op.f("ix_spent_challenges_expires_at"), "spent_challenges", ["expires_at"])


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in ("code_failures", "spent_challenges", "passkeys", "recovery_codes", "totp_secrets"):
        op.drop_table(table)
    for table in LOGINS:
        op.drop_column(table, "proved_at")
