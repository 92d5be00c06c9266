"""Every statement about subscriptions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, insert, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from tollkeeper.billing.customers import CUSTOMERS, Customer
from tollkeeper.billing.provider import Pause, PaymentMethod, SubscriptionState
from tollkeeper.catalog import Price
from tollkeeper.infra import Tx, in_order
from tollkeeper.kit import new_id

from .discounts import discount_from_json, discount_to_json
from .model import HeldAddon, PendingChange, Standing, Subscription, SubscriptionOrder, Transition
from .tables import BILLING_STANDINGS, NEXT, SUBSCRIPTION_ADDONS, SUBSCRIPTION_HISTORY, SUBSCRIPTIONS

_NEVER = text("'infinity'::timestamptz")
_COLUMNS: Mapping[SubscriptionOrder, tuple[ColumnElement[Any], ...]] = {
    SubscriptionOrder.STARTED: (SUBSCRIPTIONS.c.started_at, SUBSCRIPTIONS.c.id),
    SubscriptionOrder.PLAN: (
        func.coalesce(SUBSCRIPTIONS.c.plan, text("''")),
        SUBSCRIPTIONS.c.started_at,
        SUBSCRIPTIONS.c.id,
    ),
    SubscriptionOrder.NEXT: (literal_column(NEXT), SUBSCRIPTIONS.c.id),
}


async def list_of(tx: Tx, customers: Sequence[Customer]) -> list[Subscription]:
    """Return every subscription of these customers, ended ones too."""
    return await _found(tx, _with_owner().where(SUBSCRIPTIONS.c.customer_id.in_([each.id for each in customers])))


async def list_of_organization(tx: Tx, account: str, organization_id: UUID) -> list[Subscription]:
    """Return every subscription of every customer that the organization is and was, ended ones too."""
    return await _found(tx, _everybodys(account).where(CUSTOMERS.c.organization_id == organization_id))


async def list_all(
    tx: Tx,
    account: str,
    *,
    statuses: Collection[str],
    plan: str | None,
    order: SubscriptionOrder,
    descending: bool,
    after: tuple[Any, ...] | None,
    limit: int,
) -> list[Subscription]:
    """Return subscriptions of everybody, in order or the other way round; of these statuses, unless none are named."""
    table = SUBSCRIPTIONS.c
    query = _everybodys(account)
    query = query.where(table.status.in_(statuses)) if statuses else query
    query = query.where(table.plan == plan) if plan is not None else query
    if order is SubscriptionOrder.NEXT and after is not None:
        after = (func.coalesce(after[0], _NEVER), *after[1:])
    return await _found(tx, in_order(query, _COLUMNS[order], after, descending=descending).limit(limit))


async def get(tx: Tx, account: str, subscription_id: UUID) -> Subscription | None:
    """Return the subscription of this id, whosever it is."""
    return next(iter(await _found(tx, _everybodys(account).where(SUBSCRIPTIONS.c.id == subscription_id))), None)


def _everybodys(account: str) -> Select[Any]:
    return _with_owner().where(CUSTOMERS.c.account == account)


def _with_owner() -> Select[Any]:
    whose = select(SUBSCRIPTIONS, CUSTOMERS.c.organization_id)
    return whose.join(CUSTOMERS, CUSTOMERS.c.id == SUBSCRIPTIONS.c.customer_id)


async def _found(tx: Tx, query: Select[Any]) -> list[Subscription]:
    rows = (await tx.connection.execute(query)).mappings().all()
    held = await _addons(tx, [row["id"] for row in rows])
    return [_subscription(row, row["organization_id"], held.get(row["id"], ())) for row in rows]


async def find(tx: Tx, customer: Customer, provider_id: str) -> Subscription | None:
    """Return the customer's subscription of this id at the provider."""
    table = SUBSCRIPTIONS.c
    query = select(SUBSCRIPTIONS).where(table.customer_id == customer.id, table.provider_id == provider_id)
    row = (await tx.connection.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    return _subscription(row, customer.organization_id, (await _addons(tx, [row["id"]])).get(row["id"], ()))


async def save(
    tx: Tx,
    customer: Customer,
    state: SubscriptionState,
    price: Price | None,
    pending: PendingChange | None,
    *,
    addons: Sequence[HeldAddon],
    unpaid: bool,
    processing_since: datetime | None,
) -> Subscription:
    """Make our copy equal to the provider's; `price`, `pending` and `addons` are what of ours it names."""
    values = {
        "status": state.status,
        "plan": price.plan if price else None,
        "price_id": price.id if price else None,
        "quantity": state.quantity,
        "current_period_start": state.period_start,
        "current_period_end": state.period_end,
        "cancel_at_period_end": state.cancel_at_period_end,
        "cancel_at": state.cancel_at,
        "canceled_at": state.canceled_at,
        "ended_at": state.ended_at,
        "trial_end": state.trial_end,
        "extended_until": state.extended_until,
        "started_at": state.created_at,
        "payment_method": asdict(state.payment_method) if state.payment_method else None,
        "pending_plan": pending.plan if pending else None,
        "pending_price_id": pending.price_id if pending else None,
        "pending_quantity": pending.quantity if pending else None,
        "pending_at": pending.at if pending else None,
        "pending_code_id": pending.code_id if pending else None,
        "pause_behavior": state.pause.behavior if state.pause else None,
        "paused_until": state.pause.until if state.pause else None,
        "unpaid": unpaid,
        "processing_since": processing_since,
        "discount": discount_to_json(state.discount),
        "synced_at": tx.now,
    }
    fresh = upsert(SUBSCRIPTIONS).values(id=new_id(), customer_id=customer.id, provider_id=state.id, **values)
    statement = fresh.on_conflict_do_update(index_elements=["customer_id", "provider_id"], set_=values)
    row = (await tx.connection.execute(statement.returning(SUBSCRIPTIONS))).mappings().one()
    await _save_addons(tx, row["id"], addons)
    return _subscription(row, customer.organization_id, addons)


async def _save_addons(tx: Tx, subscription_id: UUID, addons: Sequence[HeldAddon]) -> None:
    table = SUBSCRIPTION_ADDONS.c
    await tx.connection.execute(SUBSCRIPTION_ADDONS.delete().where(table.subscription_id == subscription_id))
    if addons:
        rows = [{"subscription_id": subscription_id, **asdict(each)} for each in addons]
        await tx.connection.execute(insert(SUBSCRIPTION_ADDONS), rows)


async def _addons(tx: Tx, subscriptions: Sequence[UUID]) -> dict[UUID, tuple[HeldAddon, ...]]:
    """Return the add-ons of these subscriptions; those without any are left out."""
    if not subscriptions:
        return {}
    table = SUBSCRIPTION_ADDONS.c
    query = select(SUBSCRIPTION_ADDONS).where(table.subscription_id.in_(subscriptions))
    found: dict[UUID, tuple[HeldAddon, ...]] = {}
    for row in await tx.connection.execute(query.order_by(table.addon, table.price_id)):
        held = HeldAddon(row.addon, row.price_id, row.quantity, row.pending_quantity)
        found[row.subscription_id] = (*found.get(row.subscription_id, ()), held)
    return found


async def end(tx: Tx, subscription: Subscription) -> Subscription:
    """Note that the provider does not know the subscription any more: it is over, since now unless known better."""
    ended = {
        "status": "canceled",
        "pending_at": None,
        "processing_since": None,
        "ended_at": subscription.ended_at or tx.now,
        "synced_at": tx.now,
    }
    statement = SUBSCRIPTIONS.update().values(**ended).where(SUBSCRIPTIONS.c.id == subscription.id)
    row = (await tx.connection.execute(statement.returning(SUBSCRIPTIONS))).mappings().one()
    return _subscription(row, subscription.organization_id, subscription.addons)


async def set_withheld(tx: Tx, subscription_id: UUID, reason: str, *, holds: bool) -> None:
    """Note that this reason withholds the plan, or does not any more; others stay as they are."""
    this = SUBSCRIPTIONS.c.id == subscription_id
    found = await tx.connection.execute(select(SUBSCRIPTIONS.c.withheld).where(this).with_for_update())
    others = set((found.scalar_one() or "").split(",")) - {"", reason}
    reasons = ",".join(sorted({*others, reason} if holds else others))
    await tx.connection.execute(SUBSCRIPTIONS.update().values(withheld=reasons or None).where(this))


async def note_trial_end(tx: Tx, subscription_id: UUID, end: datetime) -> bool:
    """Note that the end of the trial was announced; False when it was before."""
    table = SUBSCRIPTIONS.c
    fresh = (table.id == subscription_id) & table.trial_end_told.is_distinct_from(end)
    told = await tx.connection.execute(SUBSCRIPTIONS.update().values(trial_end_told=end).where(fresh))
    return bool(told.rowcount)


async def add_transition(tx: Tx, subscription_id: UUID, transition: Transition) -> None:
    """Write one step into the subscription's history."""
    values = {"id": new_id(), "subscription_id": subscription_id, **asdict(transition)}
    await tx.connection.execute(insert(SUBSCRIPTION_HISTORY).values(**values))


async def history(tx: Tx, subscription_id: UUID) -> list[Transition]:
    """Return the subscription's steps, oldest first."""
    table = SUBSCRIPTION_HISTORY.c
    query = select(SUBSCRIPTION_HISTORY).where(table.subscription_id == subscription_id).order_by(table.id)
    rows = (await tx.connection.execute(query)).mappings()
    return [Transition(**{name: row[name] for name in Transition.__dataclass_fields__}) for row in rows]


async def expiring_cards(tx: Tx, statuses: Sequence[str], until: datetime) -> list[Mapping[Any, Any]]:
    """Return which subscriptions of these statuses are paid by a card that is not good after `until`'s month."""
    method = func.coalesce(SUBSCRIPTIONS.c.payment_method, CUSTOMERS.c.payment_method)
    month, year = method["exp_month"].as_integer(), method["exp_year"].as_integer()
    query = (
        select(
            SUBSCRIPTIONS.c.id.label("subscription_id"),
            CUSTOMERS.c.organization_id,
            method["brand"].astext.label("brand"),
            method["last4"].astext.label("last4"),
            month.label("exp_month"),
            year.label("exp_year"),
        )
        .join(CUSTOMERS, CUSTOMERS.c.id == SUBSCRIPTIONS.c.customer_id)
        .where(SUBSCRIPTIONS.c.status.in_(statuses), year * 12 + month <= until.year * 12 + until.month)
    )
    return list((await tx.connection.execute(query)).mappings())


async def find_standing(tx: Tx, organization_id: UUID) -> Standing:
    """Return what the organization was last told it may use."""
    table = BILLING_STANDINGS.c
    query = select(table.plan, table.period_start, table.period_end, table.addons)
    row = (await tx.connection.execute(query.where(table.organization_id == organization_id))).one_or_none()
    return Standing() if row is None else Standing(row.plan, row.period_start, row.period_end, row.addons)


async def save_standing(tx: Tx, organization_id: UUID, standing: Standing) -> None:
    """Note what the organization is told it may use."""
    values = {**asdict(standing), "changed_at": tx.now}
    fresh = upsert(BILLING_STANDINGS).values(organization_id=organization_id, **values)
    await tx.connection.execute(fresh.on_conflict_do_update(index_elements=["organization_id"], set_=values))


def _subscription(row: Mapping[Any, Any], organization_id: UUID, addons: Sequence[HeldAddon]) -> Subscription:
    apart = {"payment_method", "organization_id", "pending", "discount", "pause", "addons"}
    same = {name: row[name] for name in Subscription.__dataclass_fields__ if name not in apart}
    method = row["payment_method"]
    return Subscription(
        **same,
        organization_id=organization_id,
        payment_method=PaymentMethod(**method) if method else None,
        pending=_pending(row),
        discount=discount_from_json(row["discount"]),
        pause=Pause(row["pause_behavior"], row["paused_until"]) if row["pause_behavior"] else None,
        addons=tuple(addons),
    )


def _pending(row: Mapping[Any, Any]) -> PendingChange | None:
    if row["pending_at"] is None:
        return None
    names = ("pending_plan", "pending_price_id", "pending_quantity", "pending_at", "pending_code_id")
    return PendingChange(*(row[name] for name in names))
