"""Pure decisions of signing in elsewhere: what to ask for, and whether an answer proves anything."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc.jwt import JWTClaimsRegistry

from tollkeeper.identity.rules import MAX_NAME, clean_name, normalise_email
from tollkeeper.infra import SignInPreset, SignInProvider, make_secret, same
from tollkeeper.kit import InvalidInputError

from .model import ATTEMPT_LIFE, Attempt, AttemptEndedError, Provider, SignInBrokenError, SignInRefusedError, Vouched

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""What ID tokens may be signed with: keys that only the issuer holds. Never `none`, never a shared secret."""
LEEWAY_SECONDS = 60
"""By how much the other clock may be wrong."""
MAX_SUBJECT = 255
_MAX_ANSWER = 4096


def provider_of(setting: SignInProvider) -> Provider:
    """Return a provider of the settings."""
    secret = setting.client_secret.get_secret_value() if setting.client_secret else ""
    return Provider(setting.key, setting.title, setting.preset, setting.issuer, setting.client_id, secret)


def new_attempt(provider: str, next_path: str, session_id: str | None, now: datetime) -> Attempt:
    """Return an attempt with fresh secrets; `session_id` is the login that wants to link, None to sign in."""
    return Attempt(
        provider=provider,
        state=make_secret(),
        nonce=make_secret(),
        verifier=make_secret(48),
        next=next_path,
        session_id=session_id,
        expires_at=now + ATTEMPT_LIFE,
    )


def packed(attempt: Attempt) -> bytes:
    """Return an attempt as it is sealed."""
    return json.dumps({**asdict(attempt), "expires_at": attempt.expires_at.isoformat()}).encode()


def unpacked(content: bytes) -> Attempt:
    """Return the attempt that was packed."""
    fields = json.loads(content)
    return Attempt(**{**fields, "expires_at": datetime.fromisoformat(fields["expires_at"])})


def authorization_url(provider: Provider, endpoint: str, attempt: Attempt, redirect_uri: str, hint: str = "") -> str:
    """Return where to send the browser. `hint` is the address to suggest there."""
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "state": attempt.state,
        "code_challenge": challenge_of(attempt.verifier),
        "code_challenge_method": "S256",
    }
    if provider.preset is SignInPreset.GITHUB:
        asked |= {"scope": "read:user user:email"}
    else:
        asked |= {"scope": "openid email profile", "nonce": attempt.nonce}
    if hint:
        asked["login_hint"] = hint
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"


def challenge_of(verifier: str) -> str:
    """Return what the verifier is announced by (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def read_answer(attempt: Attempt, answer: Mapping[str, str], provider: Provider, now: datetime) -> str:
    """Return the code a browser brought back.

    Raises:
        AttemptEndedError: it answers another attempt, or comes too late.
        SignInRefusedError: the provider or the person said no.
        SignInBrokenError: another issuer answered (RFC 9207), or the answer says nothing.
    """
    if now >= attempt.expires_at or attempt.provider != provider.key:
        raise AttemptEndedError
    if not same(attempt.state, answer.get("state", "").encode(errors="replace")):
        raise AttemptEndedError(log="the state is of another attempt")
    if "iss" in answer and answer["iss"] != provider.issuer:
        raise SignInBrokenError(log="another issuer answered")
    if "error" in answer:
        raise SignInRefusedError(log=f"the provider answered {answer['error'][:100]!r}")
    code = answer.get("code", "")
    if not code or len(code) > _MAX_ANSWER:
        raise SignInBrokenError(log="no code, and no error")
    return code


def check_claims(claims: Mapping[str, Any], provider: Provider, attempt: Attempt, now: datetime) -> None:
    """Check what a properly signed ID token says (OpenID Connect Core 3.1.3.7).

    Raises:
        joserfc.errors.JoseError: it is of another issuer, for another client, of another attempt, too old or too new.
        SignInBrokenError: several clients may use it and it was asked for by another, or it names nobody.
    """
    registry = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": provider.issuer},
        sub={"essential": True},
        aud={"essential": True, "value": provider.client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": attempt.nonce},
    )
    registry.validate(dict(claims))
    audience = claims["aud"]
    party = claims.get("azp", provider.client_id if isinstance(audience, str) or len(audience) == 1 else None)
    if party != provider.client_id:
        raise SignInBrokenError(log="the ID token was asked for by another client")
    if not 0 < len(claims["sub"]) <= MAX_SUBJECT:
        raise SignInBrokenError(log="the ID token names nobody")


def vouched(provider: Provider, subject: str, told: Mapping[str, Any]) -> Vouched:
    """Return what userinfo or an ID token tells of a person. Only an address called verified counts."""
    email = told.get("email")
    is_verified = told.get("email_verified") in {True, "true"}  # some write it as text
    name = told.get("name")
    return Vouched(
        provider=provider.key,
        issuer=provider.issuer,
        subject=subject,
        email=_normal(email) if is_verified and isinstance(email, str) else None,
        name=clean_name(name)[:MAX_NAME] if isinstance(name, str) else "",
    )


def primary_email(listed: Iterable[Any]) -> str | None:
    """Return the verified primary address of GitHub's list; None when there is none."""
    for each in listed:
        if isinstance(each, dict) and each.get("primary") is True and each.get("verified") is True:
            return str(each.get("email"))
    return None


def _normal(email: str) -> str | None:
    try:
        return normalise_email(email)
    except InvalidInputError:
        return None
