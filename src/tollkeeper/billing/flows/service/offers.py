"""Promotion codes on running subscriptions."""

from uuid import UUID

from tollkeeper.billing.flows.model import ChangeAt, ChangeToComeError, PreviewedChange
from tollkeeper.billing.provider import provider_of
from tollkeeper.billing.subscriptions import Subscription
from tollkeeper.infra import Tx

from .changes import costs_nothing, live_subscription, mirrored, refuse_discount
from .selling import code_for_subscription


async def apply_promotion(tx: Tx, organization_id: UUID, text: str, *, idempotency_key: str) -> Subscription:
    """Have a promotion code lower the subscription's invoices from the next one on, in place of what lowers them now.

    Raises:
        PromotionCodeError: there is none, or it is not for this subscription.
        ChangeToComeError: a change is to come when the period ends, which would take the discount along.
        NoInvoiceToComeError: the subscription ends before its next invoice.
        NoCustomerError, NoSubscriptionError: there is nothing to lower.
    """
    state = await live_subscription(tx, organization_id)
    refuse_discount(state)
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
        if state.pending is not None:
            raise ChangeToComeError
        await provider_of(tx.runtime).set_discount(state.id, None, idempotency_key=idempotency_key)
    return await mirrored(tx, organization_id, state, cause="promotion taken away")


async def preview_promotion(tx: Tx, organization_id: UUID, text: str | None) -> PreviewedChange:
    """Return what the next invoice will be with a promotion code in place of what lowers it now; nothing is due before.
    `text` None: with nothing that lowers it. Changes nothing.

    Raises:
        PromotionCodeError, ChangeToComeError, NoInvoiceToComeError, NoCustomerError, NoSubscriptionError: as
            `apply_promotion`.
    """
    state = await live_subscription(tx, organization_id)
    refuse_discount(state)
    code = None if text is None else await code_for_subscription(tx, state, text)
    coming = await provider_of(tx.runtime).preview_next(state, code, at=tx.now)
    nothing = costs_nothing(state, coming.due_now.currency, at=tx.now)
    return PreviewedChange(ChangeAt.PERIOD_END, state.period_end or tx.now, nothing, coming)
