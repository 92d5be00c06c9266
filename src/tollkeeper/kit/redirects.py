"""Where a browser may be sent on the word of a request: every `next`, `success_url` and the like goes through here."""

import re
from urllib.parse import urlsplit

from .errors import FieldProblem, InvalidInputError

MAX_URL = 2000
# A path on our own site: one slash, not two, no backslash (browsers read it as a slash), nothing that is not printed.
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x1f\x7f]*")


def own_path(wanted: str, default: str) -> str:
    """Return `wanted` when it is a path on our own site, `default` otherwise.

    Addresses with a host or scheme, in whatever disguise (two slashes, backslashes), are never followed.
    """
    return wanted if _is_own_path(wanted) else default


def return_url(text: str | None, *, field: str, default: str, base: str, own_site_only: bool) -> str:
    """Return the absolute address to send somebody back to.

    Args:
        text: as the caller wrote it, absolute or a path on our own site; None for the default.
        field: the field's name, for the error.
        default: path on our own site.
        base: our own origin, `https://host[:port]`.
        own_site_only: whether the caller is a browser, which somebody else's page may have driven here; callers with
            a key of their own decide themselves where their buyers go.

    Raises:
        InvalidInputError: not http(s), or not our own site where it must be.
    """
    if text is None:
        return base + default
    if len(text) > MAX_URL or "\\" in text or any(not sign.isprintable() or sign.isspace() for sign in text):
        raise _wrong(field, f"An address of at most {MAX_URL} characters without spaces is needed.")
    if _is_own_path(text):
        return base + text
    try:
        parts = urlsplit(text)
        origin = (parts.scheme.lower(), parts.hostname, parts.port)
    except ValueError:
        raise _wrong(field, "This is no address.") from None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise _wrong(field, "An absolute http or https address is needed.")
    ours = urlsplit(base)
    if own_site_only and origin != (ours.scheme, ours.hostname, ours.port):
        raise _wrong(field, f"From a browser session only addresses below {base} are taken.")
    return text


def _is_own_path(text: str) -> bool:
    if len(text) > MAX_URL or not _OWN_PATH.fullmatch(text):
        return False
    parts = urlsplit(text)
    return not parts.scheme and not parts.netloc


def _wrong(field: str, message: str) -> InvalidInputError:
    return InvalidInputError([FieldProblem(field, message, "url")])
