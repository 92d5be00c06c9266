"""Secrets that are handed out: made from randomness, kept only as digests, compared in constant time."""

import hashlib
import hmac
import secrets


def make_secret(nbytes: int = 32) -> str:
    """Return fresh URL-safe randomness of `nbytes` bytes."""
    return secrets.token_urlsafe(nbytes)


def digest(secret: str) -> bytes:
    """Return the 32 bytes under which a random secret is kept.

    Plain SHA-256 is right for secrets of 128 random bits or more: there is nothing to guess. Passwords go through
    argon2id instead.
    """
    return hashlib.sha256(secret.encode()).digest()


def same(left: bytes | str, right: bytes | str) -> bool:
    """Compare two secrets without telling by time where they differ."""
    return hmac.compare_digest(_bytes(left), _bytes(right))


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value
