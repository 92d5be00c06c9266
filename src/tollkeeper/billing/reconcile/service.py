"""Mending what differs from the provider, and catching up with what was missed."""

from datetime import datetime

from tollkeeper.billing import payments
from tollkeeper.billing.customers import known_customer
from tollkeeper.billing.flows import enqueue, synchronise
from tollkeeper.billing.provider import Subject, account_of, lists_of, lock, provider_of
from tollkeeper.infra import Tx

from . import store
from .model import Difference

LASTING = frozenset({"customer", "subscription"})
"""What is never dropped: it ends instead."""


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


async def mend(tx: Tx, difference: Difference) -> None:
    """Make our copy of one thing equal to the provider's, under its customer's lock as always."""
    ident, owner, part_of = difference.provider_id, difference.customer_id, difference.part_of
    subject = {
        "customer": Subject(customer_id=ident),
        "subscription": Subject(customer_id=owner, subscription_id=ident),
        "invoice": Subject(customer_id=owner, invoice_id=ident),
        "credit note": Subject(customer_id=owner, invoice_id=part_of, credit_note_id=ident),
    }.get(difference.kind, Subject(customer_id=owner, payment_id=part_of))
    await lock(tx, subject.lock)
    if difference.theirs is None and difference.kind not in LASTING:
        await _forget(tx, difference)
    else:
        await synchronise(tx, subject, cause="reconcile")


async def _forget(tx: Tx, difference: Difference) -> None:
    """Drop what the provider does not know any more, as a draft that was deleted."""
    account = account_of(tx.runtime)
    if difference.kind == "invoice":
        await store.forget_invoice(tx, account, difference.provider_id)
    elif difference.kind == "credit note":
        await store.forget_credit_note(tx, account, difference.provider_id)
    else:
        customer = await known_customer(tx, str(difference.customer_id))
        if customer is not None:
            await payments.forget(tx, customer, difference.provider_id)
