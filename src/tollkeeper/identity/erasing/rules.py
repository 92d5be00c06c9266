"""Pure decisions of leaving."""

import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.infra import Settings

from .model import Deletion


def plan_deletion(user_id: UUID, now: datetime, *, grace: timedelta) -> Deletion:
    """Return the wish of somebody who asks now; a `grace` of zero is due at once."""
    return Deletion(user_id, now, now + grace)


def email_digest(settings: Settings, email: str) -> bytes:
    """Return the 32 bytes by which a deleted person's address is known again.

    Keyed with a secret of the server: addresses are guessable, and without the key the table would tell them.
    """
    secret = settings.jwt_secret
    if secret is None:
        raise RuntimeError("settings come from load_settings, which fills in the secrets")
    key = b"tollkeeper erased: " + secret.get_secret_value().encode()
    return hmac.new(key, email.lower().encode(), hashlib.sha256).digest()
