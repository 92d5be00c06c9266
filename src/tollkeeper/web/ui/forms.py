"""Forms: the token against forged posts, what was typed and what is wrong with it, and where to go next."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from tollkeeper.identity import CSRF_FIELD, check_csrf, csrf_token
from tollkeeper.infra import keep_cookie, make_secret, same, sent_cookie
from tollkeeper.kit import FieldProblem, ForbiddenError, InvalidInputError, TollkeeperError, own_path

from .advice import advice, as_sentence, said
from .packing import masked, unmasked

T = TypeVar("T")

_TOKEN_BYTES = 32
_COOKIE = "tk_form"


class StaleFormError(ForbiddenError):
    """A form came without the token its page was given."""

    code = "stale_form"
    title = "This form is no longer valid"
    hint = "Go back, reload the page and send it again. Cookies must be allowed."


def _session_token(request: Request) -> str | None:
    found: str | None = request.scope.get("state", {}).get("session_token")
    return found


class FormToken:
    """The token a page repeats in each form; another site cannot know it.

    Of somebody logged in it follows from the session. Before that it is random and kept in a cookie of its own;
    written into a page it marks itself as used, so that pages without forms set no cookie.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        session = _session_token(request)
        sent = sent_cookie(request, _COOKIE)
        self._is_new = session is None and len(sent) < _TOKEN_BYTES
        if session is not None:
            self._value = csrf_token(session)
        else:
            self._value = make_secret(_TOKEN_BYTES) if self._is_new else sent
        self._shown = ""

    def __str__(self) -> str:
        self._shown = self._shown or masked(self._value)  # one mask a page: the more often it stands there, the shorter
        return self._shown

    def remember(self, response: Response) -> None:
        """Give the browser its token when the page has a form and the browser has none yet."""
        if self._shown and self._is_new:
            keep_cookie(self._request, response, _COOKIE, self._value)


async def read_form(request: Request) -> dict[str, str]:
    """Read a posted form after proving that a page of ours sent it.

    Raises:
        StaleFormError: the token is missing or wrong, or the browser says that another site sent the form.
    """
    fields = {name: value for name, value in (await request.form()).items() if not isinstance(value, UploadFile)}
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise StaleFormError(log="posted by another site")
    token, session = unmasked(fields.pop(CSRF_FIELD, "")), _session_token(request)
    if session is not None:
        is_ours = check_csrf(session, token)
    else:
        cookie = sent_cookie(request, _COOKIE)
        is_ours = bool(cookie) and same(cookie, token)
    if not is_ours:
        raise StaleFormError(log="token missing or wrong")
    return fields


class Errors(dict[str, str]):
    """What is wrong by field; empty for fields of which nothing was said, secrets among them."""

    def __missing__(self, name: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class FormState:
    """A form as it is shown: kept values, errors by field, and one error for the whole."""

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=Errors)
    error: str = ""
    hint: str = ""


def empty_form(*names: str, **values: str) -> FormState:
    """Return a form nothing was typed into yet."""
    return FormState({**dict.fromkeys(names, ""), **values}, Errors.fromkeys([*names, *values], ""))


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
    errors = {problem.field: as_sentence(problem.message) for problem in reversed(problems) if problem.field}
    if errors:
        return FormState(kept, Errors({**dict.fromkeys([*shown, "password"], ""), **errors}))
    return FormState(kept, Errors.fromkeys([*shown, "password"], ""), said(error), advice(error))


def gathered(problems: list[FieldProblem], check: Callable[[], T], otherwise: T) -> T:
    """Return what a check finds. What it refuses is added to `problems`, so that a form names everything at once."""
    try:
        return check()
    except InvalidInputError as error:
        problems += error.problems
        return otherwise


def safe_next(wanted: str, default: str = "/dashboard") -> str:
    """Return where to go after logging in: a path of our own, never another site; otherwise `default`."""
    return own_path(wanted, default)
