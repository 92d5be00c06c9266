"""Where a subscription stands with its payments."""

from tollkeeper.billing import dunning
from tollkeeper.billing.flows.model import PaymentStanding, PaymentState
from tollkeeper.billing.subscriptions import Subscription
from tollkeeper.infra import Tx


async def payment_standing(tx: Tx, subscription: Subscription | None) -> PaymentStanding:
    """Return where payments stand, from our own mirror; without a subscription nothing is owed.

    What failed is told before what is on its way: its schedule goes on until the money arrives.
    """
    case = await dunning.find_case(tx, subscription.id) if subscription else None
    if case is not None:
        state = PaymentState(case.state.value)
        return PaymentStanding(state, case.since, case.next_at, case.requires_action, case.page_url)
    if subscription is not None and subscription.processing_since is not None:
        return PaymentStanding(PaymentState.PROCESSING, subscription.processing_since)
    return PaymentStanding()
