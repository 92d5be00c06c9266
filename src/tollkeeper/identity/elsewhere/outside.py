"""Talking to who vouches: discovery, keys that roll, codes traded for proofs. Every answer is taken for a stranger's.

ID tokens are checked against the wall clock, not ours, which can be moved: who vouches lives in real time.
"""

import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tollkeeper.infra import (
    AddressRefusedError,
    OutgoingFailedError,
    Settings,
    SignInPreset,
    check_outgoing_url,
    fetch_guarded,
)
from tollkeeper.kit import Clock, SystemClock

from .model import Attempt, Provider, ProviderDownError, SignInBrokenError, SignInRefusedError, Vouched
from .rules import ALGORITHMS, MAX_SUBJECT, authorization_url, check_claims, primary_email, read_answer, vouched

METADATA_SECONDS = 3600.0
_MAX_TOKEN = 16_384
_SERVER_ERROR = 500
_OK = 200
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where an issuer takes what, from its discovery document. `userinfo` empty: it has none."""

    authorization: str
    token: str
    userinfo: str
    jwks: str
    takes_basic: bool


class Outside:
    """The other end of signing in elsewhere. Keeps discovery documents and keys in memory."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """Take what outgoing calls are guarded by; `clock` is the wall clock unless given."""
        self._settings = settings
        self._clock = clock or SystemClock()
        self._metadata: dict[str, tuple[float, Metadata]] = {}
        self._keys: dict[str, KeySet] = {}

    def now(self) -> datetime:
        """Return the moment by the clock that attempts and ID tokens are held to."""
        return self._clock.now()

    async def departure(self, provider: Provider, attempt: Attempt, redirect_uri: str, hint: str = "") -> str:
        """Return where to send the browser.

        Raises:
            ProviderDownError: the provider does not say where, or not in the protocol's way.
        """
        endpoint = (await self._metadata_of(provider)).authorization
        return authorization_url(provider, endpoint, attempt, redirect_uri, hint)

    async def finish(
        self, provider: Provider, attempt: Attempt, redirect_uri: str, answer: Mapping[str, str]
    ) -> Vouched:
        """Return whom the provider vouches for, out of what the browser brought back.

        Raises:
            AttemptEndedError: it answers another attempt, or comes too late.
            SignInRefusedError: the provider or the person said no.
            SignInBrokenError: the answer proves nothing.
            ProviderDownError: the provider does not answer.
        """
        code = read_answer(attempt, answer, provider, self._clock.now())
        metadata = await self._metadata_of(provider)
        traded = await self._trade(provider, metadata, attempt, redirect_uri, code)
        if provider.preset is SignInPreset.GITHUB:
            return await self._github_person(provider, _text(traded, "access_token"))
        claims = await self._read_id_token(provider, metadata, attempt, _text(traded, "id_token"))
        told: Mapping[str, Any] = claims
        if "email" not in claims and metadata.userinfo:
            told = await self._userinfo(metadata, _text(traded, "access_token"))
            if told.get("sub") != claims["sub"]:
                raise SignInBrokenError(log="userinfo speaks of another person than the ID token")
        return vouched(provider, claims["sub"], told)

    async def check_issuer(self, issuer: str) -> None:
        """Ask an address anew whether it is an issuer.

        Raises:
            ProviderDownError: it does not answer, or is none.
        """
        self._metadata.pop(issuer, None)
        await self._metadata_of(Provider("", "", SignInPreset.OIDC, issuer, ""))

    async def _metadata_of(self, provider: Provider) -> Metadata:
        if provider.preset is SignInPreset.GITHUB:
            return _github_metadata(provider.issuer)
        known = self._metadata.get(provider.issuer)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        found = await self._get(f"{provider.issuer}/.well-known/openid-configuration")
        if found.get("issuer") != provider.issuer:
            raise ProviderDownError(log="the discovery document is another issuer's")
        metadata = Metadata(
            authorization=self._endpoint(found, "authorization_endpoint"),
            token=self._endpoint(found, "token_endpoint"),
            userinfo=self._endpoint(found, "userinfo_endpoint") if "userinfo_endpoint" in found else "",
            jwks=self._endpoint(found, "jwks_uri"),
            takes_basic="client_secret_basic"
            in (found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]),
        )
        self._metadata[provider.issuer] = (time.monotonic() + METADATA_SECONDS, metadata)
        return metadata

    def _endpoint(self, document: Json, name: str) -> str:
        url = document.get(name)
        try:
            if isinstance(url, str):
                check_outgoing_url(self._settings, url)
                return url
        except AddressRefusedError:
            pass
        raise ProviderDownError(log=f"the discovery document has no usable {name}")

    async def _trade(
        self, provider: Provider, metadata: Metadata, attempt: Attempt, redirect_uri: str, code: str
    ) -> Json:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if provider.client_secret and metadata.takes_basic:
            pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields["client_id"] = provider.client_id
            fields |= {"client_secret": provider.client_secret} if provider.client_secret else {}
        status, traded = await self._call("POST", metadata.token, headers, urlencode(fields).encode())
        if status != _OK or "error" in traded:
            raise SignInRefusedError(log=f"the code was refused: {str(traded.get('error'))[:100]!r}")
        return traded

    async def _read_id_token(self, provider: Provider, metadata: Metadata, attempt: Attempt, token: str) -> Json:
        """Return the claims of an ID token that is this provider's, for us, about this attempt."""
        keys = self._keys.get(metadata.jwks) or await self._fetch_keys(metadata.jwks)
        try:
            try:
                claims = jwt.decode(token, keys, ALGORITHMS).claims
            except (JoseError, ValueError):  # perhaps the keys were rolled; it came from the issuer, so asking is safe
                claims = jwt.decode(token, await self._fetch_keys(metadata.jwks), ALGORITHMS).claims
            check_claims(claims, provider, attempt, self._clock.now())
        except (JoseError, ValueError, TypeError) as error:
            raise SignInBrokenError(log=f"the ID token proves nothing: {type(error).__name__}: {error}") from error
        return claims

    async def _fetch_keys(self, url: str) -> KeySet:
        found = await self._get(url)
        try:
            keys = KeySet.import_key_set({"keys": list(found["keys"])})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderDownError(log=f"the key set cannot be read: {error}") from error
        self._keys[url] = keys
        return keys

    async def _userinfo(self, metadata: Metadata, access_token: str) -> Json:
        return await self._get(metadata.userinfo, access_token)

    async def _github_person(self, provider: Provider, access_token: str) -> Vouched:
        """GitHub has no ID tokens: who holds the access token it gave us is asked of its API, over TLS."""
        api = _github_api(provider.issuer)
        person = await self._get(f"{api}/user", access_token)
        status, emails = await self._call("GET", f"{api}/user/emails", _bearer(access_token), None, listed=True)
        number = person.get("id")
        if status != _OK or not isinstance(number, int) or isinstance(number, bool):
            raise SignInBrokenError(log="GitHub does not say who this is")
        email = primary_email(emails["list"])
        told = {"email": email, "email_verified": email is not None, "name": person.get("name") or person.get("login")}
        return vouched(provider, str(number)[:MAX_SUBJECT], told)

    async def _get(self, url: str, access_token: str = "") -> Json:
        status, found = await self._call("GET", url, _bearer(access_token), None)
        if status != _OK:
            raise ProviderDownError(log=f"{url} answered {status}")
        return found

    async def _call(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, *, listed: bool = False
    ) -> tuple[int, Json]:
        """Return status and JSON object of an answer; with `listed` a JSON list, under the name `list`."""
        try:
            answer = await fetch_guarded(self._settings, method, url, headers=headers, content=content)
        except AddressRefusedError as error:
            raise ProviderDownError(log=f"{url}: {error.detail}") from error
        except OutgoingFailedError as error:
            raise ProviderDownError(log=error.log) from error
        try:
            found = answer.json() if answer.status_code < _SERVER_ERROR else None
        except ValueError:
            found = None
        if listed and isinstance(found, list):
            return answer.status_code, {"list": found}
        if listed or not isinstance(found, dict):
            raise ProviderDownError(log=f"{url} answered {answer.status_code} without JSON")
        return answer.status_code, found


def _bearer(access_token: str) -> dict[str, str]:
    known = {"Authorization": f"Bearer {access_token}"} if access_token else {}
    return {"Accept": "application/json", "User-Agent": "Tollkeeper", **known}


def _text(answer: Json, name: str) -> str:
    found = answer.get(name)
    if not isinstance(found, str) or not found or len(found) > _MAX_TOKEN or not found.isascii():
        raise SignInBrokenError(log=f"the answer for the code has no {name}")
    return found


def _github_metadata(issuer: str) -> Metadata:
    there = f"{issuer}/login/oauth"
    return Metadata(f"{there}/authorize", f"{there}/access_token", "", "", takes_basic=False)


def _github_api(issuer: str) -> str:
    """Of GitHub itself, or of a server of one's own."""
    return "https://api.github.com" if issuer == "https://github.com" else f"{issuer}/api/v3"
