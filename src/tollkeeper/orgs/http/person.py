"""The person who calls, for addresses that are about one."""

from uuid import UUID

from tollkeeper.kit import Actor
from tollkeeper.orgs.model import PersonNeededError


def person_of(actor: Actor) -> UUID:
    """Return the id of the person who calls.

    Raises:
        PersonNeededError: a key calls.
    """
    if actor.user_id is None:
        raise PersonNeededError
    return actor.user_id
