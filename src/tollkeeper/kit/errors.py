"""What can go wrong, in words meant for the caller.

TollkeeperError
├── InvalidInputError     422  the request is understood but wrong; names every field at once
├── UnauthenticatedError  401  nobody is logged in, or the credential is not valid
├── ForbiddenError        403  known caller, not allowed
├── NotFoundError         404  no such thing, or it belongs to somebody else
├── ConflictError         409  the present state does not allow it
└── UnavailableError      503  something we need is down; try again
Domains derive their own from these and set `code`, `title` and `hint`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class TollkeeperError(Exception):
    """Something went wrong that the caller can be told about."""

    code: ClassVar[str] = "internal_error"
    """Stable machine-readable name; also the name of its page in the reference."""
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"
    hint: ClassVar[str] = "Try again; when it stays, report the request id."
    """What the caller can do about it."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        log: str | None = None,
        **extra: Any,
    ) -> None:
        """Describe one occurrence.

        Args:
            detail: what happened this time, safe to show to the caller; None falls back to the title.
            headers: response headers the answer must carry (`Retry-After`, ...).
            log: words for our own log only.
            extra: further members of the problem document, JSON values.
        """
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.headers = dict(headers or {})
        self.log = log
        self.extra = extra


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field. `field` is a dotted path (`items.0.count`), empty for the whole body."""

    field: str
    message: str
    code: str = "invalid"


class InvalidInputError(TollkeeperError):
    """The request was understood but something in it is wrong."""

    code = "invalid_input"
    status = 422
    title = "The request has invalid fields"
    hint = "Correct the fields named in `errors` and send the request again."

    def __init__(self, problems: Sequence[FieldProblem] | str, **extra: Any) -> None:
        listed = [FieldProblem("", problems)] if isinstance(problems, str) else list(problems)
        detail = "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in listed)
        errors = [{"field": p.field, "message": p.message, "code": p.code} for p in listed]
        super().__init__(detail, errors=errors, **extra)
        self.problems = tuple(listed)


class UnauthenticatedError(TollkeeperError):
    """No valid credential came with the request."""

    code = "unauthenticated"
    status = 401
    title = "Log in or send an API key"
    hint = "Send `Authorization: Bearer <API key or access token>`, or log in."

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"}, **extra)


class ForbiddenError(TollkeeperError):
    """The caller is known but may not do this."""

    code = "forbidden"
    status = 403
    title = "You are not allowed to do this"
    hint = "Ask an owner of the organization for the permission."


class NotFoundError(TollkeeperError):
    """There is no such thing, or it belongs to somebody else: the answer is the same on purpose."""

    code = "not_found"
    status = 404
    title = "There is no such thing"
    hint = "Check the id; things of other organizations are not visible to you."


class ConflictError(TollkeeperError):
    """The present state does not allow this."""

    code = "conflict"
    status = 409
    title = "The present state does not allow this"
    hint = "Read the current state and decide again."


class UnavailableError(TollkeeperError):
    """Something this needs is down at the moment."""

    code = "unavailable"
    status = 503
    title = "A part this needs is not available"
    hint = "Try again in a moment."

    def __init__(self, detail: str | None = None, *, retry_after: int = 5, **extra: Any) -> None:
        """`retry_after` is in seconds."""
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extra)
