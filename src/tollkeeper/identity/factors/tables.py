"""Tables of further proofs."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from tollkeeper.infra import metadata, sealed_for

_moment = DateTime(timezone=True)

totp_secrets = Table(
    "totp_secrets",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("sealed", Text, nullable=False, comment="the secret, sealed", info=sealed_for("totp {user_id}")),
    Column("created_at", _moment, nullable=False),
    Column("confirmed_at", _moment, comment="null until a first code proved that the device has the secret"),
    Column("last_step", BigInteger, comment="of the last code accepted: no code up to it is taken again"),
    comment="Devices that make codes, one a person",
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the code, which holds 125 random bits"),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", _moment, nullable=False),
    Column("used_at", _moment),
    comment="Codes that stand in for a lost device, each once",
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("credential_id", LargeBinary, nullable=False, unique=True, comment="the authenticator's own id of it"),
    Column("public_key", LargeBinary, nullable=False, comment="COSE key"),
    Column("sign_count", BigInteger, nullable=False, comment="as last told; always 0 for keys that are synchronised"),
    Column("transports", JSONB, nullable=False, comment="list of how the authenticator is reached"),
    Column("backed_up", Boolean, nullable=False, comment="whether the key exists on more than one device"),
    Column("name", Text, nullable=False),
    Column("created_at", _moment, nullable=False),
    Column("last_used_at", _moment),
    comment="Keys that people's devices sign in with",
)

spent_challenges = Table(
    "spent_challenges",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the challenge"),
    Column("expires_at", _moment, nullable=False, index=True, comment="from then on it is refused by its age"),
    comment="Challenges that were answered, so that an answer is taken once",
)

code_failures = Table(
    "code_failures",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("in_a_row", Integer, nullable=False),
    Column("failed_at", _moment, nullable=False, comment="the last of them"),
    comment="Wrong codes in a row, which make the next one wait; a right one deletes the row",
)
