"""Where people and organizations are, and reading who is meant."""

from uuid import UUID

from tollkeeper.identity.staff import PersonNotFoundError
from tollkeeper.kit import parse_id
from tollkeeper.orgs import OrganizationNotFoundError

ORGANIZATIONS = "/admin/organizations"
PEOPLE = "/admin/people"
ORGANIZATION = ORGANIZATIONS + "/{organization_id}"
PERSON = PEOPLE + "/{person_id}"


def organization_meant(text: str) -> UUID:
    """Return the id in an address.

    Raises:
        OrganizationNotFoundError: it is none.
    """
    found = parse_id(text)
    if found is None:
        raise OrganizationNotFoundError
    return found


def person_meant(text: str) -> UUID:
    """Return the id in an address.

    Raises:
        PersonNotFoundError: it is none.
    """
    found = parse_id(text)
    if found is None:
        raise PersonNotFoundError
    return found
