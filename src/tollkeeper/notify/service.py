"""Use cases of notify."""

import json
from typing import Any

from tollkeeper.infra import Tx
from tollkeeper.kit import new_id

from .jobs import deliver, seal_of


async def send_mail(tx: Tx, *, to: str, template: str, **data: Any) -> None:
    """Have a mail sent once this transaction has committed.

    Args:
        tx: the transaction that wants it.
        to: the address, normalised.
        template: the name its templates share.
        data: what they are filled with: JSON values, moments as ISO 8601 text.
    """
    mail = {"id": str(new_id()), "to": to, "template": template, "data": data, "wanted_at": tx.now.isoformat()}
    await tx.defer(deliver, mail=seal_of(tx.runtime).close(json.dumps(mail).encode()))
