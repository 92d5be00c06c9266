"""The overview: what somebody wants to know who comes by for a moment, and what a newcomer does first."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import status
from tollkeeper.catalog import load_catalogue
from tollkeeper.identity import list_keys
from tollkeeper.infra import RuntimeDep, Sought, Tx
from tollkeeper.kit import Actor, Permission
from tollkeeper.orgs import list_members, read_trail
from tollkeeper.web.ui import page

from .billing_views import plan_fact
from .person import PersonDep, load_viewer, may
from .present import present_of, series_for
from .standing import standing_banners
from .trail_views import TrailRow, trail_rows
from .views import OVERVIEW_SPAN, key_rows, keys_fact, left_fact, limit_banners

router = APIRouter()

RECENT = 5


@dataclass(frozen=True, slots=True)
class Step:
    """Something a newcomer does first."""

    done: bool
    title: str
    text: str
    href: str
    action: str


@router.get("/dashboard")
async def overview_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show the plan, usage against its limits, recent usage, and what was done lately."""
    actor.must(Permission.USAGE_READ)
    organization_id = actor.own_organization()
    present = await present_of(request, organization_id)
    async with runtime.transaction() as tx:
        catalogue = await load_catalogue(tx)
        usage = present.lines(catalogue, tx.now)
        keys = key_rows((await list_keys(tx, organization_id)).data, tx.now)
        viewer = await load_viewer(tx, actor)
        standing = await status(tx, organization_id, created_at=viewer.home.created_at)
        first = usage[0].key if usage else ""
        series = await series_for(tx, present.access, catalogue, first, OVERVIEW_SPAN)
        banners = await standing_banners(tx, actor, viewer, standing, catalogue)
        has_team = len((await list_members(tx, organization_id, limit=2)).data) > 1
        recent = await _recent(tx, actor)
    has_keys = any(key.active for key in keys)
    return page(
        request,
        "portal/dashboard.html",
        viewer=viewer,
        banners=[*banners, *limit_banners(usage)],
        facts=[plan_fact(standing, catalogue), left_fact(usage), keys_fact(keys, runtime.clock.now())],
        offer="Upgrade" if any(present.access.purchase.offers.values()) else "",
        has_keys=has_keys,
        steps=_steps(
            has_keys=has_keys,
            has_used=present.is_used or bool(series and (series.total or series.before)),
            has_bought=standing.subscription is not None,
            has_team=has_team,
        ),
        usage=usage,
        series=series,
        sample_feature=first,
        recent=recent,
    )


def _steps(*, has_keys: bool, has_used: bool, has_bought: bool, has_team: bool) -> list[Step]:
    """Return what there is to do first; nothing once the first call was made, which is what all is about."""
    if has_used:
        return []
    return [
        Step(has_keys, "Create an API key", "Your server proves with it who calls.", "/keys", "Create a key"),
        Step(has_used, "Make your first call", "Paste the call below into a terminal.", "#first-call", "Show the call"),
        Step(has_team, "Invite your team", "Everybody has a login and a role.", "/team", "Invite somebody"),
        Step(has_bought, "Choose a plan", "The free one stays as long as you like.", "/billing", "Compare plans"),
    ]


async def _recent(tx: Tx, actor: Actor) -> list[TrailRow]:
    """Return what was done in the organization lately, for those who may read its trail."""
    if not may(actor, Permission.AUDIT_READ):
        return []
    return trail_rows((await read_trail(tx, Sought(actor.organization_id), limit=RECENT)).data)
