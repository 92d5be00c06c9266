"""The overview and the usage page.

What the gate knows is asked for before the page's own transaction opens: a page that held a connection while it
waits for another one could starve itself.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import so_far, status
from tollkeeper.catalog import Catalogue, load_catalogue
from tollkeeper.gate import Access, gate_of, usage_history
from tollkeeper.identity import list_keys
from tollkeeper.infra import RuntimeDep, Tx
from tollkeeper.kit import Permission
from tollkeeper.orgs import get_organization
from tollkeeper.web.ui import page

from .billing_views import plan_fact
from .person import PersonDep, load_viewer
from .standing import standing_banners
from .views import (
    OVERVIEW_SPAN,
    SPANS,
    Choice,
    FeatureUsage,
    Series,
    Span,
    key_rows,
    keys_fact,
    left_fact,
    limit_banners,
    series_of,
    span_of,
    usage_lines,
    window,
)

router = APIRouter()


@router.get("/dashboard")
async def overview_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show the plan, usage against its limits, and recent usage."""
    actor.must(Permission.USAGE_READ)
    organization_id = actor.own_organization()
    gate = gate_of(request)
    access = await gate.access(organization_id)
    balances = await gate.balances(access)
    async with runtime.transaction() as tx:
        catalogue = await load_catalogue(tx)
        usage = usage_lines(balances, catalogue.features)
        keys = key_rows((await list_keys(tx, organization_id)).data, tx.now)
        organization = await get_organization(tx, organization_id)
        standing = await status(tx, organization_id, created_at=organization.created_at)
        series = await _series(tx, access, catalogue, _first(usage), OVERVIEW_SPAN)
        banners = await standing_banners(tx, actor, standing, catalogue)
        viewer = await load_viewer(tx, actor)
    return page(
        request,
        "portal/dashboard.html",
        viewer=viewer,
        banners=[*banners, *limit_banners(usage)],
        facts=[plan_fact(standing, catalogue), left_fact(usage), keys_fact(keys)],
        offer="Upgrade" if any(access.offers.values()) else "",
        has_keys=any(key.active for key in keys),
        usage=usage,
        series=series,
        sample_feature=_first(usage),
    )


@router.get("/usage")
async def usage_page(
    request: Request, runtime: RuntimeDep, actor: PersonDep, feature: str = "", span: str = ""
) -> Response:
    """Show the history of one feature, and where every feature stands."""
    actor.must(Permission.USAGE_READ)
    gate = gate_of(request)
    access = await gate.access(actor.own_organization())
    balances = await gate.balances(access)
    chosen = span_of(span)
    async with runtime.transaction() as tx:
        catalogue = await load_catalogue(tx)
        organization = await get_organization(tx, actor.own_organization())
        standing = await status(tx, organization.id, created_at=organization.created_at)
        beyond = await so_far(tx, standing.subscription) if standing.subscription else []
        usage = usage_lines(balances, catalogue.features, beyond)
        known = feature if any(line.key == feature for line in usage) else _first(usage)
        series = await _series(tx, access, catalogue, known, chosen)
        viewer = await load_viewer(tx, actor)
    return page(
        request,
        "portal/usage.html",
        viewer=viewer,
        banners=limit_banners(usage),
        usage=usage,
        series=series,
        features=[Choice(line.key, line.title) for line in usage],
        spans=SPANS,
        span=chosen.key,
    )


def _first(usage: list[FeatureUsage]) -> str:
    return usage[0].key if usage else ""


async def _series(tx: Tx, access: Access, catalogue: Catalogue, feature: str, span: Span) -> Series | None:
    """Return the history of a feature; None when the plan meters nothing."""
    if not feature:
        return None
    period = window(span, tx.now)
    points = await usage_history(tx, access, feature, period, span.bucket)
    return series_of(catalogue.features[feature], span, period, points)
