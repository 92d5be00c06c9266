"""How much long work runs at once: a lease while it runs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from .calls import Call, new_key
from .model import ApiError

T = TypeVar("T")

TTL_SECONDS = 60

Send = Callable[[Call[T]], T]
SendLater = Callable[[Call[T]], Awaitable[T]]


class Lease(msgspec.Struct, frozen=True):
    """The right to do a piece of work until `expires_at`, unless it is renewed before."""

    id: str
    name: str
    taken_at: datetime
    expires_at: datetime


def take(name: str, ttl: int, customer: str | None) -> Call[Lease]:
    """Begin a piece of work."""
    body = {"name": name, "ttl_seconds": ttl} | ({"customer": customer} if customer else {})
    return Call("POST", "/api/leases", Lease, body, headers={"Idempotency-Key": new_key()})


def renew(lease: Lease, ttl: int, customer: str | None) -> Call[Lease]:
    """Go on with it."""
    body = {"ttl_seconds": ttl} | ({"customer": customer} if customer else {})
    return Call("POST", f"/api/leases/{quote(lease.id, safe='')}/renew", Lease, body)


def give_back(lease: Lease, customer: str | None) -> Call[None]:
    """End it."""
    query = {"customer": customer} if customer else None
    return Call("DELETE", f"/api/leases/{quote(lease.id, safe='')}", None, query=query)


class Held:
    """A lease while it is held. Renew it before its time is over, as often as the work needs."""

    def __init__(self, send: Send[Lease], lease: Lease, ttl: int, customer: str | None) -> None:
        self._send = send
        self._ttl = ttl
        self._customer = customer
        self.lease = lease

    def renew(self) -> None:
        """Hold it for the same time from now.

        Raises:
            ApiError: `lease_not_found`: its time was over, and its place may be another's by now.
        """
        self.lease = self._send(renew(self.lease, self._ttl, self._customer))


class HeldAsync:
    """See Held."""

    def __init__(self, send: SendLater[Lease], lease: Lease, ttl: int, customer: str | None) -> None:
        self._send = send
        self._ttl = ttl
        self._customer = customer
        self.lease = lease

    async def renew(self) -> None:
        """See Held.renew."""
        self.lease = await self._send(renew(self.lease, self._ttl, self._customer))


@contextmanager
def holding(send: Send[Lease], end: Send[None], name: str, ttl: int, customer: str | None) -> Iterator[Held]:
    """Hold a lease while inside. One that cannot be given back ends by itself."""
    held = Held(send, send(take(name, ttl, customer)), ttl, customer)
    try:
        yield held
    finally:
        with suppress(ApiError):
            end(give_back(held.lease, customer))


@asynccontextmanager
async def holding_async(
    send: SendLater[Lease], end: SendLater[None], name: str, ttl: int, customer: str | None
) -> AsyncIterator[HeldAsync]:
    """See holding."""
    held = HeldAsync(send, await send(take(name, ttl, customer)), ttl, customer)
    try:
        yield held
    finally:
        with suppress(ApiError):
            await end(give_back(held.lease, customer))
