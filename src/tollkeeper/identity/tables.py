"""Tables of identity."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata

_moment = DateTime(timezone=True)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, comment="normalised: NFC, lower case; unique without regard to case"),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False, comment="IANA name"),
    Column("locale", Text, nullable=False, server_default="en", comment="language tag, such as de-AT"),
    Column("password_hash", Text, comment="argon2id; null for people who log in another way"),
    Column("created_at", _moment, nullable=False),
    Column("verified_at", _moment, comment="when the address was proved to be theirs; null: not yet"),
    Column("staff_role", Text, comment="null: not of the operator's staff"),
    UniqueConstraint("email"),
    CheckConstraint("email = lower(email)", name="email_lower"),
    CheckConstraint("staff_role in ('support', 'admin')", name="staff_role_known"),
    # Made with the collation "C": the migration says why.
    Index("ix_users_by_email", "email", "id"),
    Index("ix_users_by_name", text("lower(name)"), "id"),
    Index("ix_users_staff", "id", postgresql_where=text("staff_role is not null")),
    comment="people with a login",
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("token_digest", LargeBinary, nullable=False, comment="SHA-256 of the cookie's token"),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("organization_id", Uuid, nullable=False, index=True, comment="the organization the browser acts for"),
    Column("user_agent", Text, nullable=False),
    Column("ip", Text, nullable=False),
    Column("created_at", _moment, nullable=False),
    Column("last_seen_at", _moment, nullable=False, index=True, comment="exact to a minute"),
    Column("expires_at", _moment, nullable=False, index=True, comment="absolute end"),
    Column("proved_at", _moment, comment="when the person last proved who they are; null: not kept"),
    Column("impersonator_id", Uuid, comment="the member of staff who acts as the person; null: nobody"),
    UniqueConstraint("token_digest"),
    comment="browsers that are logged in; closing one deletes its row",
)

token_families = Table(
    "token_families",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("organization_id", Uuid, nullable=False, index=True),
    Column(
        "session_id",
        ForeignKey("sessions.id", ondelete="SET NULL"),
        index=True,
        comment="the session opened by the same login, null when it ended",
    ),
    Column("current_token_id", Uuid, nullable=False, comment="jti of the one refresh token not yet spent"),
    Column("created_at", _moment, nullable=False),
    Column("expires_at", _moment, nullable=False, index=True, comment="end of the unspent refresh token"),
    Column("revoked_at", _moment),
    Column("proved_at", _moment, comment="when the person last proved who they are; null: not kept"),
    comment="logins of programs: all refresh tokens that descend from one password check",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organization_id", Uuid, comment="null for operator keys"),
    Column("created_by", ForeignKey("users.id", ondelete="SET NULL"), index=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scopes", JSONB, nullable=False, comment="list of permissions; empty means the kind's default"),
    Column("prefix", Text, nullable=False, comment="first characters of the current secret"),
    Column("last_four", Text, nullable=False, comment="last characters of the current secret"),
    Column("created_at", _moment, nullable=False),
    Column("expires_at", _moment),
    Column("revoked_at", _moment),
    Column("last_used_at", _moment),
    Column("use_count", BigInteger, nullable=False, server_default="0"),
    Column("per_minute", Integer, comment="calls a minute with this key; null: no limit of its own"),
    Column(
        "networks",
        JSONB,
        nullable=False,
        server_default="[]",
        comment="list of networks the key may be used from; empty: from anywhere",
    ),
    CheckConstraint("kind in ('live', 'test', 'operator')", name="kind"),
    CheckConstraint("(kind = 'operator') = (organization_id is null)", name="operator_has_no_organization"),
    CheckConstraint("per_minute > 0", name="per_minute_positive"),
    Index(None, "organization_id", "id"),
    Index(None, "last_four", "id"),
    Index(None, "prefix", "id"),
    comment="credentials of programs",
)

api_key_secrets = Table(
    "api_key_secrets",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the secret"),
    Column("key_id", ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("valid_until", _moment, index=True, comment="null for the current secret; set when rotated out"),
    comment="what an API key may be presented as: its current secret, and old ones in their grace",
)
