"""Background work of leaving."""

from uuid import UUID

import structlog

from tollkeeper.identity import Deletion
from tollkeeper.infra import Job, Tx, job

from . import service

log = structlog.get_logger(__name__)

_MOST = 1000


@job("orgs.delete_person")
async def delete_person(tx: Tx, *, user_id: str) -> None:
    """Delete one person whose days of grace are over."""
    if await service.delete_person(tx, UUID(user_id)):
        log.info("a person was deleted", user_id=user_id)


@job("orgs.delete_people", cron="7 * * * *")
async def delete_people(tx: Tx) -> None:
    """Have everybody deleted whose days of grace are over, each in a transaction of its own."""
    for user_id in await service.people_to_delete(tx, most=_MOST):
        await tx.defer(delete_person, lock=f"person:{user_id}", user_id=str(user_id))


async def ask_to_leave(tx: Tx, user_id: UUID) -> Deletion:
    """See `service.ask_to_leave`; where there are no days of grace, the deletion is begun at once."""
    wish = await service.ask_to_leave(tx, user_id)
    if wish.due_at <= tx.now:
        await tx.defer(delete_person, lock=f"person:{user_id}", user_id=str(user_id))
    return wish


jobs: list[Job] = [delete_person, delete_people]
