"""Telling people from programs at the door, by a score that somebody else gives (the protocol of reCAPTCHA v3).

Owns: the port to whoever verifies, what its answers mean, and what becomes of people when it does not answer.
Does not own: which acts ask for it (orgs), the script in the browser (web). Keeps nothing.
Invariants: off unless both keys are set; a token is good for one act; what is wrong on our side or theirs never
counts against the caller but is decided by `TOLLKEEPER_CAPTCHA_WHEN_DOWN`.
What each time means: a token's age is the verifier's to judge.
"""

from .model import (
    CaptchaAct,
    CaptchaFailedError,
    CaptchaNeededError,
    CaptchaUnavailableError,
    CaptchaVerifier,
    CaptchaWidget,
)
from .service import captcha_widget, check_captcha, close_captcha, provide_captcha

__all__ = [
    "CaptchaAct",
    "CaptchaFailedError",
    "CaptchaNeededError",
    "CaptchaUnavailableError",
    "CaptchaVerifier",
    "CaptchaWidget",
    "captcha_widget",
    "check_captcha",
    "close_captcha",
    "provide_captcha",
]
