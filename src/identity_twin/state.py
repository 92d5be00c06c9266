"""The memory of the imitation: keys, codes, tokens, and the misbehaviour it was asked for."""

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from .model import Grant, Misbehaviour, Person

CODE_SECONDS = 60
TOKEN_SECONDS = 300
SECRET_PREFIX = "secret-of-"  # noqa: S105 - what every secret here begins with
_RSA_BITS = 2048
_KEPT = 1000
_MAX_FIELD = 500


class State:
    """One run of the imitation."""

    def __init__(self, base: str) -> None:
        """`base` is the address it is reached at, without a trailing slash."""
        self.base = base
        self.misbehaviour = Misbehaviour.NONE
        self.asked: list[str] = []
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Person] = {}
        self._keys: list[RSAKey | ECKey] = []
        self.roll()

    def roll(self) -> None:
        """Sign with a new key from now on; the one before stays in the set, older ones leave it."""
        made: RSAKey | ECKey
        kid = secrets.token_hex(4)
        if len(self._keys) % 2:
            made = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})
        else:
            made = RSAKey.generate_key(_RSA_BITS, {"kid": kid, "use": "sig", "alg": "RS256"})
        self._keys = [made, *self._keys[:1]]

    def forget_keys(self) -> None:
        """Have only a new key, as after a break-in."""
        self._keys = []
        self.roll()

    def key_set(self) -> dict[str, Any]:
        """The public keys, as published."""
        return {"keys": [key.as_dict(private=False) for key in self._keys]}

    def does(self, misbehaviour: Misbehaviour) -> bool:
        """Whether this is what it was told to do wrong."""
        return self.misbehaviour is misbehaviour

    def grant(self, grant: Grant) -> str:
        """Keep what a person allowed and return the code for it."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = grant
        while len(self._codes) > _KEPT:
            del self._codes[next(iter(self._codes))]
        return code

    def spend(self, code: str) -> Grant | None:
        """The grant of a code, which is good for nothing from now on; None when there is none or it is too old."""
        grant = self._codes.pop(code[:_MAX_FIELD], None)
        return grant if grant is not None and time.time() < grant.expires else None

    def token_for(self, person: Person) -> str:
        """An access token that tells who this is, and nothing else."""
        token = secrets.token_urlsafe(24)
        self._tokens[token] = person
        while len(self._tokens) > _KEPT:
            del self._tokens[next(iter(self._tokens))]
        return token

    def person_of(self, token: str) -> Person | None:
        """Whose token this is."""
        return self._tokens.get(token)

    def id_token(self, grant: Grant) -> str:
        """The signed statement of who signed in, with the one thing wrong that was asked for."""
        claims = _claims(grant, self.misbehaviour, self.base)
        key = self._keys[0]
        header = {"alg": key.alg, "kid": key.kid, "typ": "JWT"}
        if self.does(Misbehaviour.UNSIGNED):
            head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
            return f"{head}.{jwt.encode(header, claims, key).split('.')[1]}."
        if self.does(Misbehaviour.SIGNED_WITH_THE_SECRET):
            secret = OctKey.import_key((SECRET_PREFIX + grant.client_id).ljust(32, "-"))
            return jwt.encode({"alg": "HS256", "kid": key.kid}, claims, secret, ["HS256"])
        if self.does(Misbehaviour.SIGNED_WITH_A_STRANGERS_KEY):
            stranger = RSAKey.generate_key(_RSA_BITS) if key.alg == "RS256" else ECKey.generate_key("P-256")
            return jwt.encode(header, claims, stranger)
        if self.does(Misbehaviour.UNKNOWN_KEY):
            return jwt.encode({**header, "kid": "nobody-knows"}, claims, key)
        return jwt.encode(header, claims, key)


def _claims(grant: Grant, wrong: Misbehaviour, base: str) -> dict[str, Any]:
    now = int(time.time())
    person = grant.person
    claims: dict[str, Any] = {
        "iss": grant.issuer,
        "sub": person.sub,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "nonce": grant.nonce,
        "name": person.name,
        "email": person.email,
        "email_verified": person.email_verified,
    }
    changes: dict[Misbehaviour, dict[str, Any]] = {
        Misbehaviour.OTHER_ISSUER: {"iss": f"{base}/o/another"},
        Misbehaviour.OTHER_AUDIENCE: {"aud": "another-client"},
        Misbehaviour.TWO_AUDIENCES: {"aud": [grant.client_id, "another-client"], "azp": "another-client"},
        Misbehaviour.OTHER_NONCE: {"nonce": "of-another-attempt"},
        Misbehaviour.EXPIRED: {"iat": now - 7200, "exp": now - 3600},
        Misbehaviour.FROM_THE_FUTURE: {"iat": now + 3600, "exp": now + 7200},
    }
    claims |= changes.get(wrong, {})
    if wrong is Misbehaviour.NO_NONCE:
        del claims["nonce"]
    if wrong in {Misbehaviour.NO_EMAIL, Misbehaviour.ONLY_USERINFO, Misbehaviour.USERINFO_OF_ANOTHER}:
        del claims["email"], claims["email_verified"]
    return claims


def subject(issuer: str, email: str) -> str:
    """The name an issuer calls the holder of an address by, the same each time."""
    return hashlib.sha256(f"{issuer} {email.lower()}".encode()).hexdigest()[:24]


def fits(challenge: str, verifier: str) -> bool:
    """Whether who trades the code is who asked for it (PKCE, S256)."""
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
