"""What can be asked of the payment provider about coupons, codes and trials."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from .offers import CodeOffer, CouponOffer
from .values import Preview, SubscriptionState


class OffersAtProvider(Protocol):
    """Discounts and trials. Every call may raise the errors of the port."""

    async def save_coupon(self, offer: CouponOffer) -> None:
        """Create the coupon, or give the one made before its name."""
        ...

    async def drop_coupon(self, coupon_id: UUID) -> None:
        """Let nobody redeem the coupon any more; who has it keeps it. Without such a coupon nothing changes."""
        ...

    async def save_code(self, offer: CodeOffer) -> str:
        """Create the promotion code or find the one made before; returns the provider's id.

        Raises:
            ProviderStateError: somebody else made an active code of the same text there.
        """
        ...

    async def drop_code(self, provider_code: str) -> None:
        """Let nobody redeem the code any more."""
        ...

    async def code_holds(self, provider_code: str) -> bool:
        """Whether the code can still be redeemed by somebody: it has neither expired nor been used up."""
        ...

    async def set_discount(self, subscription_id: str, code: str | None, *, idempotency_key: str) -> None:
        """Have exactly this code lower the subscription's invoices from the next one on; None: nothing.

        Raises:
            PromotionCodeError: the provider does not take it for this customer.
        """
        ...

    async def preview_next(self, subscription: SubscriptionState, code: str | None, *, at: datetime) -> Preview:
        """Return what the subscription's next invoice will be, with this code in place of what lowers it now; None:
        with nothing that lowers it.

        Raises:
            PromotionCodeError: the provider does not take it for this customer.
        """
        ...

    async def end_trial(self, subscription_id: str, *, idempotency_key: str) -> None:
        """End the trial now and collect the first period, or change nothing.

        Raises:
            PaymentFailedError: it could not be collected.
        """
        ...

    async def extend_trial(self, subscription_id: str, until: datetime, *, idempotency_key: str) -> None:
        """Have the trial end then; periods count from there."""
        ...

    async def extend_period(self, subscription_id: str, until: datetime, *, idempotency_key: str) -> None:
        """Have the paid period end then, for nothing; periods count from there. See `extended_until` of its state."""
        ...

    async def wake_subscription(self, subscription_id: str, *, idempotency_key: str) -> None:
        """Let a subscription that rests since its trial begin a period, once that is paid."""
        ...
