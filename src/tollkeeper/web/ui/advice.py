"""What somebody at a page can do about an error: hints speak to programs, which have no page to go back to."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from tollkeeper.kit import InvalidInputError, TollkeeperError

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "already_member": "Change their role in the list of members.",
        "already_subscribed": "Change the plan you have instead.",
        "calls_uncounted": "Nothing was done. Try again in a moment.",
        "captcha_required": "Reload the page and send it again; scripts must be allowed.",
        "export_not_found": "Exports can be fetched for a week. Ask for a new one.",
        "idempotency_in_progress": "Wait a moment and look again.",
        "invalid_input": "Correct it and send it again.",
        "login_throttled": "Wait until then, log in on a device you have used before, or choose a new password.",
        "malformed_body": "Go back, reload the page and send it again.",
        "method_not_allowed": "Only the form of a page leads here. Open that page.",
        "no_customer": "Choose a plan first.",
        "no_subscription": "Choose a plan first.",
        "organization_suspended": "You can still read and export everything, pay and cancel.",
        "overloaded": "Nothing was recorded. Try again in a moment.",
        "payload_too_large": "Send less at once.",
        "payment_disputed": "Answer or accept the dispute first.",
        "rate_limited": "Wait a minute and try again.",
        "too_many_wrong_codes": "Wait until then, or use a passkey.",
        "totp_not_begun": "Begin again on the security page.",
    }
)
"""By an error's code."""
_CALL = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) |`[\w-]+`|Authorization: ")


def advice(error: TollkeeperError) -> str:
    """Return what to do about an error in words for a page; empty when its hint names calls and nothing else."""
    return _WORDS.get(error.code) or ("" if _CALL.search(error.hint) else error.hint)


def said(error: TollkeeperError) -> str:
    """Return what happened; of something typed what is wrong with it, without the names that programs give fields."""
    if isinstance(error, InvalidInputError):
        return " ".join(as_sentence(problem.message) for problem in error.problems)
    return error.detail


def is_of_cursor(error: TollkeeperError) -> bool:
    """Whether all that is wrong is where in a list a page was to begin."""
    return isinstance(error, InvalidInputError) and [each.field for each in error.problems] == ["cursor"]


def as_sentence(message: str) -> str:
    """Return words that begin with a capital and end with a stop."""
    text = message[:1].upper() + message[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
