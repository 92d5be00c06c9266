"""A paid period that is made longer for nothing, say after an outage."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import extend_period, provider_transaction, status
from tollkeeper.infra import RuntimeDep, Tx
from tollkeeper.kit import FieldProblem, InvalidInputError, new_id
from tollkeeper.orgs import Organization
from tollkeeper.orgs.suspending import MAX_REASON
from tollkeeper.web.admin.guard import AdminDep
from tollkeeper.web.admin.numbers import whole_number
from tollkeeper.web.admin.showing import Asking, Typed
from tollkeeper.web.ui import gathered

from .acts import answer, home_of, once_of, plan_name, reason_of, show_ask
from .addresses import ORGANIZATION, organization_meant

router = APIRouter()

MOST_DAYS = 365
_MOST_DIGITS = 10


async def _ask_extend(tx: Tx, organization: Organization) -> Asking:
    standing = await status(tx, organization.id, created_at=organization.created_at)
    end = standing.current_period_end
    paid_until = f"{end:%-d %b %Y}" if end else "Nothing is paid"
    return Asking(
        title=f"Extend the paid period of {organization.name}",
        text="It pays nothing for the added days; the next period begins, and is charged, when they are over. The "
        "provider keeps them as a trial, and use beyond a limit is free until then, too.",
        action=home_of(organization) + "/extend",
        button="Extend the period",
        back=home_of(organization),
        rows=(("Plan", await plan_name(tx, standing.plan)), ("Paid until", paid_until)),
        typed=(
            Typed("days", "Days more", "number", extra={"min": "1", "max": str(MOST_DAYS), "inputmode": "numeric"}),
            Typed("reason", "Why", hint="Kept in the trail.", extra={"maxlength": str(MAX_REASON)}),
        ),
        hidden={"once": new_id().hex, "end": str(int(end.timestamp())) if end else ""},
    )


@router.get(ORGANIZATION + "/extend")
async def extend_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Ask by how many days, and why."""
    return await show_ask(request, runtime, viewer, organization_meant(organization_id), _ask_extend)


@router.post(ORGANIZATION + "/extend")
async def extend_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Extend the paid period; sent twice, the form extends once."""
    whom = organization_meant(organization_id)

    async def done(fields: Mapping[str, str]) -> str:
        until, reason = _wish(fields)
        once = once_of(fields, "extend", whom)
        try:
            async with provider_transaction(runtime) as tx:
                await extend_period(tx, whom, until, reason=reason, idempotency_key=once)
        except InvalidInputError as error:  # here the end is said in days
            raise InvalidInputError([FieldProblem("days", each.message) for each in error.problems]) from error
        return f"The paid period runs until {until:%-d %b %Y}."

    return await answer(request, runtime, viewer, whom, asked=_ask_extend, done=done)


def _wish(fields: Mapping[str, str]) -> tuple[datetime, str]:
    problems: list[FieldProblem] = []
    until: datetime | None = gathered(problems, lambda: _end(fields) + timedelta(days=_days(fields)), None)
    reason = gathered(problems, lambda: reason_of(fields), "")
    if until is None or problems:
        raise InvalidInputError(problems)
    return until, reason


def _days(fields: Mapping[str, str]) -> int:
    days = whole_number(fields.get("days", "").strip(), digits=_MOST_DIGITS)
    if days is None or not 0 < days <= MOST_DAYS:
        raise InvalidInputError([FieldProblem("days", f"Enter a number from 1 to {MOST_DAYS}")])
    return days


def _end(fields: Mapping[str, str]) -> datetime:
    """Return the end that the page showed, from which the days are counted."""
    shown = whole_number(fields.get("end", ""), digits=_MOST_DIGITS)
    if shown is None:
        raise InvalidInputError([FieldProblem("days", "Nothing is paid that could be made longer")])
    return datetime.fromtimestamp(shown, UTC)
