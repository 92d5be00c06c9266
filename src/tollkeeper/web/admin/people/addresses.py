"""Where people and organizations are, and reading who is meant."""

from uuid import UUID

from tollkeeper.identity.staff import PersonNotFoundError
from tollkeeper.kit import id_or
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
    return id_or(text, OrganizationNotFoundError)


def person_meant(text: str) -> UUID:
    """Return the id in an address.

    Raises:
        PersonNotFoundError: it is none.
    """
    return id_or(text, PersonNotFoundError)
