"""The public pages: home, pricing, the API reference."""

from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from tollkeeper.catalog import list_plans, load_catalogue
from tollkeeper.infra import TxDep, every_error
from tollkeeper.rating import Interval
from tollkeeper.web.ui import cards, chosen_interval, comparison, page, part, saving

from .reference import groups_of

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home_page(request: Request, tx: TxDep) -> Response:
    """Show what this is, and the plans."""
    plans = await list_plans(tx)
    shown = cards(plans, Interval.MONTH)
    free = next((card.monthly[0] for card in shown if card.is_default and card.monthly), "")
    return page(
        request,
        "site/home.html",
        plans=shown,
        interval=Interval.MONTH.value,
        free_line=f"{free} a month are free." if free else "",
    )


@router.get("/pricing")
async def pricing_page(request: Request, tx: TxDep, interval: str = "month") -> Response:
    """Show every public plan, what it costs and what it includes."""
    plans = await list_plans(tx)
    chosen = chosen_interval(interval)
    return page(
        request,
        "site/pricing.html",
        plans=cards(plans, chosen, (await load_catalogue(tx)).addons.values()),
        interval=chosen.value,
        saving=saving(plans),
        table=comparison(plans),
    )


@router.get("/docs/api")
async def reference_page(request: Request) -> Response:
    """Show the API reference, made from this application's own OpenAPI document."""
    return page(request, "site/reference.html", **_reference(request))


def _reference(request: Request) -> dict[str, Any]:
    """Return what the reference shows, made once: it is large, and the same as long as the process runs."""
    kept = request.app.state
    if not hasattr(kept, "reference"):
        document = request.app.openapi()
        groups = groups_of(document)
        summary = document["info"].get("description") or "Every call of the API: what it takes and what it answers."
        calls = Markup(part(request, "site/reference_calls.html", groups=groups))  # noqa: S704 - a template's own words
        kept.reference = {"groups": groups, "summary": summary, "calls": calls}
    found: dict[str, Any] = kept.reference
    return found


@router.get("/docs/errors")
async def errors_page(request: Request) -> Response:
    """Show every error code; the `type` of each problem document points here."""
    return page(request, "site/errors.html", errors=every_error())
