"""Being told by the provider: taking an event in, and mirroring what it hints at."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from prometheus_client import Counter

from tollkeeper.billing import (
    dunning,
    overage,
    payments,
)
from tollkeeper.billing.customers import (
    Customer,
    known_customer,
    match_customer,
    mirror_customer,
)
from tollkeeper.billing.flows import store
from tollkeeper.billing.flows.model import (
    EventLine,
    EventNotFoundError,
    EventNotReplayableError,
    EventStatus,
    LivemodeMismatchError,
    SoughtEvents,
    StoredEvent,
)
from tollkeeper.billing.invoices import mirror_invoice
from tollkeeper.billing.provider import (
    CancelAt,
    PaymentProgress,
    ProviderEvent,
    Subject,
    SubscriptionState,
    WebhookSecrets,
    account_of,
    lock,
    provider_of,
    verify,
)
from tollkeeper.billing.subscriptions import end_subscription, list_of, meaning, mirror_subscription
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import Page, TollkeeperError, page_by_id

from .forgetting import forget_the_gone
from .running import restart_after_pause

WEBHOOKS = Counter("tollkeeper_webhooks", "Deliveries of the payment provider, by what became of them.", ["outcome"])
RETRY_FOR = timedelta(days=3)
RETRY_BATCH = 100


def read_delivery(runtime: Runtime, body: bytes, signature: str | None) -> ProviderEvent:
    """Return the event a delivery carries, once it is certain that the provider sent it, now, and for this mode.

    Raises:
        WebhookSignatureError, UnreadableEventError, LivemodeMismatchError: refused, and counted by their codes.
    """
    provider = provider_of(runtime)
    try:
        # Senders sign with the time of the world, however far our clock was moved.
        verify(body, signature, _secrets(runtime), runtime.clock.wall())
        event = provider.read_event(body)
        if event.livemode is not provider.livemode:
            raise LivemodeMismatchError
    except TollkeeperError as refusal:
        WEBHOOKS.labels(refusal.code).inc()
        raise
    return event


def _secrets(runtime: Runtime) -> Sequence[str]:
    told = [secret.get_secret_value() for secret in runtime.settings.stripe_webhook_secrets]
    offered: WebhookSecrets = runtime.parts.get(WebhookSecrets, WebhookSecrets())
    return [*told, *offered.current]


async def take_in(tx: Tx, event: ProviderEvent, body: bytes) -> UUID | None:
    """Store a verified event; returns its id when there is work to do for it, None when it is known or ignored."""
    status = EventStatus.IGNORED if event.subject is None else EventStatus.RECEIVED
    made = await store.insert_event(tx, account_of(tx.runtime), event, body, status)
    WEBHOOKS.labels("known" if made is None else status.value).inc()
    if made is not None and status is EventStatus.IGNORED:
        await forget_the_gone(tx, made, body)
    return None if event.subject is None else made


async def failed_events(tx: Tx) -> list[StoredEvent]:
    """Return events whose last try failed not too long ago, oldest first."""
    since = tx.now - RETRY_FOR
    return await store.list_failed(tx, account_of(tx.runtime), since=since, limit=RETRY_BATCH)


async def process_event(tx: Tx, event_id: UUID) -> EventStatus:
    """Bring our mirror to the provider's present state of what the event speaks of.

    The event is only a hint. Under the customer's lock the provider is asked, and its whole answer written: whatever
    order, number or speed events come in, the last writer asked last. An event that was processed is left alone.
    """
    event = await store.find_event(tx, event_id)
    subject = _subject_of(tx, event) if event else None
    if event is None or subject is None:
        return EventStatus.IGNORED
    subject = await _with_payer(tx, subject)
    await lock(tx, subject.lock)
    event = await store.find_event(tx, event_id)
    if event is None or event.status not in {EventStatus.RECEIVED, EventStatus.FAILED}:
        return event.status if event else EventStatus.IGNORED
    matched = await synchronise(tx, subject, cause=f"{event.type} {event.provider_id}")
    status = EventStatus.PROCESSED if matched else EventStatus.UNMATCHED
    note = None if matched else f"the provider's customer {subject.customer_id} is no organization of ours"
    await store.finish_event(tx, event_id, status, note)
    await forget_the_gone(tx, event_id, event.body)
    return status


async def list_received(
    tx: Tx, sought: SoughtEvents, *, oldest_first: bool = False, cursor: UUID | None = None, limit: int = 50
) -> Page[EventLine]:
    """Return one page of what the provider told, the latest first unless `oldest_first`."""
    found = await store.find_lines(tx, sought, oldest_first=oldest_first, after=cursor, limit=limit + 1)
    return page_by_id(found, limit)


async def find_received(tx: Tx, event_id: UUID) -> tuple[StoredEvent, Subject | None]:
    """Return an event as it came, and what it speaks of; None: nothing is done with it, or its body was emptied.

    Raises:
        EventNotFoundError: none of this id came.
    """
    event = await store.find_event(tx, event_id)
    if event is None:
        raise EventNotFoundError
    return event, _subject_of(tx, event)


async def reopen(tx: Tx, event_id: UUID) -> tuple[StoredEvent, Subject]:
    """Have an event count as just received; returns it as it was, and what it speaks of.

    Raises:
        EventNotFoundError: none of this id came.
        EventNotReplayableError: there is nothing to work off.
    """
    event = await store.hold_event(tx, event_id)
    if event is None:
        raise EventNotFoundError
    subject = _subject_of(tx, event)
    if subject is None:
        raise EventNotReplayableError
    await store.reopen_event(tx, event_id)
    return event, subject


def _subject_of(tx: Tx, event: StoredEvent) -> Subject | None:
    # One that was done with long ago has no body any more.
    return provider_of(tx.runtime).read_event(event.body).subject if event.body else None


async def synchronise(tx: Tx, subject: Subject, *, cause: str) -> bool:
    """Mirror what the subject names from the provider's present state; False when it is none of our customers.

    Callers hold the subject's lock.
    """
    if subject.payment_id is not None:
        return await _synchronise_payment(tx, subject, cause=cause)
    provider = provider_of(tx.runtime)
    subscription_id = subject.subscription_id or await _subscription_of_checkout(tx, subject)
    subscription = await provider.fetch_subscription(subscription_id) if subscription_id else None
    invoices = {each.id: each for each in [subscription.latest_invoice if subscription else None] if each}
    if subject.invoice_id is not None and subject.invoice_id not in invoices:
        found = await provider.fetch_invoice(subject.invoice_id)
        invoices |= {found.id: found} if found else {}
    owners = [subscription.customer_id if subscription else None, *(each.customer_id for each in invoices.values())]
    customer_id = next((owner for owner in [*owners, subject.customer_id] if owner), None)
    if customer_id is None:
        return False
    state = subscription.customer if subscription else await provider.fetch_customer(customer_id)
    customer = await match_customer(tx, customer_id, state)
    if customer is None:
        return False
    await mirror_customer(tx, customer, state)
    if subscription is not None:
        await _mirror(tx, customer, subscription, cause=cause)
    elif subscription_id is not None:
        ended = await end_subscription(tx, customer, subscription_id, cause=cause)
        if ended is not None:
            await dunning.observe(tx, ended, None)
    if state is None or state.deleted:
        await _end_the_rest(tx, customer, cause=cause)
    for each in invoices.values():
        credited = subject.credit_note_id is not None and each.id == subject.invoice_id
        await mirror_invoice(tx, customer, each, credited=credited)
        await overage.note_invoice(tx, each)
    return True


async def _with_payer(tx: Tx, subject: Subject) -> Subject:
    """Complete a subject by whose payment it is about: refunds and disputes do not name their customer."""
    if subject.payment_id is None or subject.customer_id is not None:
        return subject
    known = await payments.known_payer(tx, subject.payment_id)
    return replace(subject, customer_id=known or await provider_of(tx.runtime).payer(subject.payment_id))


async def _synchronise_payment(tx: Tx, subject: Subject, *, cause: str) -> bool:
    """Mirror a payment; before it whose it is and, since disputes act on it, the subscription that it paid."""
    state = await provider_of(tx.runtime).fetch_payment(subject.payment_id) if subject.payment_id else None
    customer_id = (state.customer_id if state else None) or subject.customer_id
    if customer_id is None:
        return False
    paid_for = state.subscription_id if state and state.disputes else None
    customer = await known_customer(tx, customer_id)
    if customer is None or paid_for is not None:
        owner = Subject(customer_id=customer_id, subscription_id=paid_for)
        matched = await synchronise(tx, owner, cause=cause)
        customer = await known_customer(tx, customer_id) if matched else None
    if customer is None:
        return False
    for each in await payments.mirror_payment(tx, customer, state) if state else []:
        await provider_of(tx.runtime).cancel_subscription(each.provider_id, CancelAt.NOW)
        ended = Subject(customer_id=customer_id, subscription_id=each.provider_id)
        await synchronise(tx, ended, cause="dispute ended it")
    return True


async def _mirror(tx: Tx, customer: Customer, state: SubscriptionState, *, cause: str) -> None:
    """Mirror a subscription and let dunning see it; only of an open invoice is asked where its payment stands."""
    invoice = state.latest_invoice
    progress = PaymentProgress.WAITING
    if invoice is not None and invoice.status == "open":
        progress = await provider_of(tx.runtime).payment_progress(invoice.id)
    processing = progress is PaymentProgress.PROCESSING
    known = next((each for each in await list_of(tx, [customer]) if each.provider_id == state.id), None)
    mirrored = await mirror_subscription(tx, customer, state, cause=cause, processing=processing)
    if known is not None and await restart_after_pause(tx, known, mirrored, state):
        fresh = await provider_of(tx.runtime).fetch_subscription(state.id)
        if fresh is not None:
            await _mirror(tx, customer, fresh, cause="begun anew after a pause")
            return
    if await overage.observe(tx, customer, known, mirrored, invoice):
        await overage.start(tx, customer.organization_id)
    waits = progress is PaymentProgress.REQUIRES_ACTION and state.status in dunning.FAILING
    await dunning.observe(tx, mirrored, invoice, requires_action=waits)


async def _subscription_of_checkout(tx: Tx, subject: Subject) -> str | None:
    if subject.checkout_id is None:
        return None
    checkout = await provider_of(tx.runtime).fetch_checkout(subject.checkout_id)
    return checkout.subscription_id if checkout else None


async def _end_the_rest(tx: Tx, customer: Customer, *, cause: str) -> None:
    """Ask about every subscription of a customer the provider deleted: they ended with it."""
    for each in await list_of(tx, [customer]):
        if not meaning(each.status).over:
            state = await provider_of(tx.runtime).fetch_subscription(each.provider_id)
            if state is None:
                ended = await end_subscription(tx, customer, each.provider_id, cause=cause)
                await dunning.observe(tx, ended or each, None)
            else:
                await _mirror(tx, customer, state, cause=cause)
