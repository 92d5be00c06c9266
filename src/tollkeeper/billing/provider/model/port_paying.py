"""What can be asked of the payment provider about pauses, beginning again, and payments under way."""

from datetime import datetime
from typing import Protocol

from .pauses import Pause, PaymentProgress
from .paying import SubscribeWish
from .values import Preview, PriceAtProvider, SubscriptionState


class PayingProvider(Protocol):
    """The part of the provider that rests, begins again, and tells how a payment is getting on."""

    async def pause_collection(self, subscription_id: str, pause: Pause) -> None:
        """Let collecting rest; a pause that runs already becomes this one."""
        ...

    async def unpause_collection(self, subscription_id: str) -> None:
        """Collect again from now on; nothing is charged by it."""
        ...

    async def restart_cycle(self, subscription_id: str, *, must_pay: bool, idempotency_key: str) -> None:
        """Collect again, and begin a new full period now, charged at once; what was not paid is not credited.

        `must_pay`: nothing changes unless the payment succeeds; else an unpaid invoice is left to be collected.
        """
        ...

    async def preview_restart(self, subscription: SubscriptionState, *, at: datetime) -> Preview:
        """Return what `restart_cycle` would cost; changes nothing."""
        ...

    async def subscribe(self, wish: SubscribeWish) -> str:
        """Begin a subscription, charged at once; returns its id. Where the payment is declined nothing is left over."""
        ...

    async def preview_subscribe(
        self, customer_id: str, price: PriceAtProvider, quantity: int, *, at: datetime
    ) -> Preview:
        """Return what beginning a subscription would cost now; changes nothing."""
        ...

    async def retry_invoice(self, invoice_id: str) -> None:
        """Try once more to collect an open invoice, now; PaymentFailedError where the payment is declined."""
        ...

    async def payment_progress(self, invoice_id: str) -> PaymentProgress:
        """Tell where the payment of an open invoice stands."""
        ...
