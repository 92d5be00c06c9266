"""Buying a plan on the provider's hosted page, and the provider's self-service page."""

from dataclasses import replace
from uuid import UUID

from tollkeeper.billing.customers import ensure_customer, get_customer
from tollkeeper.billing.flows.model import (
    AlreadySubscribedError,
    Buyer,
    OpenedCheckout,
    PlanNotPurchasableError,
    Purchase,
)
from tollkeeper.billing.provider import (
    CheckoutState,
    CheckoutStatus,
    CheckoutWish,
    PriceAtProvider,
    ProviderMissingError,
    ProviderRefusedError,
    addons_named,
    plan_price_of,
    price_at_provider,
    provider_of,
    push_price,
)
from tollkeeper.billing.subscriptions import meaning
from tollkeeper.catalog import Plan, PlanNotFoundError, Price, load_catalogue
from tollkeeper.infra import Tx
from tollkeeper.kit import new_id, parse_id
from tollkeeper.rating import Interval

from .beside import addons_to_buy
from .selling import in_their_currency, price_in, terms_of


async def create_checkout(tx: Tx, buyer: Buyer, purchase: Purchase) -> OpenedCheckout:
    """Return a hosted page on which the organization can buy the plan.

    The organization is locked until the transaction ends and has at most one page open: asking again for the same
    returns the same page, asking for something else closes the page before. So two tabs, two clicks or two people
    cannot end in two subscriptions.

    Raises:
        PlanNotFoundError: there is no such plan or price.
        PlanNotPurchasableError: it has no price, is not sold any more, or is the plan nobody pays for.
        AddonNotFoundError, AddonNotAvailableError: an add-on cannot be bought with it.
        AlreadySubscribedError: the organization has a subscription that is not over, whether we heard of it or not.
        PromotionCodeError: the code cannot be used for it.
        InvalidInputError: the customer pays in another currency.
    """
    provider = provider_of(tx.runtime)
    plan, price = await _offer(tx, purchase)
    customer = await ensure_customer(tx, buyer.organization_id, name=buyer.name, email=buyer.email)
    price = in_their_currency(customer, plan, price, purchase)
    terms = await terms_of(tx, customer, plan, price, purchase)
    beside = await addons_to_buy(tx, plan, price, purchase.addons)
    kept = await _one_page(tx, customer.provider_id, price, purchase, (str(terms), addons_named(beside)))
    await refuse_second(tx, customer.provider_id)
    if kept is not None:
        return _opened(kept)
    wish = _wish(buyer, customer.provider_id, plan, await price_at_provider(tx, plan, price), purchase)
    wish = replace(wish, terms=terms, addons=beside)
    try:
        made = await provider.open_checkout(wish)
    except ProviderMissingError:
        # our note of where the price stands was out of date
        renewed = replace(wish, price=await push_price(tx, plan, price), idempotency_key=f"checkout-{new_id()}")
        made = await provider.open_checkout(renewed)
    offered = {"plan": plan.key, "price": price.id, "interval": price.interval, "addons": dict(purchase.addons)}
    await tx.record(
        "checkout.opened", target=("checkout", made.id), organization_id=buyer.organization_id, after=offered
    )
    return _opened(made)


async def open_portal(tx: Tx, organization_id: UUID, *, return_url: str) -> str:
    """Return the address of the provider's self-service page for this organization.

    Raises:
        NoCustomerError: it never bought anything.
    """
    customer = await get_customer(tx, organization_id)
    url = await provider_of(tx.runtime).open_portal(customer.provider_id, return_url)
    await tx.record("billing_portal.opened", target=("customer", customer.id), organization_id=organization_id)
    return url


async def find_offer(
    tx: Tx, plan_key: str, interval: Interval | None, currency: str | None = None
) -> tuple[Plan, Price]:
    """Return a plan that is for sale and its price for the interval (None: the month's, else the first).

    `currency` None: the first listed.

    Raises:
        PlanNotFoundError, PlanNotPurchasableError: as `create_checkout`.
    """
    plan = (await load_catalogue(tx)).plans.get(plan_key)
    if plan is None:
        raise PlanNotFoundError(f"There is no plan {plan_key!r}.")
    if plan.archived_at is not None:
        raise PlanNotPurchasableError(f"{plan.name} is not sold any more.")
    if not plan.prices:
        raise PlanNotPurchasableError(
            f"{plan.name} has no price: it is {'free' if plan.is_default else 'by contract'}."
        )
    return plan, price_in(plan, interval, currency)


async def _offer(tx: Tx, purchase: Purchase) -> tuple[Plan, Price]:
    if purchase.price_id is None:
        interval = Interval(purchase.interval) if purchase.interval else None
        return await find_offer(tx, purchase.plan or "", interval, purchase.currency)
    ours = parse_id(purchase.price_id)
    price = await plan_price_of(tx, PriceAtProvider(purchase.price_id, ours))
    if price is None or (purchase.plan is not None and purchase.plan != price.plan):
        raise PlanNotFoundError(f"There is no price {purchase.price_id!r} of this plan.")
    if not price.active:
        raise PlanNotPurchasableError("This price is not on sale any more.")
    return (await load_catalogue(tx)).plans[price.plan], price


async def _one_page(
    tx: Tx, customer_id: str, price: Price, purchase: Purchase, rest: tuple[str, str]
) -> CheckoutState | None:
    """Close every open page but one that sells just this; return it."""
    kept = None
    for page in await provider_of(tx.runtime).list_open_checkouts(customer_id):
        same = (page.price_id, page.success_url, page.cancel_url, page.terms, page.addons) == (
            price.id,
            purchase.success_url,
            purchase.cancel_url,
            *rest,
        )
        if kept is None and same and page.url is not None:
            kept = page
        else:
            closed = await provider_of(tx.runtime).close_checkout(page.id)
            if closed.status is CheckoutStatus.COMPLETE:
                raise AlreadySubscribedError("A purchase has just been completed on another page.")
    return kept


async def refuse_second(tx: Tx, customer_id: str) -> None:
    """Ask the provider itself, after the other pages are closed: our mirror may not have heard yet.

    Raises:
        AlreadySubscribedError: there is a subscription that is not over.
    """
    for each in await provider_of(tx.runtime).list_subscriptions(customer_id) or ():
        if not meaning(each.status).over:
            raise AlreadySubscribedError(subscription_status=each.status)


def _wish(buyer: Buyer, customer_id: str, plan: Plan, price: PriceAtProvider, purchase: Purchase) -> CheckoutWish:
    return CheckoutWish(
        customer_id=customer_id,
        organization_id=buyer.organization_id,
        price=price,
        plan=plan.key,
        success_url=purchase.success_url,
        cancel_url=purchase.cancel_url,
        idempotency_key=f"checkout-{new_id()}",
    )


def _opened(page: CheckoutState) -> OpenedCheckout:
    if page.url is None:
        raise ProviderRefusedError(log=f"checkout {page.id} came without an address")
    return OpenedCheckout(page.url, page.id)
