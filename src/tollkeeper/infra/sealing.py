"""Secrets that have to be read back: encrypted under a key derived from one of the settings' secrets."""

import hashlib
import hmac

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_ALGORITHMS = ["dir", "A256GCM"]


class Seal:
    """Encrypts and authenticates small things with AES-256-GCM for one purpose."""

    def __init__(self, secret: str, purpose: str) -> None:
        """`secret` holds 256 random bits or more; what is sealed for one purpose cannot be opened for another."""
        key = hmac.new(secret.encode(), b"tollkeeper seal: " + purpose.encode(), hashlib.sha256).digest()
        self._key = OctKey.import_key(key)

    def close(self, content: bytes) -> str:
        """Return the content in a form that only `open` of the same secret and purpose can read."""
        return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, content, self._key, _ALGORITHMS)

    def open(self, sealed: str) -> bytes | None:
        """Return the content; None when it was changed, or sealed under another secret or for another purpose."""
        try:
            return jwe.decrypt_compact(sealed, self._key, _ALGORITHMS).plaintext
        except (JoseError, ValueError):
            return None
