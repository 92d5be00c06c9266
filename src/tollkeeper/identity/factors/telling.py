"""Telling people by mail what happened to their second factors: it may not have been them."""

from uuid import UUID

from tollkeeper.identity.store import user
from tollkeeper.infra import Tx
from tollkeeper.notify import send_mail


async def tell(tx: Tx, user_id: UUID, what: str) -> None:
    """Have a mail sent; `what` is a whole sentence in its middle."""
    person = await user(tx, user_id)
    if person is not None:
        told = {"name": person.name, "what": what, "at": tx.now.isoformat()}
        await send_mail(tx, to=person.email, template="factor_changed", **told)
