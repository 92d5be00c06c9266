"""Lists over everybody: subscriptions, invoices, payments and refunds, newest first."""

from collections.abc import Mapping
from types import MappingProxyType

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing.invoices import InvoiceOrder, invoice_ids, list_all_invoices
from tollkeeper.billing.payments import PaymentOrder, list_charges, list_refunds
from tollkeeper.billing.subscriptions import SubscriptionOrder, list_subscriptions
from tollkeeper.catalog import list_prices, plan_names
from tollkeeper.infra import RuntimeDep
from tollkeeper.web.admin.guard import StaffDep
from tollkeeper.web.admin.showing import show
from tollkeeper.web.ui import Column, Filter, Option, Table

from .list_views import charge_rows, invoice_rows, refund_rows, subscription_rows
from .naming import names_for

router = APIRouter()

SHOWN = 50
SUBSCRIPTIONS, INVOICES = "/admin/subscriptions", "/admin/invoices"
PAYMENTS, REFUNDS = "/admin/payments", "/admin/refunds"
STATES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "active": ("Active", ("active",)),
        "trial": ("Trial", ("trialing",)),
        "failing": ("Payment fails", ("past_due", "unpaid")),
        "unfinished": ("Payment not finished", ("incomplete",)),
        "paused": ("Paused", ("paused",)),
        "ended": ("Ended", ("canceled", "incomplete_expired")),
    }
)
"""What subscriptions are filtered by, and the provider's words for it."""
_SUBSCRIBED = (
    Column("organization", "Organization"),
    Column("plan", "Plan", sorts=True),
    Column("state", "State"),
    Column("price", "Price", is_number=True),
    Column("next", "Next", sorts=True),
    Column("started", "Since", sorts=True),
)
_INVOICED = Table(
    path=INVOICES,
    columns=(
        Column("number", "Invoice"),
        Column("organization", "Organization"),
        Column("state", "State"),
        Column("issued", "Issued", sorts=True),
        Column("remaining", "Still owed", is_number=True),
        Column("total", "Total", sorts=True, is_number=True),
    ),
    order="-issued",
    filters=(
        Filter(
            "state",
            "State",
            (
                Option("", "Any"),
                Option("paid", "Paid"),
                Option("open", "Open"),
                Option("draft", "Draft"),
                Option("uncollectible", "Not collected"),
                Option("void", "Void"),
            ),
        ),
    ),
)
_PAID = Table(
    path=PAYMENTS,
    columns=(
        Column("organization", "Organization"),
        Column("way", "Paid with"),
        Column("state", "State"),
        Column("created", "When", sorts=True),
        Column("invoice", "Invoice"),
        Column("amount", "Amount", sorts=True, is_number=True),
    ),
    order="-created",
    filters=(
        Filter(
            "state",
            "State",
            (
                Option("", "Any"),
                Option("succeeded", "Paid"),
                Option("pending", "On its way"),
                Option("failed", "Declined"),
            ),
        ),
    ),
)
_REFUNDED = Table(
    path=REFUNDS,
    columns=(
        Column("organization", "Organization"),
        Column("why", "Why"),
        Column("state", "State"),
        Column("created", "When", sorts=True),
        Column("invoice", "Invoice"),
        Column("amount", "Amount", sorts=True, is_number=True),
    ),
    order="-created",
)


@router.get(SUBSCRIPTIONS)
async def subscriptions_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """List subscriptions, the latest begun first unless asked otherwise."""
    async with runtime.transaction(of_all=True) as tx:
        plans = await plan_names(tx)
        table = _subscribed(plans)
        asked = table.read(request.query_params)
        found = await list_subscriptions(
            tx,
            statuses=STATES[asked["state"]][1] if asked["state"] else (),
            plan=asked["plan"] or None,
            order=SubscriptionOrder(asked.order),
            descending=asked.descending,
            cursor=asked.cursor,
            limit=SHOWN,
        )
        names = await names_for(tx, (each.organization_id for each in found.data))
        prices = {each.id: each for each in await list_prices(tx)}
    rows = subscription_rows(found.data, names, plans, prices)
    shown = table.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "money/subscriptions.html", table=shown, rows=rows)


@router.get(INVOICES)
async def invoices_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """List invoices, newest first unless asked otherwise."""
    asked = _INVOICED.read(request.query_params)
    async with runtime.transaction(of_all=True) as tx:
        found = await list_all_invoices(
            tx,
            status=asked["state"] or None,
            order=InvoiceOrder(asked.order),
            descending=asked.descending,
            cursor=asked.cursor,
            limit=SHOWN,
        )
        names = await names_for(tx, (each.organization_id for each in found.data))
    shown = _INVOICED.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "money/invoices.html", table=shown, rows=invoice_rows(found.data, names))


@router.get(PAYMENTS)
async def payments_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """List payments, tried and done, newest first unless asked otherwise."""
    asked = _PAID.read(request.query_params)
    statuses = (asked["state"],) if asked["state"] else ()
    async with runtime.transaction(of_all=True) as tx:
        found = await list_charges(
            tx,
            None,
            statuses=statuses,
            order=PaymentOrder(asked.order),
            descending=asked.descending,
            cursor=asked.cursor,
            limit=SHOWN,
        )
        names = await names_for(tx, (each.organization_id for each in found.data))
        invoices = await invoice_ids(tx, {each.invoice for each in found.data if each.invoice})
    rows = charge_rows(found.data, names, invoices)
    shown = _PAID.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "money/payments.html", table=shown, rows=rows, here=PAYMENTS)


@router.get(REFUNDS)
async def refunds_page(request: Request, runtime: RuntimeDep, viewer: StaffDep) -> Response:
    """List refunds, newest first unless asked otherwise."""
    asked = _REFUNDED.read(request.query_params)
    async with runtime.transaction(of_all=True) as tx:
        found = await list_refunds(
            tx,
            None,
            order=PaymentOrder(asked.order),
            descending=asked.descending is not (asked.order == PaymentOrder.AMOUNT),  # shown as what is taken away
            cursor=asked.cursor,
            limit=SHOWN,
        )
        names = await names_for(tx, (each.organization_id for each in found.data))
        invoices = await invoice_ids(tx, {each.invoice for each in found.data if each.invoice})
    rows = refund_rows(found.data, names, invoices)
    shown = _REFUNDED.shown(asked, next_cursor=found.next_cursor)
    return show(request, viewer, "money/payments.html", table=shown, rows=rows, here=REFUNDS)


def _subscribed(plans: Mapping[str, str]) -> Table:
    states = tuple(Option(key, words) for key, (words, _) in STATES.items())
    sold = tuple(Option(key, name) for key, name in plans.items())
    return Table(
        path=SUBSCRIPTIONS,
        columns=_SUBSCRIBED,
        order="-started",
        filters=(
            Filter("state", "State", (Option("", "Any"), *states)),
            Filter("plan", "Plan", (Option("", "Any"), *sold)),
        ),
    )
