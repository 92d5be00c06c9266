"""The invoice to come, worked out from our mirror as the provider will work it out: no page waits for the provider."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tollkeeper.billing.flows.model import NextInvoice
from tollkeeper.billing.overage import so_far, waiting
from tollkeeper.billing.provider import DiscountState
from tollkeeper.billing.subscriptions import PendingChange, Subscription, meaning, rests, running
from tollkeeper.catalog import list_addon_prices, list_codes, list_coupons, list_prices
from tollkeeper.infra import Tx
from tollkeeper.kit import Money
from tollkeeper.rating import AmountOff, Discount, PercentOff, discount_lines


class _Line(NamedTuple):
    """One line to come. `plan` is the key of the plan it charges for; None: an add-on, or usage."""

    money: Money
    plan: str | None = None


class _Lowering(NamedTuple):
    """What is taken off an invoice, and from which plans alone, by their keys; `plans` empty: from all lines."""

    terms: Discount
    plans: tuple[str, ...]


async def next_invoice(tx: Tx, subscription: Subscription | None) -> NextInvoice | None:
    """Return what comes when the period ends; of a subscription that ends then, only what was used beyond limits.

    What a pause makes void does not come; where the pause ends later, a new period is charged then. Equal to the
    provider's own preview of it, before taxes and credit, as far as what is charged is ours.
    """
    if subscription is None or not meaning(subscription.status).grants:
        return None
    at = _when(subscription)
    if at is None:
        return None
    usage = () if rests(subscription.pause) else tuple(await so_far(tx, subscription))
    before = await waiting(tx, subscription)
    lines = [] if subscription.cancel_at_period_end else await _paid_ahead(tx, subscription, at)
    lines += [_Line(each) for each in (*(each.money for each in usage), *before)]
    if not lines:
        return None
    currency = lines[0].money.currency
    off = await _taken_off(tx, subscription, lines, at)
    amount = sum(each.money.amount for each in lines) - off
    return NextInvoice(at, Money(amount, currency), Money(off, currency), usage)


def _when(subscription: Subscription) -> datetime | None:
    """Return when the next invoice is made that is not void; None: not as long as nobody does anything."""
    end, pause = subscription.current_period_end, subscription.pause
    if end is None or pause is None or not rests(pause):
        return end
    if pause.until is None or (subscription.cancel_at_period_end and pause.until > end):
        return None
    # A period that fell into the pause is void: another begins, and is charged, as soon as the pause ends.
    fell_into_it = subscription.unpaid and not subscription.cancel_at_period_end
    return pause.until if fell_into_it else max(end, pause.until)


def _changed(subscription: Subscription, at: datetime) -> PendingChange | None:
    """Return the change to come, if it has happened by then."""
    pending = subscription.pending
    return pending if pending and pending.at <= at and not subscription.cancel_at_period_end else None


async def _paid_ahead(tx: Tx, subscription: Subscription, at: datetime) -> list[_Line]:
    """Return what the next period costs; nothing when it was sold at a price that is none of ours."""
    pending = _changed(subscription, at)
    bought, seats = (pending.price_id, pending.quantity) if pending else (subscription.price_id, subscription.quantity)
    price = next((each for each in await list_prices(tx) if each.id == bought), None)
    if price is None:
        return []
    plan = _Line(Money(price.money.amount * seats, price.money.currency), price.plan)
    return [plan, *(await _beside(tx, subscription, changed=pending is not None))]


async def _beside(tx: Tx, subscription: Subscription, *, changed: bool) -> list[_Line]:
    """Return what the add-ons of the next period cost; `changed`: the change to come has happened by then."""
    if not subscription.addons:
        return []
    amounts = {price.id: price.money for price in await list_addon_prices(tx)}
    units = [
        (amounts[each.price_id], (each.pending_quantity or 0) if changed else each.quantity)
        for each in subscription.addons
    ]
    return [_Line(Money(money.amount * count, money.currency)) for money, count in units if count]


async def _taken_off(tx: Tx, subscription: Subscription, lines: list[_Line], at: datetime) -> int:
    """Return what is taken off an invoice made at a moment, in minor units.

    A coupon for some plans lowers neither other plans nor add-ons nor usage.
    """
    lowering = await _lowering(tx, subscription, lines[0].money.currency, at)
    if lowering is None:
        return 0
    terms, plans = lowering
    lowered = [each.money for each in lines if not plans or each.plan in plans]
    if isinstance(terms, AmountOff):
        lowered = [each for each in lowered if each.currency == terms.money.currency]
    return sum(each.amount for each in discount_lines(lowered, terms))


async def _lowering(tx: Tx, subscription: Subscription, currency: str, at: datetime) -> _Lowering | None:
    """Return what lowers an invoice made at a moment: the code of a change that has happened by then, in place of what
    lowers them now; None: nothing does.
    """
    changed = _changed(subscription, at)
    if changed is not None and changed.code_id is not None:
        return await _of_code(tx, changed.code_id, currency)
    discount = running(subscription.discount, at)
    terms = _terms(discount)
    if discount is None or terms is None:
        return None
    return _Lowering(terms, await _plans_of(tx, discount.coupon_id))


async def _of_code(tx: Tx, code_id: UUID, currency: str) -> _Lowering | None:
    """Return what a promotion code takes off in a currency; None: nothing in this one."""
    coupon = next(each.coupon.terms for each in await list_codes(tx) if each.id == code_id)
    if coupon.percent_off is not None:
        return _Lowering(PercentOff(coupon.percent_off), coupon.plans)
    amount = coupon.amounts_off.get(currency)
    return None if amount is None else _Lowering(AmountOff(Money(amount, currency)), coupon.plans)


async def _plans_of(tx: Tx, coupon_id: UUID | None) -> tuple[str, ...]:
    """Return which plans a coupon is for; empty: all, or it is none of ours."""
    if coupon_id is None:
        return ()
    return next((each.terms.plans for each in await list_coupons(tx) if each.id == coupon_id), ())


def _terms(discount: DiscountState | None) -> Discount | None:
    if discount is None:
        return None
    if discount.percent_off is not None:
        return PercentOff(discount.percent_off)
    if discount.amount_off is None or discount.currency is None:
        return None
    return AmountOff(Money(discount.amount_off, discount.currency))
