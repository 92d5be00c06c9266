"""Forms: the token against forged posts, what was typed and what is wrong with it, and where to go next."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from tollkeeper.identity import CSRF_FIELD, check_csrf, csrf_token
from tollkeeper.infra import make_secret, same
from tollkeeper.kit import FieldProblem, ForbiddenError, InvalidInputError, TollkeeperError

_TOKEN_BYTES = 32
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x1f]*")


class StaleFormError(ForbiddenError):
    """A form came without the token its page was given."""

    code = "stale_form"
    title = "This form is no longer valid"
    hint = "Go back, reload the page and send it again. Cookies must be allowed."


def _cookie_name(request: Request) -> str:
    # The __Host- prefix keeps sibling domains from planting a token; browsers take it only over https.
    return "__Host-tk_form" if request.url.scheme == "https" else "tk_form"


def _session_token(request: Request) -> str | None:
    found: str | None = request.scope.get("state", {}).get("session_token")
    return found


class FormToken:
    """The token a page repeats in each form; another site cannot know it.

    Of somebody logged in it follows from the session. Before that it is random and kept in a cookie of its own;
    written into a page it marks itself as used, so that pages without forms set no cookie.
    """

    def __init__(self, request: Request) -> None:
        self._name = _cookie_name(request)
        self._secure = request.url.scheme == "https"
        session = _session_token(request)
        sent = request.cookies.get(self._name, "")
        self._is_new = session is None and len(sent) < _TOKEN_BYTES
        if session is not None:
            self._value = csrf_token(session)
        else:
            self._value = make_secret(_TOKEN_BYTES) if self._is_new else sent
        self._used = False

    def __str__(self) -> str:
        self._used = True
        return self._value

    def remember(self, response: Response) -> None:
        """Give the browser its token when the page has a form and the browser has none yet."""
        if self._used and self._is_new:
            response.set_cookie(self._name, self._value, httponly=True, samesite="lax", secure=self._secure)


async def read_form(request: Request) -> dict[str, str]:
    """Read a posted form after proving that a page of ours sent it.

    Raises:
        StaleFormError: the token is missing or wrong, or the browser says that another site sent the form.
    """
    fields = {name: value for name, value in (await request.form()).items() if not isinstance(value, UploadFile)}
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise StaleFormError(log="posted by another site")
    token, session = fields.pop(CSRF_FIELD, ""), _session_token(request)
    if session is not None:
        is_ours = check_csrf(session, token)
    else:
        cookie = request.cookies.get(_cookie_name(request), "")
        is_ours = bool(cookie) and same(cookie, token)
    if not is_ours:
        raise StaleFormError(log="token missing or wrong")
    return fields


@dataclass(frozen=True, slots=True)
class FormState:
    """A form as it is shown: kept values, errors by field, and one error for the whole."""

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    hint: str = ""


def empty_form(*names: str, **values: str) -> FormState:
    """Return a form nothing was typed into yet."""
    return FormState({**dict.fromkeys(names, ""), **values}, dict.fromkeys([*names, *values], ""))


def refused_form(fields: Mapping[str, str], names: Iterable[str], error: TollkeeperError) -> FormState:
    """Return the form as it was sent, with what is wrong beside the fields. Secrets are never among `names` kept.

    Args:
        fields: what was sent.
        names: the fields the page shows, secrets left out.
        error: why it was refused; problems of fields the page does not show become the form's own error.
    """
    shown = list(names)
    kept = {name: fields.get(name, "") for name in shown}
    problems: tuple[FieldProblem, ...] = error.problems if isinstance(error, InvalidInputError) else ()
    errors = {problem.field: _words(problem.message) for problem in reversed(problems) if problem.field}
    if errors:
        return FormState(kept, {**dict.fromkeys([*shown, "password"], ""), **errors})
    return FormState(kept, dict.fromkeys([*shown, "password"], ""), error.detail, error.hint)


def _words(message: str) -> str:
    text = message[:1].upper() + message[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def safe_next(wanted: str, default: str = "/dashboard") -> str:
    """Return where to go after logging in: a path of our own, never another site.

    Addresses with a host or scheme, in whatever disguise (two slashes, backslashes), fall back to `default`.
    """
    parts = urlsplit(wanted) if _OWN_PATH.fullmatch(wanted) else None
    return wanted if parts is not None and not parts.scheme and not parts.netloc else default
