"""Values of the CAPTCHA, its port, and what can go wrong."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tollkeeper.kit import ForbiddenError, UnavailableError


class CaptchaAct(StrEnum):
    """What a token was made for; the verifier tells, and another act's token is refused."""

    LOGIN = "login"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class CaptchaAnswer:
    """What the verifier says of a token. `score` is from 0 to 1; `problems` are its error codes."""

    success: bool
    score: float
    action: str
    problems: tuple[str, ...] = ()


class CaptchaVerifier(Protocol):
    """Whoever judges tokens."""

    async def verify(self, token: str, address: str) -> CaptchaAnswer:
        """Judge a token sent from this network address; it is spent by that.

        Raises:
            CaptchaUnavailableError: no answer that can be understood, also at the second try.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class CaptchaWidget:
    """What pages need. `script` is its address; `sources` are what it may load and ask, for the security policy."""

    site_key: str
    script: str
    sources: tuple[str, ...]


class CaptchaNeededError(ForbiddenError):
    """No token came along."""

    code = "captcha_required"
    title = "A CAPTCHA token is needed"
    hint = "Send `captcha`, the token that the CAPTCHA's script gave the browser for this act."


class CaptchaFailedError(ForbiddenError):
    """The token is not good, or whoever sent it looks like a program. `reason` says which."""

    code = "captcha_failed"
    title = "This looks automated"
    hint = "Try again with a fresh token. When it stays, use another browser or network, or write to us."


class CaptchaUnavailableError(UnavailableError):
    """The verifier does not answer, and the settings say to refuse then."""

    code = "captcha_unavailable"
    title = "The CAPTCHA cannot be checked right now"
    hint = "Try again in a moment."
