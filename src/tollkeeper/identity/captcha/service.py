"""Use cases of the CAPTCHA."""

import structlog

from tollkeeper.infra import Runtime, Settings, WhenDown

from .model import (
    CaptchaAct,
    CaptchaNeededError,
    CaptchaUnavailableError,
    CaptchaVerifier,
    CaptchaWidget,
)
from .recaptcha import Recaptcha
from .rules import must_pass, widget_of

log = structlog.get_logger(__name__)


def provide_captcha(runtime: Runtime) -> None:
    """Have a verifier where the settings name one."""
    settings = runtime.settings
    if settings.captcha_secret is not None:
        verifier = Recaptcha(settings.captcha_api, settings.captcha_secret.get_secret_value())
        runtime.parts[CaptchaVerifier] = verifier


async def close_captcha(runtime: Runtime) -> None:
    """Let go of the verifier's connections."""
    verifier: CaptchaVerifier | None = runtime.parts.get(CaptchaVerifier)
    if verifier is not None:
        await verifier.close()


def captcha_widget(settings: Settings) -> CaptchaWidget | None:
    """Return what pages need; None when there is no CAPTCHA."""
    return widget_of(settings.captcha_site_key, settings.captcha_api) if settings.captcha_site_key else None


async def check_captcha(runtime: Runtime, token: str | None, act: CaptchaAct, address: str) -> None:
    """Let pass whose token the verifier takes for a person's; everybody when there is no CAPTCHA.

    Raises:
        CaptchaNeededError: no token was sent.
        CaptchaFailedError: the token is not good for this act, or its score is too low.
        CaptchaUnavailableError: the verifier does not answer, and the settings say to refuse then.
    """
    verifier: CaptchaVerifier | None = runtime.parts.get(CaptchaVerifier)
    if verifier is None:
        return
    if not token:
        raise CaptchaNeededError
    try:
        answer = await verifier.verify(token, address)
    except CaptchaUnavailableError as error:
        log.warning("captcha not checked", act=act.value, reason=error.log)
        if runtime.settings.captcha_when_down is WhenDown.REFUSE:
            raise
        return
    must_pass(answer, act, runtime.settings.captcha_threshold)
