"""Use cases of finding."""

from collections.abc import Sequence

from tollkeeper.billing.provider import account_of
from tollkeeper.infra import Tx

from . import store
from .model import Found


async def things_called(tx: Tx, text: str, *, limit: int) -> Sequence[Found]:
    """Return what the provider calls so, customers to disputes, and invoices of this number.

    At most `limit` of each kind.
    """
    return await store.find(tx, account_of(tx.runtime), text, limit=limit)
