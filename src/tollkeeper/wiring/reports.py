"""Where browsers tell that a page did what its security policy forbids: a fault of ours, or somebody's attempt."""

import json
from typing import Any

import structlog
from fastapi import APIRouter, Request
from prometheus_client import Counter
from starlette.responses import Response

from tollkeeper.infra import MalformedBodyError

router = APIRouter(tags=["Health"])
log = structlog.get_logger(__name__)

MAX_REPORTS = 20
MAX_TEXT = 300
DIRECTIVES = frozenset(
    {
        "base-uri",
        "connect-src",
        "default-src",
        "font-src",
        "form-action",
        "frame-ancestors",
        "img-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
    }
)
REPORTS = Counter(
    "tollkeeper_policy_violations_total", "What browsers reported against the pages' security policy.", ["directive"]
)


@router.post("/csp-reports", status_code=204, responses={422: {"description": "Not a report."}})
async def report(request: Request) -> Response:
    """Take what a browser tells of a page that broke its security policy.

    Both formats are read, `application/csp-report` and `application/reports+json`. Anybody can send one, so it is
    counted and logged, shortened, and believed in nothing. Sent by browsers, not by programs.
    """
    try:
        sent = json.loads(await request.body())
    except (ValueError, RecursionError):  # also what is no UTF-8
        raise MalformedBodyError("This is no report.") from None
    for told in _reports(sent)[:MAX_REPORTS]:
        directive = _text(told, "effective-directive", "effectiveDirective", "violated-directive").partition(" ")[0]
        known = directive if directive in DIRECTIVES else "other"
        REPORTS.labels(known).inc()
        log.warning(
            "a page broke its security policy",
            directive=known,
            blocked=_text(told, "blocked-uri", "blockedURL"),
            page=_text(told, "document-uri", "documentURL").partition("?")[0],
        )
    return Response(status_code=204)


def _reports(sent: Any) -> list[dict[str, Any]]:
    listed = sent if isinstance(sent, list) else [sent]
    bodies = [each.get("csp-report", each.get("body")) for each in listed if isinstance(each, dict)]
    return [each for each in bodies if isinstance(each, dict)]


def _text(told: dict[str, Any], *names: str) -> str:
    return next((told[name][:MAX_TEXT] for name in names if isinstance(told.get(name), str)), "")
