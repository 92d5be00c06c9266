"""Pure decisions about answers of the verifier."""

from typing import Any
from urllib.parse import urlsplit

from .model import CaptchaAct, CaptchaAnswer, CaptchaFailedError, CaptchaUnavailableError, CaptchaWidget

# Said when it is us who asked wrongly: nothing a visitor could mend.
OUR_FAULTS = frozenset({"missing-input-secret", "invalid-input-secret", "bad-request", "invalid-keys"})
# What Google's own script goes on to load.
_GOOGLE = frozenset({"www.google.com", "www.recaptcha.net"})
_GOOGLES_REST = "https://www.gstatic.com/recaptcha/"


def read_answer(body: Any) -> CaptchaAnswer:
    """Return what the verifier's JSON says.

    Raises:
        CaptchaUnavailableError: it is not what the protocol says, or it says that our own call was wrong.
    """
    if not isinstance(body, dict) or not isinstance(body.get("success"), bool):
        raise CaptchaUnavailableError(log="the verifier's answer is none")
    codes = body.get("error-codes")
    problems = tuple(str(each) for each in codes) if isinstance(codes, list) else ()
    if OUR_FAULTS & set(problems):
        raise CaptchaUnavailableError(log=f"the verifier refuses our keys: {', '.join(problems)}")
    score = body.get("score", 0.0)
    return CaptchaAnswer(
        success=body["success"],
        score=float(score) if isinstance(score, int | float) else 0.0,
        action=str(body.get("action", "")),
        problems=problems,
    )


def must_pass(answer: CaptchaAnswer, act: CaptchaAct, threshold: float) -> None:
    """Let pass what looks like a person.

    Raises:
        CaptchaFailedError: with `reason` `expired` (or used), `invalid`, `wrong_action` or `low_score`.
    """
    if not answer.success:
        reason = "expired" if "timeout-or-duplicate" in answer.problems else "invalid"
        raise CaptchaFailedError("The CAPTCHA token is not valid, or was used before.", reason=reason)
    if answer.action != act:
        raise CaptchaFailedError("The CAPTCHA token was made for something else.", reason="wrong_action")
    if answer.score < threshold:
        raise CaptchaFailedError(reason="low_score")


def widget_of(site_key: str, api: str) -> CaptchaWidget:
    """Return what pages need of the CAPTCHA whose script and verifier are at this address."""
    more = (_GOOGLES_REST,) if urlsplit(api).hostname in _GOOGLE else ()
    return CaptchaWidget(site_key, f"{api}/api.js?render={site_key}", (f"{api}/", *more))
