"""The usage page, and the stream that keeps what it says of the present up to date."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import status
from tollkeeper.catalog import load_catalogue
from tollkeeper.infra import RuntimeDep
from tollkeeper.kit import Permission
from tollkeeper.metering import list_meters
from tollkeeper.orgs import get_organization
from tollkeeper.web.ui import live, page, part

from .person import PersonDep, load_viewer
from .present import Present, present_of, series_for, with_costs
from .using import rule_of, users_of
from .views import SPANS, Choice, limit_banners, span_of

router = APIRouter()

LIVE_SECONDS = 2.0
"""How often a process looks where an organization stands that somebody watches."""


@router.get("/usage")
async def usage_page(
    request: Request, runtime: RuntimeDep, actor: PersonDep, feature: str = "", span: str = ""
) -> Response:
    """Show where every feature stands, and of one of them its history, its forecast, its users and its rule."""
    actor.must(Permission.USAGE_READ)
    present, chosen = await present_of(request, actor.own_organization()), span_of(span)
    async with runtime.transaction() as tx:
        catalogue = await load_catalogue(tx)
        viewer = await load_viewer(tx, actor)
        standing = await status(tx, viewer.home.id, created_at=viewer.home.created_at)
        present = await with_costs(tx, present, standing)
        usage = present.lines(catalogue, tx.now)
        line = next((each for each in usage if each.key == feature), usage[0] if usage else None)
        series = users = None
        rule: list[tuple[str, str]] = []
        if line is not None:
            balance = present.of(line.key)
            (meter,) = [each for each in await list_meters(tx) if each.id == balance.allowance.meter_id]
            series = await series_for(tx, present.access, catalogue, line.key, chosen)
            users = await users_of(tx, viewer.home.id, meter, balance)
            rule = rule_of(catalogue.features[line.key], meter, balance)
    return page(
        request,
        "portal/usage.html",
        viewer=viewer,
        banners=limit_banners(usage),
        usage=usage,
        line=line,
        series=series,
        users=users,
        rule=rule,
        features=[Choice(each.key, each.title) for each in usage],
        spans=SPANS,
        span=chosen,
    )


@router.get("/usage/live")
async def usage_live(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Send where every feature stands, now and whenever it changes."""
    actor.must(Permission.USAGE_READ)
    organization_id = actor.own_organization()
    async with runtime.transaction() as tx:
        catalogue = await load_catalogue(tx)
        viewer = await load_viewer(tx, actor)

    async def read() -> Present:
        present = await present_of(request, organization_id)
        if not present.may_cost:
            return present
        async with runtime.transaction() as tx:
            organization = await get_organization(tx, organization_id)
            return await with_costs(tx, present, await status(tx, organization_id, created_at=organization.created_at))

    def show(present: Present) -> str:
        usage = present.lines(catalogue, runtime.clock.now())
        return part(request, "portal/usage_now.html", viewer=viewer, usage=usage)

    return live(request, "usage", read, show, every=LIVE_SECONDS)
