"""Use cases of proofs by mail."""

from datetime import timedelta
from uuid import UUID

from tollkeeper.identity.elsewhere import unlink_all
from tollkeeper.identity.factors import remove_factors
from tollkeeper.identity.guessing import forget_devices, forget_guesses
from tollkeeper.identity.logins import close_logins
from tollkeeper.identity.model import EmailTakenError, User
from tollkeeper.identity.service import get_user
from tollkeeper.infra import Tx, digest, make_secret
from tollkeeper.kit import Actor
from tollkeeper.notify import send_mail

from . import store
from .model import (
    LIVES,
    MAX_AN_HOUR,
    SENT_TWICE,
    AccountReclaimed,
    EmailUnverifiedError,
    LinkEndedError,
    MailProof,
    Purpose,
)


async def must_be_verified(tx: Tx, user_id: UUID) -> None:
    """Refuse somebody whose address is not proved.

    Raises:
        EmailUnverifiedError: it is not.
    """
    if (await get_user(tx, user_id)).verified_at is None:
        raise EmailUnverifiedError


async def mail_link(tx: Tx, user: User, purpose: Purpose, *, template: str, to: str | None = None) -> None:
    """Send somebody a link; `to` None: to the address they have. More than a few an hour are passed over in silence."""
    if await store.sent_since(tx, user.id, purpose, tx.now - timedelta(hours=1)) >= MAX_AN_HOUR:
        return
    token, address = make_secret(), to or user.email
    expires_at = tx.now + LIVES[purpose]
    await store.add(tx, MailProof(digest(token), user.id, purpose, address, tx.now, expires_at))
    await send_mail(
        tx,
        to=address,
        template=template,
        token=token,
        name=user.name,
        email=address,
        old_email=user.email,
        expires_at=expires_at.isoformat(),
    )


async def send_verification_to(tx: Tx, email: str) -> None:
    """Send the link that proves this address, to whoever has it and has not proved it."""
    user = await store.user_by_email(tx, email)
    if user is not None and user.verified_at is None:
        await mail_link(tx, user, Purpose.VERIFY, template="verify_email")


async def send_reset_to(tx: Tx, email: str) -> None:
    """Send whoever has this address the link by which a new password is chosen."""
    user = await store.user_by_email(tx, email)
    if user is not None:
        await mail_link(tx, user, Purpose.RESET, template="password_reset")


async def tell_registered_already(tx: Tx, email: str) -> None:
    """Tell whoever has this address that somebody wanted to register it, with a link to choose a new password."""
    user = await store.user_by_email(tx, email)
    if user is not None:
        await mail_link(tx, user, Purpose.RESET, template="registered_already")


async def register_again(tx: Tx, email: str) -> None:
    """Tell whoever has this address that somebody wanted to register it, as `tell_registered_already` does.

    While nobody has proved it, either of the two may hold it. So the password of who came first counts no more, but for
    what is sent twice within minutes: else the second would prove the address for the first.
    """
    user = await store.user_by_email(tx, email)
    if user is not None and user.verified_at is None and user.created_at + SENT_TWICE <= tx.now:
        await store.set_password(tx, user.id, None)
        await tx.record("user.password_withdrawn", target=("user", user.id))
    await tell_registered_already(tx, email)


async def send_move_to(tx: Tx, user_id: UUID, email: str) -> None:
    """Send the link that gives somebody this address, and tell the old one. Where it is taken, its owner is told."""
    user = await get_user(tx, user_id)
    if await store.user_by_email(tx, email) is not None:
        await tell_registered_already(tx, email)
        return
    await mail_link(tx, user, Purpose.MOVE, template="move_email", to=email)
    await send_mail(tx, to=user.email, template="email_moving", name=user.name, new_email=email)


async def check_link(tx: Tx, token: str, *purposes: Purpose) -> MailProof:
    """Return what a link is good for, without using it up.

    Raises:
        LinkEndedError: it is no longer good, or for something else.
    """
    proof = await store.find(tx, digest(token))
    if proof is None or proof.purpose not in purposes or proof.expires_at <= tx.now:
        raise LinkEndedError
    return proof


async def note_address_proved(tx: Tx, user: User) -> None:
    """Note that somebody brought what was sent to their present address, and nowhere else."""
    if await store.verify(tx, user.id):
        await tx.record("user.verified", target=("user", user.id), by=user.id, after={"email": user.email})


async def follow_address_link(tx: Tx, token: str) -> User:
    """Prove an address by the link that was sent there; one that is to replace the old address does so.

    Raises:
        LinkEndedError: it is no longer good.
        EmailTakenError: somebody has taken the new address meanwhile.
    """
    proof = await _take(tx, token, Purpose.VERIFY, Purpose.MOVE)
    user = await get_user(tx, proof.user_id)
    target = ("user", user.id)
    if proof.purpose is Purpose.VERIFY:
        if proof.email != user.email:  # it was moved meanwhile
            raise LinkEndedError
        await note_address_proved(tx, user)
        return await get_user(tx, user.id)
    if not await store.move(tx, user.id, proof.email):
        raise EmailTakenError
    await store.withdraw(tx, user.id)  # links sent to the old address act for it no more
    before, after = {"email": user.email}, {"email": proof.email}
    await tx.record("user.moved", target=target, by=user.id, before=before, after=after)
    await send_mail(tx, to=user.email, template="email_moved", name=user.name, new_email=proof.email)
    return await get_user(tx, user.id)


async def follow_reset_link(tx: Tx, token: str, password_hash: str) -> User:
    """Give whoever follows a link for it a new password. Every login of theirs ends, and the address is proved.

    Where it was not before, anybody can have made the account: no way in stays that they left open for themselves.

    Raises:
        LinkEndedError: it is no longer good.
    """
    proof = await _take(tx, token, Purpose.RESET)
    user = await get_user(tx, proof.user_id)
    is_reclaimed = proof.email == user.email and await store.verify(tx, user.id)
    await set_password(tx, user, password_hash, keep=None, by_mail=True, is_reclaimed=is_reclaimed)
    if is_reclaimed:
        await remove_factors(tx, user.id, why="because your address had not been verified before")
        await unlink_all(tx, user.id)
        await tx.emit(AccountReclaimed(user_id=user.id))
    await forget_guesses(tx, user.email)
    await forget_devices(tx, user.id)
    return await get_user(tx, user.id)


async def set_password(
    tx: Tx,
    user: User,
    password_hash: str,
    *,
    keep: Actor | None,
    by_mail: bool = False,
    is_reclaimed: bool = False,
) -> None:
    """Let somebody log in by this password alone from now on, end their logins but the caller's own, and tell them.

    `is_reclaimed`: the address was not verified before, so more ends than logins, which the mail says.
    """
    await store.set_password(tx, user.id, password_hash)
    await store.withdraw(tx, user.id)
    ended = await close_logins(tx, user.id, keep=keep)
    after = {"by": "mail" if by_mail else "login", "logins_ended": ended}
    if is_reclaimed:
        after["reclaimed"] = True
    await tx.record("user.password_changed", target=("user", user.id), after=after, by=user.id)
    told = {"name": user.name, "changed_at": tx.now.isoformat(), "is_reclaimed": is_reclaimed}
    await send_mail(tx, to=user.email, template="password_changed", **told)


async def _take(tx: Tx, token: str, *purposes: Purpose) -> MailProof:
    await check_link(tx, token, *purposes)
    proof = await store.take(tx, digest(token))
    if proof is None:
        raise LinkEndedError
    return proof
