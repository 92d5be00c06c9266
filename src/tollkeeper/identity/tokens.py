"""JSON Web Tokens: pure, no database. Access and refresh tokens have secrets, audiences and lives of their own."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import SecretStr

from tollkeeper.infra import Settings
from tollkeeper.kit import new_id

from .model import ACCESS_TOKEN_LIFE, AccessClaims, RefreshClaims, TokenFamily

ALGORITHM = "HS256"
"""The only algorithm accepted, whatever a token's header asks for."""
ISSUER = "tollkeeper"
ACCESS_AUDIENCE = "tollkeeper:access"
REFRESH_AUDIENCE = "tollkeeper:refresh"
_MAX_TOKEN = 4096


def make_access_token(settings: Settings, family: TokenFamily, now: datetime) -> str:
    """Sign an access token of this login, good for a quarter of an hour."""
    claims = {**_claims(family, now), "aud": ACCESS_AUDIENCE, "jti": str(new_id())}
    return _sign(settings.jwt_secret, {**claims, "exp": int((now + ACCESS_TOKEN_LIFE).timestamp())})


def make_refresh_token(settings: Settings, family: TokenFamily, now: datetime) -> str:
    """Sign the family's one unspent refresh token."""
    claims = {**_claims(family, now), "aud": REFRESH_AUDIENCE, "jti": str(family.current_token_id)}
    return _sign(settings.jwt_refresh_secret, {**claims, "exp": int(family.expires_at.timestamp())})


def read_access_token(settings: Settings, token: str, now: datetime) -> AccessClaims | None:
    """Return what a valid access token says; None for anything forged, expired, or not an access token."""
    claims = _read(settings.jwt_secret, ACCESS_AUDIENCE, token, now)
    if claims is None:
        return None
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    return AccessClaims(UUID(claims["sub"]), UUID(claims["org"]), UUID(claims["sid"]), expires)


def read_refresh_token(settings: Settings, token: str, now: datetime) -> RefreshClaims | None:
    """Return what a valid refresh token says, spent or not; None for anything forged, expired or of another sort."""
    claims = _read(settings.jwt_refresh_secret, REFRESH_AUDIENCE, token, now)
    return RefreshClaims(UUID(claims["sid"]), UUID(claims["jti"])) if claims else None


def _claims(family: TokenFamily, now: datetime) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "sub": str(family.user_id),
        "org": str(family.organization_id),
        "sid": str(family.id),
        "iat": int(now.timestamp()),
    }


def _sign(secret: SecretStr | None, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": ALGORITHM}, claims, _key(secret), [ALGORITHM])


def _read(secret: SecretStr | None, audience: str, token: str, now: datetime) -> dict[str, Any] | None:
    if len(token) > _MAX_TOKEN:
        return None
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        org={"essential": True},
        sid={"essential": True},
        jti={"essential": True},
    )
    try:
        claims = jwt.decode(token, _key(secret), [ALGORITHM]).claims
        registry.validate(claims)
        for name in ("sub", "org", "sid", "jti"):
            UUID(claims[name])
    except (JoseError, ValueError, TypeError, AttributeError):
        return None
    return claims if claims["exp"] > now.timestamp() else None


def _key(secret: SecretStr | None) -> OctKey:
    if secret is None:
        raise RuntimeError("settings come from load_settings, which fills in both secrets")
    return _imported(secret.get_secret_value())


@lru_cache(maxsize=8)
def _imported(secret: str) -> OctKey:
    return OctKey.import_key(secret)
