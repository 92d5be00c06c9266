"""More words for stories: what a customer uses, and why an invoice comes to what it does."""

from tollkeeper import billing, metering
from tollkeeper.billing.flows.explaining import Explanation
from tollkeeper.billing.flows.service import explain_invoice
from tollkeeper.gate import Gate

from .telling import Person


async def uses(person: Person, feature: str, count: int) -> None:
    """Use so much of a feature, as one event through the gate's own arithmetic."""
    runtime = person.story.runtime
    gate = Gate(runtime)
    access = await gate.projection.access(person.organization.id)
    allowance, period, counter = gate._counter(access, feature, runtime.clock.now())
    at = max(runtime.clock.now(), period.start)
    asked = metering.Consumption(counter, count, allowance.limit, allowance.hard, at)
    async with runtime.transaction() as tx:
        [outcome] = await metering.consume(await tx.raw(), [asked])
    assert outcome.verdict is metering.Verdict.ADMITTED


async def explained(person: Person, newest: int = 0) -> Explanation:
    """Why the invoice comes to what it does, the newest one unless said otherwise."""
    async with person.story.runtime.transaction() as tx:
        page = await billing.list_invoices(tx, person.organization.id)
        return await explain_invoice(tx, person.organization.id, page.data[newest].id)
