"""Structured logs on stderr, with the request's context and without its secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from .problems import is_outage

# Our own keys and tokens, the provider's, JWTs, and passwords inside URLs.
_SECRET = re.compile(
    r"tk_(?:live|test|op)_[A-Za-z0-9_]+|(?:sk|rk|whsec)_[A-Za-z0-9_]+|eyJ[\w-]+\.[\w-]+\.[\w-]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_SECRET_NAMES = frozenset(
    {"password", "secret", "token", "access_token", "refresh_token", "authorization", "cookie", "card_number", "cvc"}
)


def redact(text: str) -> str:
    """Return the text with everything that looks like a credential replaced."""
    return _SECRET.sub("[redacted]", text)


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key.lower() in _SECRET_NAMES:
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = redact(value)
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
