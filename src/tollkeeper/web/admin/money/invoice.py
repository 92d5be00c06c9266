"""One invoice of anybody, and giving money back for it."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    Invoice,
    document_to_print,
    explain_invoice,
    get_document,
    get_invoice,
    invoice_pdf,
    payments_of_invoice,
    pdf_response,
    provider_transaction,
)
from tollkeeper.billing.flows import credit, refund
from tollkeeper.billing.invoices import whose_invoice
from tollkeeper.billing.payments import CreditOrder, RefundOrder
from tollkeeper.billing.provider import CreditReason, CreditTo, RefundReason
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import FieldProblem, InvalidInputError, Money, TollkeeperError, new_id
from tollkeeper.web.admin.guard import AdminDep, StaffDep, StaffViewer
from tollkeeper.web.admin.showing import Asking, Typed, ask, show
from tollkeeper.web.portal import explanation_view, invoice_view, payment_rows
from tollkeeper.web.ui import FormState, empty_form, exact, go, read_form, refused_form, toast

from .lists import INVOICES
from .naming import names_for
from .reading import Reader

router = APIRouter()

ONE = INVOICES + "/{invoice_id}"
MAX_NOTE = 500
MAX_AMOUNT = 99_999_999_999
"""In minor units, as the API has it."""
_REFUND_REASONS = (
    (RefundReason.REQUESTED.value, "The customer asked for it"),
    (RefundReason.DUPLICATE.value, "Paid twice"),
    (RefundReason.FRAUDULENT.value, "Fraud"),
)
_CREDIT_REASONS = (
    ("", "No reason printed"),
    (CreditReason.ORDER_CHANGE.value, "The order changed"),
    (CreditReason.UNSATISFACTORY.value, "It was not as promised"),
    (CreditReason.DUPLICATE.value, "Asked twice"),
    (CreditReason.FRAUDULENT.value, "Fraud"),
)
_CREDIT_TO = (
    (CreditTo.BALANCE.value, "Off the next invoices"),
    (CreditTo.REFUND.value, "Back to where it was paid from"),
    (CreditTo.OUTSIDE.value, "Given back by other means"),
)
_NO_YES = (("", "No"), ("yes", "Yes"))


@router.get(ONE)
async def invoice_page(request: Request, runtime: RuntimeDep, viewer: StaffDep, invoice_id: UUID) -> Response:
    """Show an invoice, why it asks what it asks, and the money that came for it."""
    async with runtime.transaction(of_all=True) as tx:
        owner_id = await whose_invoice(tx, invoice_id)
        document = await get_document(tx, owner_id, invoice_id)
        paid = await payments_of_invoice(tx, owner_id, document.invoice.provider_id)
        explained = await explain_invoice(tx, owner_id, invoice_id)
        names = await names_for(tx, [owner_id])
    return show(
        request,
        viewer,
        "money/invoice.html",
        owner=names.owners[owner_id],
        invoice=invoice_view(document),
        called=document.invoice.provider_id,
        payments=payment_rows(paid),
        explanation=explanation_view(explained),
        home=f"{INVOICES}/{invoice_id}",
        can_refund=any(each.status == "succeeded" and each.amount != each.refunded for each in paid.charges),
        can_credit=document.invoice.status in {"open", "paid"} and document.invoice.total.amount > 0,
    )


@router.get(ONE + "/pdf")
async def invoice_file(runtime: RuntimeDep, viewer: StaffDep, invoice_id: UUID) -> Response:
    """Print an invoice."""
    del viewer
    async with runtime.transaction(of_all=True) as tx:
        document = await document_to_print(tx, await whose_invoice(tx, invoice_id), invoice_id)
    return pdf_response(await invoice_pdf(runtime, document), document)


@router.get(ONE + "/refund")
async def refund_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, invoice_id: UUID) -> Response:
    """Ask how much is given back, and why."""
    return _ask_refund(request, viewer, await _invoice(runtime, invoice_id))


@router.post(ONE + "/refund")
async def refund_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, invoice_id: UUID) -> Response:
    """Give money back to where it was paid from."""
    fields, invoice = await read_form(request), await _invoice(runtime, invoice_id)
    try:
        order = RefundOrder(
            amount=_amount(fields, invoice.total.currency),
            reason=RefundReason(fields.get("reason") or RefundReason.REQUESTED),
            note=_words(fields, "note"),
            credit_note=bool(fields.get("credit_note")),
            end_subscription=bool(fields.get("end_subscription")),
        )
        async with provider_transaction(runtime) as tx:
            made = await refund(tx, invoice.organization_id, invoice_id, order, key=_once(fields, viewer))
    except (TollkeeperError, ValueError) as error:
        form = refused_form(fields, _REFUND_FIELDS, _ours(error))
        return _ask_refund(request, viewer, invoice, form=form, status=_ours(error).status)
    total = Money(sum(each.amount.amount for each in made), invoice.total.currency)
    return toast(request, go(f"{INVOICES}/{invoice_id}"), f"{exact(total)} is on its way back.")


@router.get(ONE + "/credit")
async def credit_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, invoice_id: UUID) -> Response:
    """Ask by how much the invoice asked too much."""
    return _ask_credit(request, viewer, await _invoice(runtime, invoice_id))


@router.post(ONE + "/credit")
async def credit_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, invoice_id: UUID) -> Response:
    """Issue a credit note."""
    fields, invoice = await read_form(request), await _invoice(runtime, invoice_id)
    try:
        amount = _amount(fields, invoice.total.currency)
        if amount is None:
            raise InvalidInputError([FieldProblem("amount", "Say how much")])
        order = CreditOrder(
            amount=amount,
            reason=CreditReason(fields["reason"]) if fields.get("reason") else None,
            memo=_words(fields, "memo"),
            to=CreditTo(fields["to"]) if fields.get("to") else None,
        )
        async with provider_transaction(runtime) as tx:
            note = await credit(tx, invoice.organization_id, invoice_id, order, key=_once(fields, viewer))
    except (TollkeeperError, ValueError) as error:
        form = refused_form(fields, _CREDIT_FIELDS, _ours(error))
        return _ask_credit(request, viewer, invoice, form=form, status=_ours(error).status)
    return toast(request, go(f"{INVOICES}/{invoice_id}"), f"Credit note {note.number} issued.")


_REFUND_FIELDS = ("amount", "reason", "note", "credit_note", "end_subscription", "once")
_CREDIT_FIELDS = ("amount", "reason", "memo", "to", "once")


async def _invoice(runtime: Runtime, invoice_id: UUID) -> Invoice:
    async with runtime.transaction(of_all=True) as tx:
        return await get_invoice(tx, await whose_invoice(tx, invoice_id), invoice_id)


def _ask_refund(
    request: Request, viewer: StaffViewer, invoice: Invoice, *, form: FormState | None = None, status: int = 200
) -> Response:
    home = f"{INVOICES}/{invoice.id}"
    currency = invoice.total.currency.upper()
    asking = Asking(
        title=f"Give money back for {invoice.number or 'this invoice'}",
        text="It goes to where it was paid from. The subscription goes on unless you end it here.",
        action=f"{home}/refund",
        button="Give it back",
        back=home,
        rows=(("Paid", exact(invoice.amount_paid)),),
        typed=(
            Typed("amount", f"Amount, {currency}", hint="Empty: all that is left", required=False, extra=_DECIMAL),
            Typed("reason", "Why", kind="select", choices=_REFUND_REASONS),
            Typed("note", "Note", kind="textarea", hint="Kept with the refund; staff see it", required=False),
            Typed("credit_note", "Issue a credit note over it", kind="select", choices=_NO_YES),
            Typed("end_subscription", "End the subscription now", kind="select", choices=_NO_YES),
        ),
        hidden={"once": form.values["once"] if form else new_id().hex},
        is_grave=True,
    )
    return ask(request, viewer, asking, form=form or empty_form(*_REFUND_FIELDS), status=status)


def _ask_credit(
    request: Request, viewer: StaffViewer, invoice: Invoice, *, form: FormState | None = None, status: int = 200
) -> Response:
    home = f"{INVOICES}/{invoice.id}"
    currency = invoice.total.currency.upper()
    is_paid = invoice.status == "paid"
    where = (Typed("to", "Where it goes", kind="select", choices=_CREDIT_TO),) if is_paid else ()
    asking = Asking(
        title=f"Credit {invoice.number or 'this invoice'}",
        text="A credit note says that the invoice asked too much. "
        + ("Choose where that goes." if is_paid else "It is not paid yet, so it asks for less from now on."),
        action=f"{home}/credit",
        button="Issue the credit note",
        back=home,
        rows=(("Total", exact(invoice.total)), ("Still owed", exact(invoice.amount_remaining))),
        typed=(
            Typed("amount", f"Amount, {currency}", extra=_DECIMAL),
            Typed("reason", "Reason on it", kind="select", choices=_CREDIT_REASONS),
            Typed("memo", "Words on it", kind="textarea", hint="The customer reads them", required=False),
            *where,
        ),
        hidden={"once": form.values["once"] if form else new_id().hex},
    )
    return ask(request, viewer, asking, form=form or empty_form(*_CREDIT_FIELDS), status=status)


_DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}


def _amount(fields: dict[str, str], currency: str) -> int | None:
    """Return the amount typed, in minor units; None: nothing was typed."""
    reader = Reader(fields)
    amount = reader.minor("amount", currency)
    reader.must_be_right()
    if amount is not None and not 0 < amount <= MAX_AMOUNT:
        raise InvalidInputError([FieldProblem("amount", "Give back more than nothing, and less than that")])
    return amount


def _words(fields: dict[str, str], name: str) -> str | None:
    return fields.get(name, "").replace("\0", "").strip()[:MAX_NOTE] or None


def _once(fields: dict[str, str], viewer: StaffViewer) -> str:
    """Return the key by which a form that is sent twice gives money back once."""
    return f"admin {viewer.user_id} {fields.get('once', '')[:64]}"


def _ours(error: Exception) -> TollkeeperError:
    return error if isinstance(error, TollkeeperError) else InvalidInputError("Choose one of what is offered.")
