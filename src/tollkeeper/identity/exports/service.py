"""Use cases of data exports."""

from collections.abc import Sequence
from uuid import UUID

from tollkeeper.identity.rules import normalise_email
from tollkeeper.identity.store import credentials
from tollkeeper.identity.store import user as find_user
from tollkeeper.infra import Tx
from tollkeeper.kit import new_id
from tollkeeper.notify import send_mail

from . import store
from .model import EXPORT_LIFE, Export, ExportNotFoundError, ExportNotReadyError, PersonalData, PersonNotFoundError
from .rules import write_zip


async def plan_export(tx: Tx, user_id: UUID) -> tuple[Export, bool]:
    """Return the export that is to be made, and whether it is new: while one is being made there is no second.

    Of a person's exports only the newest is kept.
    """
    for before in await store.exports_of(tx, user_id, tx.now):
        if before.ready_at is None:
            return before, False
    await store.remove_exports(tx, user_id)
    planned = Export(new_id(), user_id, tx.now, None, tx.now + EXPORT_LIFE)
    await store.add_export(tx, planned)
    await tx.record("export.requested", target=("user", user_id))
    return planned, True


async def list_exports(tx: Tx, user_id: UUID) -> Sequence[Export]:
    """Return the person's exports that can be fetched or are being made, newest first."""
    return await store.exports_of(tx, user_id, tx.now)


async def export_file(tx: Tx, user_id: UUID, export_id: UUID) -> bytes:
    """Return the zip file of an export.

    Raises:
        ExportNotFoundError: it is not the person's, or its time is over.
        ExportNotReadyError: it is being made.
    """
    found = await store.content(tx, user_id, export_id, tx.now)
    if found is None:
        raise ExportNotFoundError
    if found[0] is None:
        raise ExportNotReadyError
    await tx.record("export.fetched", target=("user", user_id))
    return found[0]


async def export_of(tx: Tx, email: str) -> bytes:
    """Return everything that is held of the person with this address as a zip file, for the operator to hand out.

    Raises:
        PersonNotFoundError: nobody has the address.
    """
    known = await credentials(tx, normalise_email(email))
    if known is None:
        raise PersonNotFoundError
    await tx.record("export.handed_out", target=("user", known.user_id))
    return await _written(tx, known.user_id)


async def make_export(tx: Tx, export_id: UUID) -> None:
    """Gather what every domain holds of the person, keep it as a file and tell them; done once."""
    export = await store.export(tx, export_id)
    user = await find_user(tx, export.user_id) if export else None
    if export is None or user is None or export.ready_at is not None:
        return
    await store.finish(tx, export.id, await _written(tx, user.id))
    await send_mail(
        tx, to=user.email, template="export_ready", name=user.name, expires_at=export.expires_at.isoformat()
    )


async def _written(tx: Tx, user_id: UUID) -> bytes:
    files = await tx.runtime.part(PersonalData).collect(tx, user_id)
    return write_zip(files, site=tx.runtime.settings.seller_name or "Tollkeeper", now=tx.now)
