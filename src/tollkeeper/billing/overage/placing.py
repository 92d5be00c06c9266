"""Putting charges at the provider. A charge is written down before this begins, and every call can be repeated."""

from collections.abc import Sequence
from uuid import UUID

from tollkeeper.billing.provider import ExtraCharge, PaymentProvider, PlacedCharge
from tollkeeper.billing.subscriptions import list_of_organization
from tollkeeper.infra import Tx

from . import store
from .model import Charge, Destination, State, UsageCharged


async def take_up(tx: Tx, organization_id: UUID) -> list[Charge]:
    """Return what is to be put at the provider, oldest first, as it stood before this try, which is counted."""
    found = await store.intended(tx, organization_id)
    await store.count_attempt(tx, [each.id for each in found])
    return found


async def place(provider: PaymentProvider, charge: Charge, *, draft: str | None = None) -> PlacedCharge:
    """Put a charge on its invoice: on `draft`, else on the one it is meant for, else on the customer's next one.

    When it was begun before, it is looked for first: the provider recognises a repeat for a day only.
    """
    invoice = draft or charge.wanted_invoice
    if charge.provider_item is not None:
        return PlacedCharge(charge.provider_item, draft)
    if charge.attempts:
        known = await provider.find_charge(charge.customer, charge.id, since=charge.created_at)
        if known is not None:
            return known
    span = (charge.period_start, charge.period_end)
    extra = ExtraCharge(charge.id, charge.customer, charge.money, charge.description, *span)
    item = await provider.add_charge(extra, invoice_id=invoice) if invoice else None
    if item is not None:
        return PlacedCharge(item, invoice)
    waiting = await provider.add_charge(extra, invoice_id=None)
    return PlacedCharge(str(waiting), None)


def apart(charges: Sequence[Charge]) -> list[Charge]:
    """Return those that go on an invoice of their own together: those that share it with the first of them."""
    own = [each for each in charges if each.destination is Destination.OWN]
    shared = {(each.customer, each.wanted_invoice) for each in own[:1]}
    return [each for each in own if (each.customer, each.wanted_invoice) in shared]


async def open_draft(provider: PaymentProvider, charges: Sequence[Charge]) -> str:
    """Return the draft that these charges share, the same one whenever it is asked for again."""
    known = next((each.wanted_invoice for each in charges if each.wanted_invoice), None)
    first = charges[0]
    return known or await provider.open_invoice(first.customer, idempotency_key=f"usage-invoice-{first.id}")


async def note_draft(tx: Tx, charges: Sequence[Charge], draft: str) -> None:
    """Remember the draft that these charges share."""
    await store.change(tx, [each.id for each in charges], wanted_invoice=draft)


async def paid_like(tx: Tx, charges: Sequence[Charge]) -> str | None:
    """Return the provider's id of the subscription that the newest of these belongs to."""
    known = {each.id: each.provider_id for each in await list_of_organization(tx, charges[-1].organization_id)}
    return known.get(charges[-1].subscription_id)


async def note(tx: Tx, charge: Charge, placed: PlacedCharge) -> None:
    """Note that a charge is at the provider, and tell of it."""
    values = {"state": State.CHARGED.value, "charged_at": tx.now, "problem": None}
    await store.change(tx, [charge.id], provider_item=placed.item, invoice=placed.invoice, **values)
    charged = {"quantity": charge.quantity, "amount": charge.amount, "currency": charge.currency}
    await tx.record(
        "usage.charged",
        target=("charge", charge.id),
        organization_id=charge.organization_id,
        after={"feature": charge.feature, **charged},
    )
    await tx.emit(
        UsageCharged(
            organization_id=charge.organization_id,
            feature=charge.feature,
            quantity=charge.quantity,
            amount=charge.amount,
            currency=charge.currency,
            invoice=placed.invoice,
        )
    )


async def note_item(tx: Tx, charge: Charge, item: str) -> None:
    """Note the item of a charge whose invoice is not collected yet."""
    await store.change(tx, [charge.id], provider_item=item)


async def note_problem(tx: Tx, charges: Sequence[Charge], problem: str, *, hopeless: bool) -> None:
    """Note why a try failed. `hopeless`: the provider knows the customer no more, and nobody can be charged."""
    values = {"problem": problem[:1000]} | ({"state": State.ABANDONED.value} if hopeless else {})
    await store.change(tx, [each.id for each in charges], **values)
