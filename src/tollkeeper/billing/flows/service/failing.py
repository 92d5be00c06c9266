"""Working off the schedule of failed payments, and cards that will fail."""

from uuid import UUID

from tollkeeper.billing import dunning
from tollkeeper.billing.customers import find_customer
from tollkeeper.billing.provider import CancelAt, Subject, lock, provider_of
from tollkeeper.billing.subscriptions import list_of_organization
from tollkeeper.infra import Tx

from .webhooks import synchronise


async def take_dunning_steps(tx: Tx, case_id: UUID) -> None:
    """Take the steps of a case that are due, unless the provider says by now that it was paid or is over."""
    case = await dunning.get_case(tx, case_id)
    customer = await find_customer(tx, case.organization_id) if case else None
    if case is None or customer is None:
        return
    mine = [each for each in await list_of_organization(tx, case.organization_id) if each.id == case.subscription_id]
    subject = Subject(customer_id=customer.provider_id, subscription_id=mine[0].provider_id)
    await lock(tx, subject.lock)
    await synchronise(tx, subject, cause="dunning")
    case = await dunning.get_case(tx, case_id)
    if case is not None and await dunning.advance(tx, case) is dunning.Action.END:
        await provider_of(tx.runtime).cancel_subscription(mine[0].provider_id, CancelAt.NOW)
        await synchronise(tx, subject, cause="dunning ended it")
