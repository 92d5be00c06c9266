"""Working off the schedule of failed payments, and what staff do about one: try again, give time, give up."""

from uuid import UUID

from tollkeeper.billing import dunning
from tollkeeper.billing.customers import find_customer
from tollkeeper.billing.flows.model import Retried
from tollkeeper.billing.provider import (
    CancelAt,
    PaymentFailedError,
    ProviderRefusedError,
    Subject,
    lock,
    provider_of,
)
from tollkeeper.billing.subscriptions import look_up_subscription
from tollkeeper.infra import Tx

from .webhooks import synchronise


async def take_dunning_steps(tx: Tx, case_id: UUID) -> None:
    """Take the steps of a case that are due, unless the provider says by now that it was paid or is over."""
    found = await _locked(tx, case_id, cause="dunning")
    if found is None:
        return
    case, subject = found
    if await dunning.advance(tx, case) is dunning.Action.END:
        await _end(tx, subject, cause="dunning ended it")


async def retry_payment(tx: Tx, case_id: UUID) -> Retried:
    """Try to collect now what a case is about, with the way to pay that the customer has now.

    Raises:
        CaseNotFoundError, CaseClosedError: there is none; it was paid meanwhile, or is over.
    """
    case, subject = await _open(tx, case_id, cause="before another try")
    said = ""
    try:
        if case.invoice is not None:
            await provider_of(tx.runtime).retry_invoice(case.invoice)
    except (PaymentFailedError, ProviderRefusedError) as refusal:
        said = refusal.detail
    await _record(tx, "dunning.retried", case, declined=bool(said))
    await synchronise(tx, subject, cause="tried again by staff")
    after = await dunning.get_case(tx, case_id)
    return Retried(paid=after is not None and after.state is dunning.State.CURRENT, said=said)


async def give_time(tx: Tx, case_id: UUID, days: int) -> dunning.Case:
    """Let every further step of a case come so many days later; what was withheld stays so until it is paid.

    Raises:
        CaseNotFoundError, CaseClosedError: there is none; it was paid meanwhile, or is over.
    """
    case, _ = await _open(tx, case_id, cause="before giving time")
    return await dunning.postpone(tx, case, days)


async def give_up(tx: Tx, case_id: UUID) -> None:
    """End the subscription of a case now, without waiting for its schedule.

    Raises:
        CaseNotFoundError, CaseClosedError: there is none; it was paid meanwhile, or is over.
    """
    case, subject = await _open(tx, case_id, cause="before giving up")
    await _record(tx, "dunning.given_up", case, attempts=case.attempts)
    await _end(tx, subject, cause="given up by staff")


async def _open(tx: Tx, case_id: UUID, *, cause: str) -> tuple[dunning.Case, Subject]:
    found = await _locked(tx, case_id, cause=cause)
    if found is None:
        raise dunning.CaseNotFoundError
    if found[0].closed_at is not None:
        raise dunning.CaseClosedError
    return found


async def _locked(tx: Tx, case_id: UUID, *, cause: str) -> tuple[dunning.Case, Subject] | None:
    """Lock the customer and return the case as it stands by what the provider says now, and what it is about."""
    case = await dunning.get_case(tx, case_id)
    customer = await find_customer(tx, case.organization_id) if case else None
    if case is None or customer is None:
        return None
    subscription = await look_up_subscription(tx, case.subscription_id)
    subject = Subject(customer_id=customer.provider_id, subscription_id=subscription.provider_id)
    await lock(tx, subject.lock)
    await synchronise(tx, subject, cause=cause)
    case = await dunning.get_case(tx, case_id)
    return None if case is None else (case, subject)


async def _end(tx: Tx, subject: Subject, *, cause: str) -> None:
    if subject.subscription_id is not None:
        await provider_of(tx.runtime).cancel_subscription(subject.subscription_id, CancelAt.NOW)
    await synchronise(tx, subject, cause=cause)


async def _record(tx: Tx, action: str, case: dunning.Case, **after: object) -> None:
    target = ("subscription", case.subscription_id)
    await tx.record(action, target=target, organization_id=case.organization_id, after=after)
