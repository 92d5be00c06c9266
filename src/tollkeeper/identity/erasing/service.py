"""Use cases of leaving. Who may leave is for organizations to say; what is forgotten, for each domain."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from tollkeeper.identity.guessing import forget_guesses
from tollkeeper.identity.store import user as find_user
from tollkeeper.infra import Tx, erase_from_trail
from tollkeeper.notify import send_mail

from . import store
from .model import Deletion, Erasure, PersonErased
from .rules import email_digest, plan_deletion


async def ask_for_deletion(tx: Tx, user_id: UUID) -> Deletion:
    """Note that the person wants to be deleted, once the days of grace are over; asking twice changes nothing."""
    grace = timedelta(days=tx.runtime.settings.deletion_days)
    planned = plan_deletion(user_id, tx.now, grace=grace)
    await store.add_deletion(tx, planned)
    return await store.deletion_of(tx, user_id) or planned


async def find_deletion(tx: Tx, user_id: UUID) -> Deletion | None:
    """Return the person's wish to be deleted; None when there is none."""
    return await store.deletion_of(tx, user_id)


async def keep_account(tx: Tx, user_id: UUID) -> bool:
    """Take the wish back; False when there was none."""
    return await store.remove_deletion(tx, user_id)


async def due_deletions(tx: Tx, *, most: int) -> Sequence[UUID]:
    """Return who is to be deleted by now, at most so many."""
    return await store.due_deletions(tx, tx.now, most=most)


async def erase_person(tx: Tx, user_id: UUID) -> bool:
    """Delete a person who asked for it, everywhere; False when they took it back or it is not due.

    What was bought and paid for stays, without them: it is the organization's, and the law wants it kept.
    """
    wish = await store.lock_deletion(tx, user_id)
    user = await find_user(tx, user_id)
    if wish is None or user is None or wish.due_at > tx.now:
        return False
    await forget_guesses(tx, user.email)
    await tx.emit(PersonErased(user_id=user_id, email=user.email))
    digest = email_digest(tx.runtime.settings, user.email)
    await store.remove_user(tx, user_id)
    await store.add_erasure(tx, Erasure(user_id, digest, wish.requested_at, tx.now))
    await send_mail(tx, to=user.email, template="account_deleted", name=user.name)
    await tx.record("person.deleted", target=("user", user_id))
    await erase_from_trail(tx, user_id, user.email)  # last: what was recorded just now tells of them, too
    return True


async def be_due_now(tx: Tx, user_id: UUID) -> None:
    """Have the person be deleted without days of grace: the operator was asked for it, and knows who asked."""
    await store.remove_deletion(tx, user_id)
    await store.add_deletion(tx, plan_deletion(user_id, tx.now, grace=timedelta()))


async def erased_among(tx: Tx, emails: Collection[str]) -> dict[str, UUID]:
    """Return which of these addresses belonged to people who were deleted, and to whom; not those somebody has now."""
    gone = set(emails) - await store.known_again(tx, emails)
    digests = {email_digest(tx.runtime.settings, email): email for email in gone}
    found = await store.erased_by_digest(tx, digests)
    return {digests[digest]: user_id for digest, user_id in found.items()}
