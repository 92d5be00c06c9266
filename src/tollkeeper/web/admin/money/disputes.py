"""Disputes: which wait for an answer, what the bank is told, giving in, and letting go of the plan."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import Dispute, provider_transaction
from tollkeeper.billing.flows import accept_dispute, give_evidence, let_go
from tollkeeper.billing.invoices import invoice_ids
from tollkeeper.billing.payments import ANSWERABLE, PaymentOrder, get_dispute, list_disputes
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.web.admin.guard import AdminDep, StaffDep, StaffViewer
from tollkeeper.web.admin.showing import Asking, ask, show
from tollkeeper.web.ui import (
    Column,
    Filter,
    FormState,
    Option,
    Table,
    empty_form,
    exact,
    go,
    read_form,
    refused_form,
    toast,
)

from .dispute_views import dispute_rows, dispute_view
from .naming import names_for

router = APIRouter()

HOME = "/admin/disputes"
ONE = HOME + "/{dispute_id}"
SHOWN = 50


class Evidence(NamedTuple):
    """A field of evidence: as the bank calls it, its words here, how long it may be, and how many lines are shown."""

    name: str
    label: str
    hint: str
    most: int
    rows: int


SHORT, LONG = 200, 20_000
EVIDENCE = (
    Evidence("product_description", "What was sold", "In words a stranger understands", LONG, 3),
    Evidence("uncategorized_text", "Your answer", "Why the payment was right, in order", LONG, 6),
    Evidence("customer_name", "Customer's name", "", SHORT, 1),
    Evidence("customer_email_address", "Customer's e-mail", "", SHORT, 1),
    Evidence("customer_purchase_ip", "Address they bought from", "An IP address", SHORT, 1),
    Evidence("service_date", "Day of the service", "", SHORT, 1),
    Evidence("access_activity_log", "What they used", "Leave it to the box below, or write it yourself", LONG, 4),
    Evidence("cancellation_policy_disclosure", "How they knew the terms of cancelling", "", LONG, 3),
    Evidence("cancellation_rebuttal", "Why they had not cancelled", "", LONG, 3),
    Evidence("refund_policy_disclosure", "How they knew the terms of refunds", "", LONG, 3),
    Evidence("refund_refusal_explanation", "Why nothing was given back", "", LONG, 3),
    Evidence("duplicate_charge_explanation", "Why it was not paid twice", "", LONG, 3),
)
_NAMES = tuple(each.name for each in EVIDENCE)
STATES: Mapping[str, tuple[str, ...]] = {
    "waiting": tuple(sorted(ANSWERABLE)),
    "review": ("warning_under_review", "under_review", "appeal_under_review"),
    "won": ("won",),
    "lost": ("lost",),
    "settled": ("warning_closed", "prevented"),
}
_TABLE = Table(
    path=HOME,
    columns=(
        Column("organization", "Organization"),
        Column("reason", "Reason"),
        Column("state", "State"),
        Column("due_at", "Answer by", sorts=True),
        Column("created", "Opened", sorts=True),
        Column("amount", "Amount", sorts=True, is_number=True),
        Column("open", "Open", quiet=True),
    ),
    order="-created",
    filters=(
        Filter(
            "state",
            "State",
            (
                Option("", "Any"),
                Option("waiting", "Waits for you"),
                Option("review", "With the bank"),
                Option("won", "Won"),
                Option("lost", "Lost"),
                Option("settled", "Settled"),
            ),
        ),
    ),
)


@router.get(HOME)
async def disputes_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """List disputes, newest first unless asked otherwise."""
    asked = _TABLE.read(request.query_params)
    async with runtime.transaction(of_all=True) as tx:
        found = await list_disputes(
            tx,
            None,
            statuses=STATES.get(asked["state"], ()),
            order=PaymentOrder(asked.order),
            descending=asked.descending,
            cursor=asked.cursor,
            limit=SHOWN,
        )
        names = await names_for(tx, (each.organization_id for each in found.data))
    shown = _TABLE.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "money/disputes.html", table=shown, rows=dispute_rows(found.data, names))


@router.get(ONE)
async def dispute_page(request: Request, runtime: RuntimeDep, viewer: StaffDep, dispute_id: UUID) -> Response:
    """Show a dispute, and what was written for the bank so far."""
    return await _show(request, runtime, viewer, dispute_id)


@router.post(ONE)
async def evidence_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, dispute_id: UUID) -> Response:
    """Keep the evidence, or send all of it to the bank."""
    fields = await read_form(request)
    submit = fields.get("act") == "submit"
    try:
        written = _evidence(fields)
        async with provider_transaction(runtime) as tx:
            use_log = bool(fields.get("usage_log"))
            await give_evidence(tx, dispute_id, written, usage_log=use_log, submit=submit)
    except TollkeeperError as error:
        return await _show(
            request, runtime, viewer, dispute_id, form=refused_form(fields, _NAMES, error), failure=error
        )
    said = "The evidence is with the bank now." if submit else "Kept. Nothing was sent to the bank yet."
    return toast(request, go(f"{HOME}/{dispute_id}"), said)


@router.get(ONE + "/accept")
async def accept_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, dispute_id: UUID) -> Response:
    """Ask before giving in."""
    async with runtime.transaction(of_all=True) as tx:
        found = await get_dispute(tx, None, dispute_id)
    home = f"{HOME}/{dispute_id}"
    asking = Asking(
        title="Give in to this dispute?",
        text="The bank keeps the money, and the fee stays. This cannot be taken back.",
        action=f"{home}/accept",
        button="Give in",
        back=home,
        rows=(("Amount", exact(found.amount)), ("Fee", exact(found.fee))),
        is_grave=True,
    )
    return ask(request, viewer, asking)


@router.post(ONE + "/accept")
async def accept_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, dispute_id: UUID) -> Response:
    """Give in."""
    await read_form(request)
    try:
        async with provider_transaction(runtime) as tx:
            await accept_dispute(tx, dispute_id)
    except TollkeeperError as error:
        return await _show(request, runtime, viewer, dispute_id, failure=error)
    return toast(request, go(f"{HOME}/{dispute_id}"), "Given in. The dispute is lost.", "info")


@router.post(ONE + "/release")
async def release_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, dispute_id: UUID) -> Response:
    """Give the plan back that the dispute withholds, whatever comes of it."""
    del viewer
    await read_form(request)
    async with provider_transaction(runtime) as tx:
        await let_go(tx, dispute_id)
    return toast(request, go(f"{HOME}/{dispute_id}"), "The plan may be used again.")


async def _show(
    request: Request,
    runtime: Runtime,
    viewer: StaffViewer,
    dispute_id: UUID,
    *,
    form: FormState | None = None,
    failure: TollkeeperError | None = None,
) -> Response:
    async with runtime.transaction(of_all=True) as tx:
        found = await get_dispute(tx, None, dispute_id)
        names = await names_for(tx, [found.organization_id])
        invoices = await invoice_ids(tx, [found.invoice] if found.invoice else [])
    return show(
        request,
        viewer,
        "money/dispute.html",
        status=failure.status if failure else 200,
        dispute=dispute_view(found, names),
        invoice=invoices.get(found.invoice or ""),
        evidence=EVIDENCE,
        form=form or _written(found),
        failure=failure,
    )


def _written(found: Dispute) -> FormState:
    return empty_form(**{name: found.evidence.get(name, "") for name in _NAMES})


def _evidence(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, field by field.

    Raises:
        InvalidInputError: something is longer than the bank takes.
    """
    typed = {name: fields.get(name, "").replace("\r\n", "\n").replace("\0", "").strip() for name in _NAMES}
    long = [
        FieldProblem(each.name, f"At most {each.most:,} characters")
        for each in EVIDENCE
        if len(typed[each.name]) > each.most
    ]
    if long:
        raise InvalidInputError(long)
    # With the box ticked the log is made from what was used, whatever stood there.
    return {
        name: text
        for name, text in typed.items()
        if text and not (name == "access_activity_log" and fields.get("usage_log"))
    }
