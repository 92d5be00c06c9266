"""When people are deleted: what billing holds of them goes, and what a customer without anybody bought ends."""

from contextlib import suppress
from uuid import UUID

from tollkeeper.billing.customers import find_customer, forget_email
from tollkeeper.billing.flows import store
from tollkeeper.billing.provider import Address, CancelAt, DetailsChange, Subject, lock, provider_of
from tollkeeper.billing.subscriptions import NoSubscriptionError
from tollkeeper.identity import PersonErased
from tollkeeper.infra import Tx
from tollkeeper.orgs import OWNER, list_members

from .changes import cancel
from .webhooks import synchronise

NAME_OF_NOBODY = "Deleted customer"
_MEMBERS = 1000


async def forget_person(tx: Tx, event: PersonErased) -> list[UUID]:
    """Let go of the person's address; return the organizations whose invoices went there, to be told by `part_with`.

    Invoices that are final keep whom they were made out to, as the law wants it.
    """
    await store.empty_bodies_naming(tx, event.email)
    return await forget_email(tx, event.email)


async def part_with(tx: Tx, organization_id: UUID) -> None:
    """Have the provider forget somebody who was deleted: their address, and where nobody is left, everything.

    Without members the subscription ends at once; what was used before is still charged. Done twice it changes nothing.
    """
    customer = await find_customer(tx, organization_id)
    if customer is None:
        return
    members = (await list_members(tx, organization_id, limit=_MEMBERS)).data
    if not members:
        with suppress(NoSubscriptionError):
            await cancel(tx, organization_id, CancelAt.NOW)
        change = DetailsChange(NAME_OF_NOBODY, "", Address())
    else:
        change = DetailsChange(email=next((each.user.email for each in members if each.role == OWNER), ""))
    await lock(tx, Subject(customer_id=customer.provider_id).lock)
    await provider_of(tx.runtime).save_details(customer.provider_id, change)
    await synchronise(tx, Subject(customer_id=customer.provider_id), cause="somebody was deleted")
