"""What the provider tells of people after they were deleted."""

import json
import re
from uuid import UUID

from tollkeeper.billing.flows import store
from tollkeeper.identity import erased_among
from tollkeeper.infra import Tx

_ADDRESS = re.compile(r"[^\s\"'<>(),:;@\\\[\]{}]+@[^\s\"'<>(),:;@\\\[\]{}]+")


async def forget_the_gone(tx: Tx, event_id: UUID, body: bytes) -> None:
    """Empty the body of an event that is done with when it holds the address of somebody deleted.

    Having the provider forget a person makes it tell us of the change, with the name and address there were before.
    """
    said = json.dumps(json.loads(body), ensure_ascii=False).lower()
    if (addresses := set(_ADDRESS.findall(said))) and await erased_among(tx, addresses):
        await store.empty_body(tx, event_id)
