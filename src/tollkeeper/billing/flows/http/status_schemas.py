"""The state of a subscription as the addresses of billing show it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel

from tollkeeper.billing.flows.model import PaymentStanding, PaymentState
from tollkeeper.billing.subscriptions import Status

from .amounts import RunningDiscountOut


class PendingChangeOut(BaseModel):
    """What the subscription becomes at `at`; `plan` is null for a price that is not in the catalogue.

    `addons` is how many units of each add-on it then has, by key.
    """

    plan: str | None
    interval: str | None
    quantity: int
    addons: dict[str, int]
    at: datetime


class PaymentStandingOut(BaseModel):
    """Where the subscription stands with its payments.

    `state`: `current`, nothing is owed too long; `processing`, a payment is on its way; `grace`, one failed and the
    plan may still be used; `restricted`, it may not until it is paid. `since` is when the invoice was made that this is
    about, `next_step_at` when the next step of the schedule is due. `requires_action`: the customer must confirm the
    payment; `pay_url` is where that, or paying otherwise, is done. Null where there is no such thing.
    """

    state: PaymentState
    since: datetime | None
    next_step_at: datetime | None
    requires_action: bool
    pay_url: str | None

    @classmethod
    def of(cls, found: PaymentStanding) -> Self:
        """Show where payments stand."""
        return cls(
            state=found.state,
            since=found.since,
            next_step_at=found.next_step_at,
            requires_action=found.requires_action,
            pay_url=found.pay_url,
        )


class StatusOut(BaseModel):
    """The plan that may be used now, and the subscription behind it. Times are null where they do not apply.

    `withheld` tells why the plan of a subscription that would give it may not be used: `dunning`, `dispute`.
    `paused`: collecting rests, until `paused_until`; null: until it is taken back.
    """

    plan: str
    status: str
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    trial_end: datetime | None
    quantity: int | None
    addons: dict[str, int]
    pending_change: PendingChangeOut | None
    discount: RunningDiscountOut | None
    payment: PaymentStandingOut
    withheld: list[str]
    paused: bool
    paused_until: datetime | None

    @classmethod
    def of(cls, found: Status, payment: PaymentStanding, intervals: Mapping[UUID, str]) -> Self:
        """Show a status and where its payments stand; `intervals` tells that of each price."""
        subscription = found.subscription
        pending = subscription.pending if subscription else None
        return cls(
            plan=found.plan,
            status=found.status,
            current_period_start=found.current_period_start,
            current_period_end=found.current_period_end,
            cancel_at_period_end=found.cancel_at_period_end,
            trial_end=found.trial_end,
            quantity=subscription.quantity if subscription else None,
            addons=subscription.units() if subscription else {},
            pending_change=PendingChangeOut(
                plan=pending.plan,
                interval=intervals.get(pending.price_id) if pending.price_id else None,
                quantity=pending.quantity,
                addons=subscription.pending_units() if subscription else {},
                at=pending.at,
            )
            if pending
            else None,
            discount=RunningDiscountOut.of(found.discount) if found.discount else None,
            payment=PaymentStandingOut.of(payment),
            withheld=subscription.withheld.split(",") if subscription and subscription.withheld else [],
            paused=subscription is not None and subscription.pause is not None,
            paused_until=subscription.pause.until if subscription and subscription.pause else None,
        )
