"""Secrets that have to be read back: encrypted under keys of the settings, the first of which encrypts.

Every sealed text names the key it was made with, so that keys can be rolled: a new one is put in front, what rests is
sealed anew (`tollkeeper secrets reseal`), and the old one is taken away when nothing names it any more.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_ALGORITHMS = ["dir", "A256GCM"]
_NAME_LENGTH = 8
PURPOSE = "sealed for"
"""What a column calls, in its `info`, the purpose that its values are sealed for."""


class Seal:
    """Encrypts and authenticates small things with AES-256-GCM for one purpose."""

    def __init__(self, secret: str, purpose: str, *, older: Sequence[str] = ()) -> None:
        """Take the key that encrypts; what is sealed for one purpose cannot be opened for another.

        Args:
            secret: 256 random bits or more.
            purpose: what is sealed, and where it belongs when it must not be moved.
            older: keys that open what was sealed before, and encrypt nothing any more.
        """
        self._current = key_name(secret)
        # The newest wins where a key is named twice.
        self._keys = {key_name(each): _derived(each, purpose) for each in (*reversed(older), secret)}

    def close(self, content: bytes) -> str:
        """Return the content in a form that only `open` under one of the same keys and purpose can read."""
        header = {"alg": "dir", "enc": "A256GCM", "kid": self._current}
        return jwe.encrypt_compact(header, content, self._keys[self._current], _ALGORITHMS)

    def open(self, sealed: str) -> bytes | None:
        """Return the content; None when it was changed, or sealed under a key that is gone or for another purpose."""
        named = sealed_under(sealed)
        for key in self._keys.values() if named is None else filter(None, [self._keys.get(named)]):
            try:
                return jwe.decrypt_compact(sealed, key, _ALGORITHMS).plaintext
            except (JoseError, ValueError):
                continue
        return None

    def renew(self, sealed: str) -> str | None:
        """Return it sealed under the key that encrypts; the same text when it is; None when it cannot be opened."""
        content = self.open(sealed)
        if content is None:
            return None
        return sealed if sealed_under(sealed) == self._current else self.close(content)


def sealed_under(sealed: str) -> str | None:
    """Return the name of the key a text was sealed with; None when it says none: it is older than the names."""
    header = sealed.partition(".")[0]
    try:
        name = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))).get("kid")
    except (AttributeError, ValueError):
        return None
    return name if isinstance(name, str) else None


def sealed_for(purpose: str) -> dict[str, str]:
    """Say of a column, as its `info`, that its values are sealed; words in braces are columns of the same row."""
    return {PURPOSE: purpose}


def key_name(secret: str) -> str:
    """Return what a key is called in what it sealed: too little to find it by, enough to tell it from others."""
    return hmac.new(secret.encode(), b"tollkeeper seal name", hashlib.sha256).hexdigest()[:_NAME_LENGTH]


def _derived(secret: str, purpose: str) -> OctKey:
    return OctKey.import_key(
        hmac.new(secret.encode(), b"tollkeeper seal: " + purpose.encode(), hashlib.sha256).digest()
    )
