"""The board of failed payments: by stage, what is at risk, what comes next, and what can be done about it."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import provider_transaction
from tollkeeper.billing.dunning import (
    Case,
    CaseClosedError,
    CaseNotFoundError,
    Total,
    board,
    counted,
    get_case,
    schedule_of,
    total,
)
from tollkeeper.billing.flows import give_time, give_up, retry_payment
from tollkeeper.infra import Runtime, RuntimeDep, Tx
from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.web.admin.guard import AdminDep, StaffDep, StaffViewer
from tollkeeper.web.admin.lately import Lately
from tollkeeper.web.admin.showing import Asking, Typed, ask, show
from tollkeeper.web.ui import FormState, empty_form, go, read_form, refused_form, toast

from .board_views import board_columns
from .naming import Owner, names_for
from .reading import Reader

router = APIRouter()

HOME = "/admin/dunning"
CASE = HOME + "/{case_id}"
SHOWN = 20
USUAL_DAYS, MOST_DAYS = 7, 90


class Totals(Lately[Sequence[Total]]):
    """How many cases each stage has and what they owe: all of its cases are read."""

    async def read(self, tx: Tx) -> Sequence[Total]:
        """See Lately."""
        return await total(tx)


@router.get(HOME)
async def board_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """Show who owes, by how far it has come."""
    async with runtime.transaction(of_all=True) as tx:
        stages = await board(tx, limit=SHOWN)
        owners = {each.case.organization_id for stage in stages for each in stage.cases}
        names = await names_for(tx, owners, plans=True)
    totals: Totals = runtime.parts.setdefault(Totals, Totals(runtime))
    sums = await totals.now() if any(stage.has_more for stage in stages) else ()
    shown = board_columns([counted(stage, sums) for stage in stages], names, schedule_of(runtime))
    return show(request, viewer, "money/dunning.html", columns=shown, limit=SHOWN)


@router.post(CASE + "/retry")
async def retry_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, case_id: UUID) -> Response:
    """Try to collect now."""
    del viewer
    await read_form(request)
    try:
        async with provider_transaction(runtime) as tx:
            tried = await retry_payment(tx, case_id)
    except CaseClosedError as error:
        return toast(request, go(HOME), error.hint, "info")
    if tried.said:
        return toast(request, go(HOME), f"Not collected: {tried.said}", "bad")
    said = "Paid. The customer can use the plan." if tried.paid else "On its way: the bank has not answered yet."
    return toast(request, go(HOME), said)


@router.get(CASE + "/extend")
async def extend_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, case_id: UUID) -> Response:
    """Ask how much more time is given."""
    return await _ask_extend(request, runtime, viewer, case_id, empty_form(days=str(USUAL_DAYS)))


@router.post(CASE + "/extend")
async def extend_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, case_id: UUID) -> Response:
    """Give more time before the next step."""
    fields = await read_form(request)
    try:
        days = _days(fields)
        async with provider_transaction(runtime) as tx:
            await give_time(tx, case_id, days)
    except CaseClosedError as error:
        return toast(request, go(HOME), error.hint, "info")
    except TollkeeperError as error:
        form = refused_form(fields, ["days"], error)
        return await _ask_extend(request, runtime, viewer, case_id, form, status=error.status)
    return toast(request, go(HOME), f"Every further step comes {days} {'day' if days == 1 else 'days'} later.")


@router.get(CASE + "/give-up")
async def give_up_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, case_id: UUID) -> Response:
    """Ask before the subscription is ended."""
    case, owner = await _case(runtime, case_id)
    asking = Asking(
        title=f"Give up on {owner.name}?",
        text="The subscription ends now, and they go back to the default plan. What is owed stays owed.",
        action=f"{HOME}/{case_id}/give-up",
        button="End the subscription",
        back=HOME,
        rows=(("Tries that failed", str(case.attempts)), ("Owed since", f"{case.since:%-d %b %Y}")),
        is_grave=True,
    )
    return ask(request, viewer, asking)


@router.post(CASE + "/give-up")
async def give_up_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, case_id: UUID) -> Response:
    """End the subscription."""
    del viewer
    await read_form(request)
    try:
        async with provider_transaction(runtime) as tx:
            await give_up(tx, case_id)
    except CaseClosedError as error:
        return toast(request, go(HOME), error.hint, "info")
    return toast(request, go(HOME), "The subscription has ended.", "info")


async def _ask_extend(
    request: Request, runtime: Runtime, viewer: StaffViewer, case_id: UUID, form: FormState, *, status: int = 200
) -> Response:
    case, owner = await _case(runtime, case_id)
    upcoming = f"{case.next_at:%-d %b %Y}" if case.next_at else "None is left"
    asking = Asking(
        title=f"Give {owner.name} more time",
        text="Every step of the schedule that was not taken yet comes so much later. A plan that is withheld stays so "
        "until they pay.",
        action=f"{HOME}/{case_id}/extend",
        button="Give more time",
        back=HOME,
        rows=(("Next step", upcoming),),
        typed=(Typed("days", "Days", extra={"inputmode": "numeric", "autocomplete": "off"}),),
    )
    return ask(request, viewer, asking, form=form, status=status)


async def _case(runtime: Runtime, case_id: UUID) -> tuple[Case, Owner]:
    async with runtime.transaction(of_all=True) as tx:
        case = await get_case(tx, case_id)
        if case is None:
            raise CaseNotFoundError
        if case.closed_at is not None:
            raise CaseClosedError
        names = await names_for(tx, [case.organization_id])
    return case, names.owners[case.organization_id]


def _days(fields: dict[str, str]) -> int:
    reader = Reader(fields)
    days = reader.whole("days")
    reader.must_be_right()
    if days is None or not 1 <= days <= MOST_DAYS:
        raise InvalidInputError([FieldProblem("days", f"Between 1 and {MOST_DAYS} days")])
    return days
