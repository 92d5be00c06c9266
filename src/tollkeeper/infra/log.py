"""Structured logs on stderr, with the request's context and without its secrets."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from .problems import is_outage

REDACTED = "[redacted]"
MAX_DEPTH = 6
# Our own keys and tokens, the provider's, JWTs, passwords inside URLs, and bearers of any kind.
_SECRET = re.compile(
    r"tk_(?:live|test|op)_[A-Za-z0-9_]+|(?:sk|rk|whsec)_[A-Za-z0-9_]+|eyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)|(?<=[Bb]earer )[A-Za-z0-9._~+/-]{16,}=*"
)
# `token=...` of an address, `"password": "..."` of a document: the name is enough.
_NAMED = re.compile(
    r"(?i)((?:password|passwd|secret|token|otp|recovery_code|code_verifier|tk_session|tk_form)(?:=|[\"']\s*:\s*[\"']?))"
    r"(?!\[redacted\])[^\s\"'&,;}\]]+"
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_SECRET_NAMES = re.compile(
    r"(?i)password|passwd|secret|token|authorization|cookie|api_?key|otp|recovery|card|cvc|iban|e_?mail|phone"
    r"|address_line|user_name|full_name|given_name|family_name"
)
# Names that hold such a word and tell nothing.
_HARMLESS = frozenset({"key_id", "token_id", "token_type", "card_brand", "emails", "email_id"})


def redact(text: str) -> str:
    """Return the text with everything that looks like a credential replaced."""
    return _NAMED.sub(rf"\1{REDACTED}", _SECRET.sub(REDACTED, text))


def redact_people(text: str) -> str:
    """Return the text as `redact` does, and without e-mail addresses."""
    return _EMAIL.sub(REDACTED, redact(text))


def _without_secrets(value: Any, depth: int = 0) -> Any:
    """Return a value of a log line without secrets and e-mail addresses, however deep they lie."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth > MAX_DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            name: REDACTED if _is_secret(str(name)) else _without_secrets(each, depth + 1)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets(each, depth + 1) for each in value]
    shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return redact_people(shown)


def _is_secret(name: str) -> bool:
    return name not in _HARMLESS and _SECRET_NAMES.search(name) is not None


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = REDACTED if _is_secret(key) else _without_secrets(value)
    return event


def _shorten_outage(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say that the database is away in one line: the way to it through every library tells nothing."""
    info = event.get("exc_info")
    error = info[1] if isinstance(info, tuple) else sys.exc_info()[1] if info is True else info
    if isinstance(error, BaseException) and is_outage(error):
        del event["exc_info"]
        event["error"] = " ".join(str(error.__cause__ or error).split())
    return event


def configure_logging(level: str, *, as_json: bool) -> None:
    """Set up logging of the whole process: JSON lines for machines, plain columns for people."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Traces are plain text by the time secrets are taken out; prettier ones would show the values of variables.
    columns = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    renderer: Any = structlog.processors.JSONRenderer() if as_json else columns
    finish: list[Any] = [_shorten_outage, structlog.processors.format_exc_info, _redact_event, renderer]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "stripe", "uvicorn.access", "procrastinate", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
