"""A word after an act, shown once on the next page: sealed in a cookie, so that nobody else can put words there."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from fastapi import Request
from starlette.responses import Response

from tollkeeper.infra import forget_cookie, keep_cookie, runtime_of, sent_cookie

LIFE = timedelta(minutes=1)
MAX_TEXT = 300
_COOKIE = "tk_toast"
TONES = ("good", "info", "warn", "bad")

R = TypeVar("R", bound=Response)


@dataclass(frozen=True, slots=True)
class Toast:
    """What is said. `tone` is one of TONES; good and info go away by themselves where scripts run."""

    text: str
    tone: str = "good"


def toast(request: Request, response: R, text: str, tone: str = "good") -> R:
    """Have the next page say something, once, as in `toast(request, go("/keys"), "Key revoked.")`.

    Args:
        request: the form that was answered.
        response: what answers it, a redirect as a rule.
        text: one short sentence; what is longer than MAX_TEXT is cut.
        tone: one of TONES.
    """
    runtime = runtime_of(request)
    said = {"text": text[:MAX_TEXT], "tone": tone, "at": runtime.clock.now().isoformat()}
    keep_cookie(request, response, _COOKIE, runtime.seal("toast").close(json.dumps(said).encode()), LIFE)
    return response


def toast_of(request: Request) -> Toast | None:
    """Return what the page is to say, None for nothing. Parts of a page say nothing, so that the page can."""
    kept = sent_cookie(request, _COOKIE)
    if not kept or "hx-request" in request.headers:
        return None
    runtime = runtime_of(request)
    content = runtime.seal("toast").open(kept)
    if content is None:
        return None
    said = json.loads(content)
    is_late = runtime.clock.now() - datetime.fromisoformat(said["at"]) > LIFE
    return None if is_late else Toast(said["text"], said["tone"])


def forget_toast(request: Request, response: Response) -> None:
    """Have the browser forget what was said."""
    forget_cookie(request, response, _COOKIE)
