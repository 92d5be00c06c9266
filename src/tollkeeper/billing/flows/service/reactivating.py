"""Coming back after the subscription is over: the same plan, charged to the payment method that is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tollkeeper.billing.customers import Customer, ensure_customer, get_customer
from tollkeeper.billing.flows.model import (
    AlreadySubscribedError,
    Buyer,
    ChangeAt,
    OpenedCheckout,
    PreviewedChange,
    Purchase,
)
from tollkeeper.billing.provider import (
    CancelAt,
    CheckoutStatus,
    PaymentFailedError,
    Subject,
    SubscribeWish,
    lock,
    price_at_provider,
    provider_of,
)
from tollkeeper.billing.subscriptions import (
    NoSubscriptionError,
    Subscription,
    list_of_organization,
)
from tollkeeper.catalog import Plan, Price, list_prices, load_catalogue
from tollkeeper.infra import Tx
from tollkeeper.kit import new_id

from .checkout import create_checkout, find_offer, refuse_second
from .selling import in_their_currency
from .webhooks import synchronise


@dataclass(frozen=True, slots=True)
class _Return:
    """What an organization comes back to."""

    plan: Plan
    price: Price
    quantity: int


async def preview_reactivation(tx: Tx, organization_id: UUID) -> PreviewedChange:
    """Return what `reactivate` would cost now; changes nothing.

    Raises:
        NoCustomerError, NoSubscriptionError, AlreadySubscribedError, PlanNotPurchasableError: as `reactivate`.
    """
    customer = await get_customer(tx, organization_id)
    await refuse_second(tx, customer.provider_id)
    back = await _what(tx, customer)
    price = await price_at_provider(tx, back.plan, back.price)
    cost = await provider_of(tx.runtime).preview_subscribe(customer.provider_id, price, back.quantity, at=tx.now)
    return PreviewedChange(ChangeAt.NOW, tx.now, cost)


async def reactivate(tx: Tx, buyer: Buyer, *, success_url: str, cancel_url: str) -> OpenedCheckout | None:
    """Begin the last plan anew: at its price if that is still on sale, else at the plan's present one, with as many
    seats, without add-ons, discount or trial. Returns a page to buy it on where no payment method is kept, else None.

    The organization is locked as while a page is opened, pages that are open are closed, and the provider itself is
    asked what there is: it never ends in two subscriptions. A declined payment leaves nothing behind.

    Raises:
        PaymentFailedError: it could not be collected.
        NoCustomerError, NoSubscriptionError: nothing was ever bought, or nothing that is sold here.
        AlreadySubscribedError: there is a subscription that is not over.
        PlanNotPurchasableError: the plan is not sold any more, or not by this interval or in this currency.
    """
    await get_customer(tx, buyer.organization_id)
    customer = await ensure_customer(tx, buyer.organization_id, name=buyer.name, email=buyer.email)
    await refuse_second(tx, customer.provider_id)
    back = await _what(tx, customer)
    method = await _method(tx, customer)
    if method is None:
        purchase = Purchase(success_url, cancel_url, plan=back.plan.key, price_id=str(back.price.id))
        return await create_checkout(tx, buyer, purchase)
    await lock(tx, Subject(customer_id=customer.provider_id).lock)
    await _close_pages(tx, customer)
    await refuse_second(tx, customer.provider_id)
    wish = SubscribeWish(
        customer.provider_id,
        buyer.organization_id,
        await price_at_provider(tx, back.plan, back.price),
        back.plan.key,
        back.quantity,
        method,
        # Anew for each try: the provider repeats a refusal for the same key. What was made is found by asking.
        idempotency_key=f"reactivate-{new_id()}",
    )
    try:
        made = await provider_of(tx.runtime).subscribe(wish)
    except PaymentFailedError:
        await _clear_away(tx, customer)
        raise
    await synchronise(tx, Subject(customer_id=customer.provider_id, subscription_id=made), cause="reactivated")
    await tx.record(
        "subscription.reactivated",
        target=("customer", customer.id),
        organization_id=buyer.organization_id,
        after={"plan": back.plan.key, "quantity": back.quantity},
    )
    return None


async def _what(tx: Tx, customer: Customer) -> _Return:
    """Return the plan that the organization had last, with the price it can be had for now."""
    last = last_ended(await list_of_organization(tx, customer.organization_id))
    if last is None or last.plan is None:
        raise NoSubscriptionError("There is no plan to come back to.")
    prices = {each.id: each for each in await list_prices(tx)}
    before = prices.get(last.price_id) if last.price_id else None
    plan = (await load_catalogue(tx)).plans[last.plan]
    if before is not None and before.active and plan.archived_at is None:
        price = before
    else:
        currency = before.money.currency if before else None
        plan, price = await find_offer(tx, last.plan, before.interval if before else None, currency)
    wish = Purchase("", "", plan=plan.key)
    return _Return(plan, in_their_currency(customer, plan, price, wish), last.quantity)


def last_ended(subscriptions: Iterable[Subscription]) -> Subscription | None:
    """Return which of an organization's subscriptions it would come back to; None: none is over that was one of ours.

    Whether its plan is still sold is not looked at, nor whether another one runs.
    """
    over = (each for each in subscriptions if each.status == "canceled" and each.plan is not None)
    return max(over, key=_ended, default=None)


def _ended(subscription: Subscription) -> tuple[object, ...]:
    return subscription.ended_at or subscription.started_at, subscription.started_at


async def _method(tx: Tx, customer: Customer) -> str | None:
    """Return the way to pay that is kept as the default, else the only one that is kept."""
    kept = await provider_of(tx.runtime).list_payment_methods(customer.provider_id)
    default = next((each.id for each in kept if each.is_default), None)
    return default or (kept[0].id if len(kept) == 1 else None)


async def _close_pages(tx: Tx, customer: Customer) -> None:
    """Nothing can be bought on a page opened before."""
    for page in await provider_of(tx.runtime).list_open_checkouts(customer.provider_id):
        closed = await provider_of(tx.runtime).close_checkout(page.id)
        if closed.status is CheckoutStatus.COMPLETE:
            raise AlreadySubscribedError("A purchase has just been completed on another page.")


async def _clear_away(tx: Tx, customer: Customer) -> None:
    """End what a refused payment may have left: there was no subscription before, so that what waits now is it."""
    for each in await provider_of(tx.runtime).list_subscriptions(customer.provider_id) or ():
        if each.status == "incomplete":
            await provider_of(tx.runtime).cancel_subscription(each.id, CancelAt.NOW)
