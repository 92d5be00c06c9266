"""Background work: putting charges at the provider, each step noted before the next one, and looking for late usage.

Killed between any two steps, the next run finds how far the one before had come: charges are written down first, the
provider recognises a repeated call, and what it was asked long ago is looked for there before it is asked again.
"""

from collections.abc import Awaitable, Sequence
from uuid import UUID

from tollkeeper.billing.provider import ProviderMissingError, held, provider_of
from tollkeeper.billing.subscriptions import list_of_organization
from tollkeeper.infra import Job, Steps, Tx, job
from tollkeeper.kit import TollkeeperError

from . import placing, service, store
from .model import Charge, Destination


@job("billing.charge_usage", queue="billing", in_steps=True)
async def charge_usage(steps: Steps, *, organization_id: str) -> None:
    """Put everything that an organization is to be charged for usage on its invoices."""
    organization = UUID(organization_id)
    async with held(steps, f"usage:{organization}"):
        async with steps.transaction() as tx:
            charges = await placing.take_up(tx, organization)
        own = placing.apart(charges)
        for each in charges:
            if each.destination is not Destination.OWN:
                await _with_note(steps, [each], _place(steps, each))
        if own:
            await _with_note(steps, own, _place_apart(steps, own))


async def _place(steps: Steps, charge: Charge) -> None:
    placed = await placing.place(provider_of(steps.runtime), charge)
    async with steps.transaction() as tx:
        await placing.note(tx, charge, placed)


async def _place_apart(steps: Steps, charges: Sequence[Charge]) -> None:
    """Make an invoice of their own, put the charges on it, collect it."""
    provider = provider_of(steps.runtime)
    draft = await placing.open_draft(provider, charges)
    async with steps.transaction() as tx:
        await placing.note_draft(tx, charges, draft)
    done = []
    for each in charges:
        placed = await placing.place(provider, each, draft=draft)
        async with steps.transaction() as tx:
            await placing.note_item(tx, each, placed.item)
        done.append(placed)
    async with steps.transaction() as tx:
        like = await placing.paid_like(tx, charges)
    await provider.collect_invoice(draft, like_subscription=like)
    async with steps.transaction() as tx:
        for charge, placed in zip(charges, done, strict=True):
            await placing.note(tx, charge, placed)


async def _with_note(steps: Steps, charges: Sequence[Charge], work: Awaitable[None]) -> None:
    try:
        await work
    except TollkeeperError as error:
        hopeless = isinstance(error, ProviderMissingError) and error.param == "customer"
        async with steps.transaction() as tx:
            await placing.note_problem(tx, charges, f"{type(error).__name__}: {error}", hopeless=hopeless)
        if not hopeless:
            raise


@job("billing.charge_usage_again", queue="billing", cron="*/10 * * * *")
async def charge_usage_again(tx: Tx) -> None:
    """Give charges another try that are not at the provider yet, as after an outage or a crash."""
    for organization in await store.organizations_waiting(tx):
        await start(tx, organization)


@job("billing.late_usage", queue="billing", cron="37 2 * * *")
async def late_usage(tx: Tx) -> None:
    """Charge what was counted after its period was charged, and give back what was corrected away."""
    async for charge, counted in service.moved(tx):
        mine = {each.id: each for each in await list_of_organization(tx, charge.organization_id)}
        if await service.correct_late(tx, mine, charge, counted):
            await start(tx, charge.organization_id)


async def start(tx: Tx, organization_id: UUID) -> None:
    """Have an organization's charges put at the provider once this transaction commits."""
    await tx.defer(charge_usage, lock=f"billing:usage:{organization_id}", organization_id=str(organization_id))


jobs: list[Job] = [charge_usage, charge_usage_again, late_usage]
