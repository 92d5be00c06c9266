"""Use cases of invoices."""

from collections.abc import Collection, Mapping
from uuid import UUID

from tollkeeper.billing.customers import Customer
from tollkeeper.billing.provider import InvoiceState, Term, account_of, provider_of
from tollkeeper.infra import Tx
from tollkeeper.kit import Order, Page, read_moment, read_number, read_word

from . import store
from .model import Invoice, InvoiceDocument, InvoiceNotFoundError, InvoiceOrder

_ORDERS: Mapping[InvoiceOrder, Order[Invoice]] = {
    InvoiceOrder.ISSUED: Order(lambda each: (each.issued_at, each.id), (read_moment,)),
    InvoiceOrder.TOTAL: Order(lambda each: (each.total.currency, each.total.amount, each.id), (read_word, read_number)),
}


async def mirror_invoice(tx: Tx, customer: Customer, state: InvoiceState, *, credited: bool = False) -> None:
    """Make our copy equal to the provider's, with its credit notes. Callers hold the lock of the customer.

    `credited` says that something was told of a credit note, so that they are asked for in any case.
    """
    provider = provider_of(tx.runtime)
    whole = state if state.whole else await provider.fetch_invoice(state.id) or state
    before = await store.status_of(tx, customer, whole.id)
    invoice_id = await store.save(tx, customer, whole)
    if before != whole.status:
        await tx.record(
            "invoice.changed",
            target=("invoice", invoice_id),
            organization_id=customer.organization_id,
            before={"status": before},
            after={"status": whole.status, "total": whole.total, "currency": whole.currency},
        )
    await _learn_terms(tx, whole)
    noted = whole.credited_before_payment or whole.credited_after_payment
    if credited or noted or await store.has_credit_notes(tx, invoice_id):
        for note in await provider.list_credit_notes(whole.id):
            await store.save_credit_note(tx, invoice_id, note)


async def _learn_terms(tx: Tx, state: InvoiceState) -> None:
    """Ask what the invoice's tax rates and discounts are called, those we do not know yet."""
    provider, account = provider_of(tx.runtime), account_of(tx.runtime)
    rates = {tax.rate for tax in state.taxes if tax.rate}
    discounts = {each.discount for each in state.discounts}
    if not rates and not discounts:
        return
    unknown = (rates | discounts) - set(await store.terms_of(tx, account, rates | discounts))
    if unknown & rates:
        await store.save_terms(tx, account, await provider.describe_tax_rates(sorted(unknown & rates)))
    if unknown & discounts:
        await store.save_terms(tx, account, await provider.describe_discounts(state.id))


async def list_invoices(
    tx: Tx,
    organization_id: UUID,
    *,
    order: InvoiceOrder = InvoiceOrder.ISSUED,
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Invoice]:
    """Return the organization's invoices, newest first unless asked otherwise.

    Raises:
        InvalidInputError: the cursor is not one of ours, or not one of this order.
    """
    way = store.Way(order, descending, _ORDERS[order].after(cursor), limit + 1)
    return _ORDERS[order].page(await store.list_of(tx, account_of(tx.runtime), organization_id, way), limit)


async def list_all_invoices(
    tx: Tx,
    *,
    status: str | None = None,
    order: InvoiceOrder = InvoiceOrder.ISSUED,
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Invoice]:
    """Return invoices of everybody, as `list_invoices` does; `status` is the provider's word, None: any.

    Raises:
        InvalidInputError: the cursor is not one of ours, or not one of this order.
    """
    way = store.Way(order, descending, _ORDERS[order].after(cursor), limit + 1)
    return _ORDERS[order].page(await store.list_all(tx, account_of(tx.runtime), way, status=status), limit)


async def invoice_ids(tx: Tx, provider_ids: Collection[str]) -> dict[str, UUID]:
    """Return our ids of invoices by theirs at the provider; those that are not mirrored are left out."""
    return await store.ids_of(tx, account_of(tx.runtime), provider_ids)


async def whose_invoice(tx: Tx, invoice_id: UUID) -> UUID:
    """Return the organization an invoice was made out to.

    Raises:
        InvoiceNotFoundError: there is none of this id.
    """
    found = await store.owner(tx, account_of(tx.runtime), invoice_id)
    if found is None:
        raise InvoiceNotFoundError
    return found


async def get_invoice(tx: Tx, organization_id: UUID, invoice_id: UUID) -> Invoice:
    """Return one of the organization's invoices.

    Raises:
        InvoiceNotFoundError: there is none of this id, or it is somebody else's.
    """
    found = await store.find(tx, account_of(tx.runtime), organization_id, invoice_id)
    if found is None:
        raise InvoiceNotFoundError
    return found


async def get_document(tx: Tx, organization_id: UUID, invoice_id: UUID) -> InvoiceDocument:
    """Return one of the organization's invoices with its credit notes and the names of taxes and discounts.

    Raises:
        InvoiceNotFoundError: there is none of this id, or it is somebody else's.
    """
    invoice = await get_invoice(tx, organization_id, invoice_id)
    used = {tax.rate for tax in invoice.taxes if tax.rate} | {each.discount for each in invoice.discounts}
    return InvoiceDocument(invoice, tuple(await store.credit_notes_of(tx, invoice_id)), await named_terms(tx, used))


async def named_terms(tx: Tx, ids: Collection[str]) -> Mapping[str, Term]:
    """Return what is known of taxes and discounts, by the provider's ids; those we never heard of are left out."""
    return await store.terms_of(tx, account_of(tx.runtime), ids) if ids else {}
