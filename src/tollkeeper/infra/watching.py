"""Security events, counted for whoever watches: acts that change who may do what, and calls that were refused."""

from datetime import datetime, timedelta

from prometheus_client import Counter

from tollkeeper.kit import TollkeeperError

SECURITY = Counter(
    "tollkeeper_security_events",
    "Acts that change who may do what, by their name in the trail, and refused calls, by their error code.",
    ["event"],
)
# What begins so is about who may do what.
_WATCHED = (
    "login.",
    "password.",
    "email.",
    "totp.",
    "passkey.",
    "recovery_code",
    "identity.",
    "key.",
    "member.",
    "role.",
    "invitation.",
    "staff.",
    "domain.",
    "scim.",
    "impersonation.",
    "organization.transferred",
    "trail.",
    "webhook.refused",
)
_REFUSED = frozenset({401, 403, 429})

ONCE_IN = timedelta(minutes=1)


def watch(action: str) -> None:
    """Count an act, if it is one to watch."""
    if action.startswith(_WATCHED):
        SECURITY.labels(action).inc()


def watch_refusal(error: TollkeeperError) -> None:
    """Count a refusal, if it is because of who calls, or how often."""
    if error.status in _REFUSED:
        SECURITY.labels(error.code).inc()


class Sparingly:
    """Lets one of a kind through a minute: what anybody can cause as often as they like must not fill the trail."""

    def __init__(self) -> None:
        self._last: dict[str, datetime] = {}

    def allows(self, kind: str, now: datetime) -> bool:
        """Whether it is time for another of this kind; the kinds are few."""
        last = self._last.get(kind)
        if last is not None and last <= now < last + ONCE_IN:
            return False
        self._last[kind] = now
        return True
