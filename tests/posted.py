"""Mails that wait for the worker, read as their receivers would."""

import json
from typing import Any

from sqlalchemy import text

from tollkeeper.infra import Runtime
from tollkeeper.notify.jobs import seal_of


async def posted(runtime: Runtime, to: str, template: str) -> list[dict[str, Any]]:
    """What the mails of this kind to this address are filled with, the oldest first."""
    waiting = text("select args ->> 'mail' from procrastinate_jobs where task_name = 'notify.deliver' order by id")
    async with runtime.transaction() as tx:
        sealed = list((await tx.connection.execute(waiting)).scalars())
    mails = [json.loads(seal_of(runtime).open(each) or b"{}") for each in sealed]
    return [each["data"] for each in mails if (each["to"], each["template"]) == (to, template)]
