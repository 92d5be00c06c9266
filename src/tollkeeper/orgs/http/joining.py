"""Registering by an invitation, from what was typed to what is committed, for the API and the page alike."""

from tollkeeper.identity import PasswordHasher, check_registration
from tollkeeper.infra import Runtime
from tollkeeper.orgs.invitations import accept_as_new, read_letter
from tollkeeper.orgs.model import Client, SignedIn
from tollkeeper.orgs.service import sign_in
from tollkeeper.orgs.sign_on import must_allow_password


async def join_by_invitation(
    runtime: Runtime, *, token: str, password: str, name: str | None, client: Client
) -> SignedIn:
    """Register whom an invitation was sent to, let them join, and log them in there.

    Raises:
        InvitationNotFoundError: the token is none, or no longer good; no password is hashed for it.
        SsoRequiredError: the domain of the address logs in over its own issuer.
        InvalidInputError: naming every field that is wrong.
        EmailTakenError: the address has an account; its owner logs in and accepts.
        QuotaExceededError: the plan has no seat left.
        LoginBusyError: too many passwords are being hashed.
    """
    async with runtime.transaction() as tx:
        letter = await read_letter(tx, token)
        await must_allow_password(tx, letter.invitation.email)
    wanted = check_registration(letter.invitation.email, password, name)
    password_hash = await runtime.part(PasswordHasher).hash(wanted.password)
    async with runtime.transaction() as tx:
        user, member = await accept_as_new(tx, token, name=wanted.name, password_hash=password_hash)
        return await sign_in(tx, user.id, client, organization_id=member.organization_id)
