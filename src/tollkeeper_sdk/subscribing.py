"""Letting a subscription rest, coming back, and promotion codes: the calls, and how both clients make them."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TypeVar

from .calls import Call, given, of_customer, once
from .model import Preview, Returned, Subscription
from .retry import Retry

T = TypeVar("T")
_PATH = "/api/subscription"


def pause(until: datetime | None, customer: str | None) -> Call[Subscription]:
    """Let the subscription rest."""
    body = given(until=until.isoformat() if until else None, customer=customer)
    return Call("POST", f"{_PATH}/pause", Subscription, body)


def unpause(customer: str | None) -> Call[Subscription]:
    """Go on."""
    return Call("POST", f"{_PATH}/unpause", Subscription, given(customer=customer))


def preview_unpause(customer: str | None) -> Call[Preview]:
    """What going on would cost."""
    return Call("POST", f"{_PATH}/unpause/preview", Preview, given(customer=customer))


def reactivate(success_url: str | None, cancel_url: str | None, customer: str | None) -> Call[Returned]:
    """Begin the last plan anew."""
    body = given(success_url=success_url, cancel_url=cancel_url, customer=customer)
    return Call("POST", f"{_PATH}/reactivate", Returned, body, headers=once())


def preview_reactivate(customer: str | None) -> Call[Preview]:
    """What beginning the last plan anew would cost."""
    return Call("POST", f"{_PATH}/reactivate/preview", Preview, given(customer=customer))


def apply_promotion(code: str, customer: str | None) -> Call[Subscription]:
    """Have a code lower the invoices."""
    return Call("POST", f"{_PATH}/promotion", Subscription, given(code=code, customer=customer))


def preview_promotion(code: str | None, customer: str | None) -> Call[Preview]:
    """What the next invoice would be."""
    return Call("POST", f"{_PATH}/promotion/preview", Preview, given(code=code, customer=customer))


def remove_promotion(customer: str | None) -> Call[Subscription]:
    """Let nothing lower the invoices."""
    return Call("DELETE", f"{_PATH}/promotion", Subscription, query=of_customer(customer))


class Subscribing(ABC):
    """What a client does about subscriptions that rest, are over, or get a discount."""

    @abstractmethod
    def _send(self, call: Call[T], retry: Retry | None = None) -> T: ...

    def pause(self, *, until: datetime | None = None, customer: str | None = None) -> Subscription:
        """Let the subscription rest; `until` None: as long as may be, for operators until it is taken back."""
        return self._send(pause(until, customer))

    def preview_unpause(self, *, customer: str | None = None) -> Preview:
        """What going on after a pause would cost; changes nothing."""
        return self._send(preview_unpause(customer))

    def unpause(self, *, customer: str | None = None) -> Subscription:
        """Go on after a pause."""
        return self._send(unpause(customer))

    def preview_reactivate(self, *, customer: str | None = None) -> Preview:
        """What coming back to the last plan would cost; changes nothing."""
        return self._send(preview_reactivate(customer))

    def reactivate(
        self, *, success_url: str | None = None, cancel_url: str | None = None, customer: str | None = None
    ) -> Returned:
        """Begin the last plan anew, or get the page on which it can be bought."""
        return self._send(reactivate(success_url, cancel_url, customer))

    def preview_promotion(self, code: str | None, *, customer: str | None = None) -> Preview:
        """What the next invoice would be with a promotion code, None: without any; changes nothing."""
        return self._send(preview_promotion(code, customer))

    def apply_promotion(self, code: str, *, customer: str | None = None) -> Subscription:
        """Have a promotion code lower the invoices from the next one on, in place of what lowers them now."""
        return self._send(apply_promotion(code, customer))

    def remove_promotion(self, *, customer: str | None = None) -> Subscription:
        """Let nothing lower the invoices any more."""
        return self._send(remove_promotion(customer))


class AsyncSubscribing(ABC):
    """The same for asyncio."""

    @abstractmethod
    async def _send(self, call: Call[T], retry: Retry | None = None) -> T: ...

    async def pause(self, *, until: datetime | None = None, customer: str | None = None) -> Subscription:
        """See Tollkeeper.pause."""
        return await self._send(pause(until, customer))

    async def preview_unpause(self, *, customer: str | None = None) -> Preview:
        """See Tollkeeper.preview_unpause."""
        return await self._send(preview_unpause(customer))

    async def unpause(self, *, customer: str | None = None) -> Subscription:
        """See Tollkeeper.unpause."""
        return await self._send(unpause(customer))

    async def preview_reactivate(self, *, customer: str | None = None) -> Preview:
        """See Tollkeeper.preview_reactivate."""
        return await self._send(preview_reactivate(customer))

    async def reactivate(
        self, *, success_url: str | None = None, cancel_url: str | None = None, customer: str | None = None
    ) -> Returned:
        """See Tollkeeper.reactivate."""
        return await self._send(reactivate(success_url, cancel_url, customer))

    async def preview_promotion(self, code: str | None, *, customer: str | None = None) -> Preview:
        """See Tollkeeper.preview_promotion."""
        return await self._send(preview_promotion(code, customer))

    async def apply_promotion(self, code: str, *, customer: str | None = None) -> Subscription:
        """See Tollkeeper.apply_promotion."""
        return await self._send(apply_promotion(code, customer))

    async def remove_promotion(self, *, customer: str | None = None) -> Subscription:
        """See Tollkeeper.remove_promotion."""
        return await self._send(remove_promotion(customer))
