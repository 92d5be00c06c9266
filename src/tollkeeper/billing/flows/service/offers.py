"""Promotion codes on running subscriptions."""

from uuid import UUID

from tollkeeper.billing.flows.model import ChangeAt, ChangeToComeError, PreviewedChange
from tollkeeper.billing.provider import Preview, SubscriptionState, provider_of
from tollkeeper.billing.subscriptions import Subscription
from tollkeeper.infra import Tx
from tollkeeper.kit import Money

from .changes import live_subscription, mirrored
from .selling import code_for_subscription


async def apply_promotion(tx: Tx, organization_id: UUID, text: str, *, idempotency_key: str) -> Subscription:
    """Have a promotion code lower the subscription's invoices from the next one on, in place of what lowers them now.

    Raises:
        PromotionCodeError: there is none, or it is not for this subscription.
        ChangeToComeError: a change is to come when the period ends, which would take the discount along.
        NoCustomerError, NoSubscriptionError: there is nothing to lower.
    """
    state = await live_subscription(tx, organization_id)
    _refuse_with_change(state)
    code = await code_for_subscription(tx, state, text)
    await provider_of(tx.runtime).set_discount(state.id, code, idempotency_key=idempotency_key)
    return await mirrored(tx, organization_id, state, cause="promotion code")


async def remove_promotion(tx: Tx, organization_id: UUID, *, idempotency_key: str) -> Subscription:
    """Let nothing lower the subscription's invoices any more; without a discount nothing changes.

    Raises:
        ChangeToComeError, NoCustomerError, NoSubscriptionError: as `apply_promotion`.
    """
    state = await live_subscription(tx, organization_id)
    if state.discount is not None:
        _refuse_with_change(state)
        await provider_of(tx.runtime).set_discount(state.id, None, idempotency_key=idempotency_key)
    return await mirrored(tx, organization_id, state, cause="promotion taken away")


async def preview_promotion(tx: Tx, organization_id: UUID, text: str) -> PreviewedChange:
    """Return what the next invoice will be with a promotion code; nothing is due before. Changes nothing.

    Raises:
        PromotionCodeError, NoCustomerError, NoSubscriptionError: as `apply_promotion`.
    """
    state = await live_subscription(tx, organization_id)
    code = await code_for_subscription(tx, state, text)
    coming = await provider_of(tx.runtime).preview_next(state, code, at=tx.now)
    balance = state.customer.balance if state.customer else 0
    currency = coming.due_now.currency
    nothing = Preview(tx.now, Money(0, currency), Money(balance, currency), ())
    return PreviewedChange(ChangeAt.PERIOD_END, state.period_end or tx.now, nothing, coming)


def _refuse_with_change(state: SubscriptionState) -> None:
    if state.pending is not None:
        raise ChangeToComeError
