"""What is sold on which terms: the price in the customer's currency, the promotion code, the trial."""

from tollkeeper.billing.customers import Customer
from tollkeeper.billing.flows.model import PlanNotPurchasableError, Purchase
from tollkeeper.billing.provider import (
    CheckoutTerms,
    SubscriptionState,
    TrialOffer,
    code_at_provider,
    plan_price_of,
    provider_of,
)
from tollkeeper.billing.subscriptions import had_trial, list_of_organization
from tollkeeper.catalog import Plan, Price, PromotionCodeError, TrialEnd, find_code, takes_codes
from tollkeeper.infra import Tx
from tollkeeper.kit import FieldProblem, InvalidInputError, Money
from tollkeeper.rating import Interval


async def code_for_subscription(tx: Tx, state: SubscriptionState, text: str) -> str:
    """Return the provider's id of a code that may be used for what a subscription is.

    Raises:
        PromotionCodeError: there is none, or it is not for this subscription.
    """
    price = await plan_price_of(tx, state.price) if state.price else None
    if price is None:
        raise PromotionCodeError("This subscription was sold at a price that no code is for.")
    return await code_for(tx, text, price, quantity=state.quantity)


async def code_for(tx: Tx, text: str, price: Price, *, quantity: int = 1) -> str:
    """Return the provider's id of a code that may be used for so many of a plan at this price.

    Raises:
        PromotionCodeError: there is none, it is not for this, or the provider says that it was used up.
    """
    worth = Money(price.money.amount * quantity, price.money.currency)
    code = await find_code(tx, text, plan=price.plan, price=worth)
    ident = await code_at_provider(tx, code)
    if not await provider_of(tx.runtime).code_holds(ident):
        raise PromotionCodeError("This code was used up.")
    return ident


async def terms_of(tx: Tx, customer: Customer, plan: Plan, price: Price, purchase: Purchase) -> CheckoutTerms:
    """Return what a purchase gets beside its price: a discount, or a field for a code, and the plan's trial, once.

    A second trial is not offered, silently: whoever had one, by our mirror or by the provider's own history, pays.
    """
    code = await code_for(tx, purchase.promotion_code, price) if purchase.promotion_code else None
    trial = None
    if plan.trial is not None and not await _had_trial(tx, customer):
        pauses = plan.trial.without_card is TrialEnd.PAUSE
        trial = TrialOffer(plan.trial.days, plan.trial.needs_card, pauses)
    return CheckoutTerms(code, code is None and await takes_codes(tx), trial)


def in_their_currency(customer: Customer, plan: Plan, price: Price, purchase: Purchase) -> Price:
    """Return the price in the currency the customer pays in; their first invoice has fixed it for ever.

    Raises:
        InvalidInputError: another currency was asked for, by name or by price.
        PlanNotPurchasableError: the plan has no price in it.
    """
    theirs = customer.balance.currency if customer.balance else None
    if theirs is None or theirs == price.money.currency:
        return price
    asked = "currency" if purchase.currency else "price" if purchase.price_id else None
    if asked:
        message = f"You pay in {theirs.upper()}; after the first invoice that cannot be changed."
        raise InvalidInputError([FieldProblem(asked, message)])
    found = plan.price(price.interval, theirs)
    if found is None:
        raise PlanNotPurchasableError(f"{plan.name} has no price in {theirs.upper()}, in which you pay.")
    return found


async def currency_of(tx: Tx, state: SubscriptionState) -> str | None:
    """Return the currency a subscription is charged in; None when nothing tells."""
    price = await plan_price_of(tx, state.price) if state.price else None
    if price is not None:
        return price.money.currency
    if state.latest_invoice is not None:
        return state.latest_invoice.currency
    return state.customer.currency if state.customer else None


def price_in(plan: Plan, interval: Interval | None, currency: str | None) -> Price:
    """Return a plan's price for the interval (None: the month's, else the first) and currency (None: the first).

    Raises:
        PlanNotPurchasableError: it has none.
    """
    sold = [each for each in plan.prices if currency in {None, each.money.currency}]
    if not sold and currency is not None:
        raise PlanNotPurchasableError(f"{plan.name} has no price in {currency.upper()}.")
    wanted = [each for each in sold if each.interval is (interval or Interval.MONTH)]
    if not wanted and interval is not None:
        where = f" in {currency.upper()}" if currency else ""
        raise PlanNotPurchasableError(f"{plan.name} has no price per {interval}{where}.")
    return (wanted or sold)[0]


async def _had_trial(tx: Tx, customer: Customer) -> bool:
    theirs = await provider_of(tx.runtime).list_subscriptions(customer.provider_id) or ()
    ours = await list_of_organization(tx, customer.organization_id)
    ends = [*(each.trial_end for each in theirs), *(each.trial_end for each in ours)]
    return any(had_trial(end) for end in ends)
