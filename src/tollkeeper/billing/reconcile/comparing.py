"""Comparing a page of the provider's account with the mirror, and the rest of the mirror with it. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tollkeeper.billing.provider import (
    ChargeState,
    CreditNoteState,
    CustomerState,
    DisputeState,
    InvoiceState,
    Listed,
    NamedCustomer,
    OwnedCharge,
    PaymentProvider,
    ProviderMissingError,
    RefundState,
    SubscriptionState,
    account_of,
    addon_prices_of,
    codes_of,
    plan_prices_of,
    provider_of,
)
from tollkeeper.catalog import Price
from tollkeeper.infra import Tx

from . import store
from .model import Difference, Stage
from .rules import State, differing, in_our_words, units_at

_OVER = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class _Found:
    """One thing at the provider: whose it is (empty: not told), and what it is a part of (None: of nothing)."""

    state: State
    owner: str
    part_of: str | None = None


@dataclass(frozen=True, slots=True)
class _Sold:
    """The prices and promotion codes of ours that subscriptions name, by the provider's ids."""

    prices: Mapping[str, Price]
    codes: Mapping[str, UUID]


async def compare_theirs(tx: Tx, stage: Stage, page: Listed[Any]) -> list[Difference]:
    """Compare a page of the provider's with the mirror. What belongs to no organization of ours is passed over, and so
    is what was given back or disputed of a payment that is not mirrored: mending that payment brings it along.
    """
    account = account_of(tx.runtime)
    charges = [each.charge_id for each in page.items if isinstance(each, RefundState | DisputeState)]
    payers = await store.payers(tx, account, charges) if charges else {}
    found = [_found(each, payers) for each in page.items]
    rows = await store.rows(tx, account, stage, [each.state.id for each in found])
    ours = await store.known_customers(tx, account, [each.owner for each in found])
    sold = await _sold(tx, [each.state for each in found if isinstance(each.state, SubscriptionState)])
    mine = [each for each in found if _is_ours(each, ours)]
    compared = [await _compared(tx, stage, each, rows.get(each.state.id), sold) for each in mine]
    return [each for each in compared if each is not None]


async def compare_ours(tx: Tx, stage: Stage, ids: Sequence[str]) -> list[Difference]:
    """Ask the provider for what was not among all it has; return what it does not know."""
    provider = provider_of(tx.runtime)
    rows = await store.rows(tx, account_of(tx.runtime), stage, ids)
    gone = [each for each in ids if not await _is_there(provider, stage, each, rows[each])]
    return [Difference(stage.kind, each, {}, None, rows[each]["owner"], rows[each]["part_of"]) for each in gone]


def _found(item: Any, payers: Mapping[str, str]) -> _Found:
    if isinstance(item, NamedCustomer):
        return _Found(item.state, item.state.id)
    if isinstance(item, OwnedCharge):
        return _Found(item.state, item.customer_id, item.state.id)
    if isinstance(item, RefundState | DisputeState):
        return _Found(item, payers.get(item.charge_id, ""), item.charge_id)
    return _Found(item, item.customer_id, item.invoice_id if isinstance(item, CreditNoteState) else None)


async def _sold(tx: Tx, states: Sequence[SubscriptionState]) -> _Sold:
    """Return what of ours these subscriptions name, now and for what is to come."""
    coming = [state.pending for state in states if state.pending]
    prices = [*(state.price for state in states if state.price), *(each.price for each in coming)]
    codes = {each.code for each in coming if each.code}
    return _Sold(await plan_prices_of(tx, prices) if prices else {}, await codes_of(tx, codes))


async def _compared(tx: Tx, stage: Stage, found: _Found, row: Any, sold: _Sold) -> Difference | None:
    state = found.state
    if row is None:
        return Difference(stage.kind, state.id, None, {}, found.owner, found.part_of)
    if isinstance(state, InvoiceState) and not state.whole:
        # Lists show only the first lines of each invoice.
        state = await provider_of(tx.runtime).fetch_invoice(state.id) or state
    read: Mapping[str, Any] = {}
    if isinstance(state, SubscriptionState):
        read = in_our_words(state, sold.prices, sold.codes, units_at(await addon_prices_of(tx, state.addons)))
    apart = differing(row, state, read)
    return Difference(stage.kind, state.id, *apart, found.owner, found.part_of) if apart else None


async def _is_there(provider: PaymentProvider, stage: Stage, ident: str, row: Mapping[str, Any]) -> bool:
    match stage:
        case Stage.OUR_CUSTOMERS:
            customer = await provider.fetch_customer(ident)
            return customer is not None and not customer.deleted
        case Stage.OUR_SUBSCRIPTIONS:
            return row["status"] in _OVER or await provider.fetch_subscription(ident) is not None
        case Stage.OUR_INVOICES:
            return await provider.fetch_invoice(ident) is not None
        case Stage.OUR_CREDIT_NOTES:
            try:
                notes = await provider.list_credit_notes(row["part_of"])
            except ProviderMissingError:  # nor does it know the invoice
                return False
            return ident in {each.id for each in notes}
        case _:
            payment = await provider.fetch_payment(row["part_of"])
            parts: tuple[Sequence[ChargeState | RefundState | DisputeState], ...] = (
                (payment.charges, payment.refunds, payment.disputes) if payment else ()
            )
            return any(ident == each.id for part in parts for each in part)


def _is_ours(found: _Found, ours: set[str]) -> bool:
    state = found.state
    return found.owner in ours or (isinstance(state, CustomerState) and state.organization_id is not None)
