"""Comparing a page of the provider's account with the mirror, mending it, and catching up with what was missed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tollkeeper.billing import payments
from tollkeeper.billing.flows import enqueue, synchronise
from tollkeeper.billing.provider import (
    CustomerState,
    InvoiceState,
    Listed,
    NamedCustomer,
    Subject,
    SubscriptionState,
    account_of,
    addon_prices_of,
    lists_of,
    lock,
    plan_prices_of,
    provider_of,
)
from tollkeeper.catalog import Price
from tollkeeper.infra import Tx

from . import store
from .model import Difference, Stage
from .rules import State, differing, units_at

BATCH = 100
THEIRS = (Stage.CUSTOMERS, Stage.SUBSCRIPTIONS, Stage.INVOICES)


async def next_due(tx: Tx, after: datetime) -> datetime | None:
    """Return the first moment later than `after` at which something comes due: a renewal, a trial's end, a step of
    dunning, a deadline of a dispute.
    """
    moments = [await store.next_due(tx, after), await payments.next_due(tx, after)]
    return min((each for each in moments if each is not None), default=None)


async def catch_up(tx: Tx, since: datetime) -> int:
    """Take in what the provider has to tell since then, as if it had been delivered; returns how many events
    were new to us.
    """
    provider = provider_of(tx.runtime)
    events = [(provider.read_event(body), body) for body in await lists_of(tx.runtime).events_since(since)]
    known = await store.known_events(tx, account_of(tx.runtime), [event.id for event, _ in events])
    missed = [(event, body) for event, body in events if event.id not in known]
    for event, body in missed:
        await enqueue(tx, event, body)
    return len(missed)


async def compare_theirs(tx: Tx, stage: Stage, page: Listed[Any]) -> list[Difference]:
    """Compare a page of the provider's with the mirror. What belongs to no organization of ours is passed over."""
    states = [each.state if isinstance(each, NamedCustomer) else each for each in page.items]
    account = account_of(tx.runtime)
    rows = await store.rows(tx, account, stage, [each.id for each in states])
    ours = await store.known_customers(tx, account, [_owner(each) for each in states])
    sold = [each.price for each in states if isinstance(each, SubscriptionState) and each.price is not None]
    prices = await plan_prices_of(tx, sold) if sold else {}
    mine = [each for each in states if _is_ours(each, ours)]
    found = [await _compared(tx, stage, each, rows.get(each.id), prices) for each in mine]
    return [each for each in found if each is not None]


async def compare_ours(tx: Tx, stage: Stage, ids: Sequence[str]) -> list[Difference]:
    """Ask the provider for what was not among all it has; return what it does not know."""
    provider = provider_of(tx.runtime)
    fetch = {
        Stage.OUR_CUSTOMERS: provider.fetch_customer,
        Stage.OUR_SUBSCRIPTIONS: provider.fetch_subscription,
        Stage.OUR_INVOICES: provider.fetch_invoice,
    }[stage]
    rows = await store.rows(tx, account_of(tx.runtime), stage, ids)
    over = {"canceled", "incomplete_expired"}
    gone = []
    for each in ids:
        state = await fetch(each)
        is_over = stage is Stage.OUR_SUBSCRIPTIONS and rows[each]["status"] in over
        if (state is None and not is_over) or (isinstance(state, CustomerState) and state.deleted):
            gone.append(Difference(_word(stage), each, {}, None, rows[each]["owner"]))
    return gone


async def mend(tx: Tx, difference: Difference) -> None:
    """Make our copy of one thing equal to the provider's, under its customer's lock as always."""
    ident, account = difference.provider_id, account_of(tx.runtime)
    if difference.theirs is None and difference.kind == "invoice":
        await store.forget_invoice(tx, account, ident)
        return
    subject = {
        "customer": Subject(customer_id=ident),
        "subscription": Subject(customer_id=difference.customer_id, subscription_id=ident),
        "invoice": Subject(customer_id=difference.customer_id, invoice_id=ident),
    }[difference.kind]
    await lock(tx, subject.lock)
    await synchronise(tx, subject, cause="reconcile")


async def _compared(tx: Tx, stage: Stage, state: State, row: Any, prices: Mapping[str, Price]) -> Difference | None:
    kind, owner = _word(stage), _owner(state)
    if row is None:
        return Difference(kind, state.id, None, {}, customer_id=owner)
    if isinstance(state, InvoiceState) and not state.whole:
        # Lists show only the first lines of each invoice.
        state = await provider_of(tx.runtime).fetch_invoice(state.id) or state
    price, beside = None, {}
    if isinstance(state, SubscriptionState):
        price = prices.get(state.price.provider_id) if state.price else None
        beside = units_at(await addon_prices_of(tx, state.addons))
    found = differing(row, state, price_id=price.id if price else None, addons=beside)
    return Difference(kind, state.id, *found, customer_id=owner) if found else None


def _is_ours(state: State, ours: set[str]) -> bool:
    return _owner(state) in ours or (isinstance(state, CustomerState) and state.organization_id is not None)


def _owner(state: State) -> str:
    return state.id if isinstance(state, CustomerState) else state.customer_id


def _word(stage: Stage) -> str:
    return stage.value.removeprefix("our ").removesuffix("s")
