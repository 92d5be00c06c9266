"""More words for stories: what a customer uses, and why an invoice comes to what it does."""

from tollkeeper import billing
from tollkeeper.billing.flows.explaining import Explanation
from tollkeeper.billing.flows.service import explain_invoice
from tollkeeper.gate import Gate
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Role

from .telling import Person


async def uses(person: Person, feature: str, count: int) -> None:
    """Use so much of a feature, as one event through the gate."""
    runtime = person.story.runtime
    gate = Gate(runtime)
    caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], person.organization.id)
    access = await gate.projection.access(person.organization.id)
    await gate.take(caller, access, feature, count, key=None, at=None)
    await gate.close()


async def explained(person: Person, newest: int = 0) -> Explanation:
    """Why the invoice comes to what it does, the newest one unless said otherwise."""
    async with person.story.runtime.transaction() as tx:
        page = await billing.list_invoices(tx, person.organization.id)
        return await explain_invoice(tx, person.organization.id, page.data[newest].id)
