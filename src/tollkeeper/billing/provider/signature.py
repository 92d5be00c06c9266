"""Whether a message really comes from the provider, and from now."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import stripe
from stripe import WebhookSignature

from tollkeeper.kit import TollkeeperError

TOLERANCE = timedelta(seconds=300)
"""How far a signature's time may lie in the past, and how far in the future."""
MAX_HEADER_CHARACTERS = 4096


class WebhookSignatureError(TollkeeperError):
    """The message is not signed with a secret of ours."""

    code = "webhook_signature_invalid"
    status = 400
    title = "The signature is not valid"
    hint = "Sign the raw body with the endpoint's secret; nothing was stored."


class WebhookUnsignedError(WebhookSignatureError):
    """The message carries no signature."""

    code = "webhook_signature_missing"
    title = "The signature is missing"


class WebhookStaleError(WebhookSignatureError):
    """The signature is too old: a recording may be played back."""

    code = "webhook_timestamp_stale"
    title = "The signature is too old"


class WebhookFutureError(WebhookSignatureError):
    """The signature's time lies in the future."""

    code = "webhook_timestamp_future"
    title = "The signature's time lies in the future"


class WebhookSecrets:
    """The signing secrets in force; more than one while a secret is being rolled. A part of the runtime."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def replace(self, secrets: Sequence[str]) -> None:
        """Make these the secrets in force."""
        self._secrets = tuple(secret for secret in secrets if secret)

    @property
    def current(self) -> tuple[str, ...]:
        """The secrets in force."""
        return self._secrets


def verify(body: bytes, header: str | None, secrets: Sequence[str], now: datetime) -> None:
    """Raise unless the header signs exactly this body with one of the secrets, at about `now`.

    The time is read from the header only after a signature over it was found right.
    """
    if not header or len(header) > MAX_HEADER_CHARACTERS:
        raise WebhookUnsignedError
    if not any(_signed_with(body, header, secret) for secret in secrets):
        raise WebhookSignatureError(log=None if secrets else "no webhook secret is set")
    age = int(now.timestamp()) - _time_in(header)
    if age > TOLERANCE.seconds:
        raise WebhookStaleError
    if age < -TOLERANCE.seconds:
        raise WebhookFutureError


def _signed_with(body: bytes, header: str, secret: str) -> bool:
    try:
        WebhookSignature.verify_header(body, header, secret)
    except (stripe.SignatureVerificationError, ValueError, TypeError):  # the last two: bytes that are no UTF-8 or ASCII
        return False
    return True


def _time_in(header: str) -> int:
    """Return the first `t=`, the one the signature was made over."""
    pairs = (part.split("=") for part in header.split(","))
    return int(next(pair[1] for pair in pairs if pair[0] == "t"))
