"""Add-ons: what can be had beside the plan, having more of it at once, and fewer when the period ends."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.billing.flows.model import AddonChange, AddonNotAvailableError, AddonOffer, ChangeAt, PreviewedChange
from tollkeeper.billing.flows.rules import counted_from
from tollkeeper.billing.provider import (
    ItemState,
    Preview,
    PriceAtProvider,
    SubscriptionState,
    Target,
    plan_price_of,
    provider_of,
)
from tollkeeper.billing.subscriptions import Subscription, meaning, status
from tollkeeper.catalog import Addon, Plan, Price, find_addon, list_prices, load_catalogue
from tollkeeper.infra import Tx
from tollkeeper.kit import Money

from .beside import Beside, carried, changes_nothing, look_beside, sold_beside
from .changes import live_subscription, mirrored
from .running import must_owe_nothing, must_run
from .scheduling import schedule


async def list_addons(tx: Tx, organization_id: UUID, *, created_at: datetime) -> list[AddonOffer]:
    """Return what the organization has beside its plan and what it could have, from our own mirror.

    `created_at` is when the organization was made, as for `status`. Without a subscription there is nothing.
    """
    return await addons_beside(tx, (await status(tx, organization_id, created_at=created_at)).subscription)


async def addons_beside(tx: Tx, subscription: Subscription | None) -> list[AddonOffer]:
    """Return what is had beside this subscription and what could be; None: nothing."""
    if subscription is None:
        return []
    catalogue = await load_catalogue(tx)
    price = next((each for each in await list_prices(tx) if each.id == subscription.price_id), None)
    now, later = subscription.units(), subscription.pending_units()
    offers = []
    for key, addon in catalogue.addons.items():
        sold = addon.price(price.interval, price.money.currency) if price else None
        can_buy = sold is not None and addon.archived_at is None and subscription.plan in addon.plans
        units = now.get(key, 0)
        coming = later.get(key, 0) if subscription.pending and later.get(key, 0) != units else None
        if can_buy or units or coming:
            at = subscription.pending.at if subscription.pending and coming is not None else None
            offers.append(AddonOffer(addon, sold if can_buy else None, units, coming, at))
    return offers


async def preview_addon(tx: Tx, organization_id: UUID, change: AddonChange) -> PreviewedChange:
    """Return what having so many units would cost now, and when it would take effect; changes nothing.

    Raises:
        NoCustomerError, NoSubscriptionError, AddonNotFoundError, AddonNotAvailableError: it cannot be had.
        SubscriptionPausedError, PeriodUnpaidError: what it would come beside is not paid for.
        InvalidInputError: more than can be had, or `as_of` is no moment of a preview.
    """
    wanted = await _decide(tx, organization_id, change)
    state = wanted.state
    if wanted.at is ChangeAt.NOW and state.status != "trialing":
        cost = await provider_of(tx.runtime).preview_change(state, await _target_now(tx, wanted), at=wanted.as_of)
        return PreviewedChange(wanted.at, wanted.as_of, cost)
    currency = wanted.price.money.currency
    balance = state.customer.balance if state.customer else 0
    nothing = Preview(wanted.as_of, Money(0, currency), Money(balance, currency), ())
    effective = wanted.as_of if wanted.at is ChangeAt.NOW else state.period_end or wanted.as_of
    return PreviewedChange(wanted.at, effective, nothing)


async def set_addon(tx: Tx, organization_id: UUID, change: AddonChange, *, idempotency_key: str) -> Subscription:
    """Have so many units: more at once, the rest of the period charged, or nothing changes; fewer when it ends.

    In a trial, or at a price that is not on sale any more, fewer come at once, too, and what was paid is credited.
    Whatever else is to come at the period's end stays so.

    Raises:
        PaymentFailedError: the difference could not be collected.
        NoCustomerError, NoSubscriptionError, AddonNotFoundError, AddonNotAvailableError, InvalidInputError: as
            `preview_addon`.
    """
    wanted = await _decide(tx, organization_id, change)
    provider, state = provider_of(tx.runtime), wanted.state
    if wanted.at is ChangeAt.NOW:
        target = await _target_now(tx, wanted)
        await provider.unschedule_change(state)
        try:
            await provider.change_subscription(state, target, at=wanted.as_of, idempotency_key=idempotency_key)
        finally:
            fresh = await provider.fetch_subscription(state.id) if state.pending else None
            if fresh is not None:
                await _come_later(tx, fresh, wanted, f"{idempotency_key}-later")
    else:
        await _come_later(tx, state, wanted, idempotency_key)
    return await mirrored(tx, organization_id, state, cause=f"{change.quantity} of {change.addon} at {wanted.at}")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A change with everything decided; `price` is the plan's now, `coming` that of the change to come."""

    state: SubscriptionState
    beside: Beside
    addon: Addon
    quantity: int
    at: ChangeAt
    as_of: datetime
    plan: Plan
    price: Price
    coming: Price

    @property
    def units(self) -> int:
        """How many units there are now."""
        return self.beside.now().get(self.addon.key, 0)


async def _decide(tx: Tx, organization_id: UUID, change: AddonChange) -> _Wanted:
    """Lock the subscription and decide what is to happen, and when."""
    catalogue = await load_catalogue(tx)
    addon = find_addon(catalogue, change.addon)
    state = await live_subscription(tx, organization_id)
    await must_run(tx, organization_id, state)
    beside = await look_beside(tx, state)
    price = beside.price
    coming = await plan_price_of(tx, state.pending.price) if state.pending else price
    if price is None or coming is None:
        raise AddonNotAvailableError("The subscription was sold at a price that is not in the catalogue.")
    plan, units = catalogue.plans[price.plan], beside.now().get(addon.key, 0)
    if change.quantity > units:
        if not meaning(state.status).grants:
            raise AddonNotAvailableError(f"The subscription is {state.status}.")
        sold_beside(addon, plan, price, change.quantity)
    elif change.quantity < units and state.cancel_at_period_end:
        raise AddonNotAvailableError("The subscription is about to end, and everything beside the plan with it.")
    at_once = change.quantity > units or (
        change.quantity < units and (state.status == "trialing" or not beside.on_sale)
    )
    if at_once:
        must_owe_nothing(state)
    as_of = counted_from(change.as_of, period_start=state.period_start, now=tx.now)
    at = ChangeAt.NOW if at_once else ChangeAt.PERIOD_END
    return _Wanted(state, beside, addon, change.quantity, at, as_of, plan, price, coming)


async def _target_now(tx: Tx, wanted: _Wanted) -> Target:
    units = {**wanted.beside.now(), wanted.addon.key: wanted.quantity}
    anew = wanted.addon if wanted.quantity > wanted.units else None
    items = await carried(tx, wanted.beside, wanted.plan, wanted.price, units, anew=anew)
    return _with(wanted.state.price, wanted.state.quantity, wanted.price, items)


async def _come_later(tx: Tx, state: SubscriptionState, wanted: _Wanted, idempotency_key: str) -> None:
    """Have this, and what else was to come, come when the period ends; nothing is to come when all stays as it is."""
    pending, provider = wanted.state.pending, provider_of(tx.runtime)
    plan = (await load_catalogue(tx)).plans[wanted.coming.plan]
    units = {**wanted.beside.later(), wanted.addon.key: wanted.quantity}
    items = await carried(tx, await look_beside(tx, state), plan, wanted.coming, units)
    if pending is None:
        target = _with(state.price, state.quantity, wanted.coming, items)
    else:
        # A code that nobody can redeem any more would be refused, and the change it came with be lost.
        code = pending.code if pending.code and await provider.code_holds(pending.code) else None
        target = _with(pending.price, pending.quantity, wanted.coming, items, code=code)
    if changes_nothing(state, target) and target.code is None:
        await provider.unschedule_change(state)
    else:
        await schedule(tx, state, target, idempotency_key=idempotency_key)


def _with(
    at: PriceAtProvider | None, seats: int, price: Price, items: tuple[ItemState, ...], *, code: str | None = None
) -> Target:
    if at is None:  # decided before: a subscription without a price of ours has no add-ons
        raise AddonNotAvailableError
    return Target(at, seats, price.interval, restarts=False, addons=items, code=code)
