"""Use cases of taking an account over."""

from contextlib import suppress

from tollkeeper.identity import revoke_keys_made_by, revoke_keys_not_made_by
from tollkeeper.identity.mailed import AccountReclaimed
from tollkeeper.infra import Tx
from tollkeeper.orgs.invitations import revoke_sent_by
from tollkeeper.orgs.sign_on import ConnectionNotFoundError, remove_connection
from tollkeeper.orgs.teams import hold_still, memberships_of, roles_in


async def on_account_reclaimed(tx: Tx, event: AccountReclaimed) -> None:
    """End what whoever made the account left in its organizations: keys, invitations, an issuer that lets people in."""
    for organization_id in await memberships_of(tx, event.user_id):
        await hold_still(tx, organization_id)
        await revoke_sent_by(tx, organization_id, event.user_id)
        roles = await roles_in(tx, organization_id)
        if roles.pop(event.user_id).is_owner:
            # Not theirs alone: an owner can have given any key a new secret, and kept those of people who are gone.
            await revoke_keys_not_made_by(tx, roles.keys(), organization_id)
            with suppress(ConnectionNotFoundError):
                await remove_connection(tx, organization_id)
        else:
            await revoke_keys_made_by(tx, event.user_id, organization_id)
