"""Values of guessing: who tries, and what they are told."""

from dataclasses import dataclass
from datetime import timedelta

from tollkeeper.kit import TollkeeperError

DEVICE_COOKIE = "tollkeeper_device"
DEVICE_LIFE = timedelta(days=400)
"""As long as browsers keep a cookie at most. A device not used for so long is forgotten."""
MAX_DEVICES = 20
"""So many a person, the ones used last."""


@dataclass(frozen=True, slots=True)
class Device:
    """From where somebody comes. `token` is its cookie's, empty when it sent none."""

    token: str = ""
    user_agent: str = ""
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """What one try is counted for: keys, each with how many wrong ones in a row are free. A right one clears `own`."""

    limits: dict[bytes, int]
    own: bytes


class LoginThrottledError(TollkeeperError):
    """So many passwords were wrong in a row that the next one has to wait."""

    code = "login_throttled"
    status = 429
    title = "Too many wrong passwords in a row"
    hint = "Wait as long as `Retry-After` says, log in on a device you have used before, or choose a new password."

    def __init__(self, *, retry_after: int) -> None:
        """`retry_after` is in seconds."""
        super().__init__(
            f"Too many wrong passwords in a row; the next one is looked at in {retry_after} s.",
            headers={"Retry-After": str(retry_after)},
            retry_after=retry_after,
        )
