"""The admin's home: how the last two weeks went, what waits for somebody, and who came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import Charge
from tollkeeper.billing.figures import (
    Disputes,
    Takings,
    disputes_waiting,
    failed_deliveries,
    failed_payments,
    takings,
)
from tollkeeper.billing.payments import list_charges
from tollkeeper.infra import RuntimeDep, Tx, tally_queues
from tollkeeper.orgs import Organization
from tollkeeper.orgs.finding import browse_organizations, founded_by_day, organizations_of_ids
from tollkeeper.web.ui import exact

from .guard import StaffDep
from .lately import Lately
from .showing import show

router = APIRouter()

DAYS = 14
FEW = 6


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand, over everybody. Days are the last `DAYS`, oldest first."""

    founded: Sequence[int]
    takings: Sequence[Takings]
    taken: Sequence[int]
    failed: Sequence[int]
    disputes: Disputes
    deliveries: int
    jobs_waiting: int
    jobs_failed: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for somebody. `tone` is bad or warn."""

    tone: str
    title: str
    text: str
    href: str


class Standings(Lately[Standing]):
    """How things stand: figures over two weeks of everybody."""

    async def read(self, tx: Tx) -> Standing:
        """See Lately."""
        since = start_of_days(tx.now)
        came_in = await takings(tx, since)
        queues = await tally_queues(tx)
        return Standing(
            founded=by_day(await founded_by_day(tx, since), since),
            takings=came_in,
            taken=by_day(came_in[0].days if came_in else {}, since),
            failed=by_day(await failed_payments(tx, since), since),
            disputes=await disputes_waiting(tx),
            deliveries=await failed_deliveries(tx, since),
            jobs_waiting=sum(each.waiting + each.retrying for each in queues),
            jobs_failed=sum(each.failed for each in queues),
        )


def start_of_days(now: datetime) -> datetime:
    """Return the beginning of the first of the days that are shown, today being the last."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)


def by_day(found: Mapping[date, int], since: datetime) -> Sequence[int]:
    """Return a number for each of the days, nought for those without."""
    return [found.get((since + timedelta(days=number)).date(), 0) for number in range(DAYS)]


def what_waits(standing: Standing) -> list[Waiting]:
    """Return what waits for somebody, the gravest first."""
    disputes, found = standing.disputes, []
    if disputes.count:
        due = f"The first is due on {disputes.first_due:%-d %b %Y}." if disputes.first_due else ""
        found.append(Waiting("bad", _counted(disputes.count, "dispute waits", "disputes wait"), due, "/admin/disputes"))
    if standing.jobs_failed:
        title = _counted(standing.jobs_failed, "job was given up", "jobs were given up")
        found.append(Waiting("bad", title, "Their errors are kept until somebody acts.", "/admin/jobs?state=failed"))
    if standing.deliveries:
        title = _counted(standing.deliveries, "webhook failed", "webhooks failed")
        found.append(Waiting("warn", title, "They are tried again by themselves.", "/admin/webhooks?state=failed"))
    return found


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


@router.get("/admin")
async def home_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """Show how things stand."""
    standings: Standings = runtime.parts.setdefault(Standings, Standings(runtime))
    standing = await standings.now()
    async with runtime.transaction(of_all=True) as tx:
        newest: Sequence[Organization] = (await browse_organizations(tx, limit=FEW)).data
        failed: Sequence[Charge] = (await list_charges(tx, None, statuses=["failed"], limit=FEW)).data
        owners = await organizations_of_ids(tx, {each.organization_id for each in failed})
    return show(
        request,
        viewer,
        "home.html",
        standing=standing,
        revenue=[exact(each.total) for each in standing.takings],
        waiting=what_waits(standing),
        newest=newest,
        failed=failed,
        owners=owners,
        days=DAYS,
    )
