"""Every change, who made it, and a chain that shows whether somebody touched it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

KEPT = ("audit_trail", "audit_seals")


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    _trail()
    _beside_it()
    op.execute(
        "create function refuse_change() returns trigger language plpgsql as $$ begin "
        "raise exception '% is only ever added to', tg_table_name using errcode = 'insufficient_privilege'; end $$"
    )
    for table in KEPT:
        op.execute(
            f"create trigger only_added_to before update or delete on {table} "
            "for each statement execute function refuse_change()"
        )
    op.add_column("users", sa.Column("staff_role", sa.Text(), comment="null: not of the operator's staff"))
    op.create_check_constraint(op.f("ck_users_staff_role_known"), "users", "staff_role in ('support', 'admin')")
    op.add_column(
        "sessions",
        sa.Column("impersonator_id", sa.Uuid(), comment="the member of staff who acts as the person; null: nobody"),
    )


def _trail() -> None:
    op.create_table(
        "audit_trail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the moment its transaction stands for"),
        sa.Column("action", sa.Text(), nullable=False, comment="<thing>.<what happened to it>"),
        sa.Column("organization_id", sa.Uuid(), comment="null: it concerns none, or all"),
        sa.Column("actor_kind", sa.Text(), nullable=False, comment="by what who acted proved who they are"),
        sa.Column("user_id", sa.Uuid(), comment="the person who acted; null for keys and the system"),
        sa.Column("credential_id", sa.Uuid(), comment="the session, login or key that acted"),
        sa.Column("impersonator_id", sa.Uuid(), comment="the member of staff who acted as the person"),
        sa.Column("target_kind", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False, comment="empty where there is one only"),
        sa.Column("via", sa.Text(), nullable=False, comment="the call, job or command"),
        sa.Column("request_id", sa.Text(), nullable=False, comment="empty where no request is"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_trail")),
        comment="everything that was done, in the transaction that did it",
    )
    for columns in (["organization_id", "id"], ["user_id", "id"], ["target_kind", "target_id", "id"]):
        op.create_index(op.f(f"ix_audit_trail_{'_'.join(columns)}"), "audit_trail", columns)


def _beside_it() -> None:
    op.create_table(
        "audit_details",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), comment="what changed, as it was"),
        sa.Column("after", postgresql.JSONB(), comment="what changed, as it is"),
        sa.Column(
            "salt",
            sa.LargeBinary(),
            nullable=False,
            comment="random, so that what is gone cannot be guessed from its hash",
        ),
        sa.Column("erased_by", sa.Uuid(), comment="the record of the erasure that emptied this; null: it is all there"),
        sa.ForeignKeyConstraint(["record_id"], ["audit_trail.id"], name=op.f("fk_audit_details_record_id_audit_trail")),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_audit_details")),
        comment="the share of a record that may hold personal data, and is emptied when a person is erased",
    )
    op.create_table(
        "audit_unsealed",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["audit_trail.id"], name=op.f("fk_audit_unsealed_record_id_audit_trail")
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_audit_unsealed")),
        comment="records that wait to be sealed",
    )
    op.create_table(
        "audit_seals",
        sa.Column("sequence", sa.BigInteger(), nullable=False, autoincrement=False, comment="from 1, without a gap"),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column(
            "details_hash",
            sa.LargeBinary(),
            comment="SHA-256 of the record's details; null when they had been erased",
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the seal before and of the record"),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("record_id", name=op.f("uq_audit_seals_record_id")),
        comment="the chain: each seal confirms its record and all seals before",
    )


def downgrade() -> None:
    op.drop_column("sessions", "impersonator_id")
    op.drop_constraint(op.f("ck_users_staff_role_known"), "users")
    op.drop_column("users", "staff_role")
    for table in ("audit_seals", "audit_unsealed", "audit_details", "audit_trail"):
        op.drop_table(table)
    op.execute("drop function refuse_change()")
