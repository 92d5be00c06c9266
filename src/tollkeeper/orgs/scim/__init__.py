"""Provisioning by SCIM 2.0 (RFC 7643, 7644): a directory outside says who belongs to an organization, and as what.

Owns: SCIM's words for members and roles: filters, patches, versions; what a directory calls them (`externalId`).
Does not own: memberships (teams), roles (roles), domains (sign_on).
Invariants: a user is a member and a group is a role, so that the two never disagree; only addresses of domains the
organization holds come in; an `externalId` names one user and one group of an organization; owners are beyond a
directory's reach, and a person who provisions reaches no further than their role; what people say of themselves stays
theirs.
"""

from .describing import one_of, resource_types, schemas
from .model import (
    Change,
    ScimChangedError,
    ScimForeignDomainError,
    ScimInvalidError,
    ScimNotFoundError,
    ScimTakenError,
    ScimUnprovenError,
)
from .rules import (
    GROUP,
    MAX_CHANGES,
    MAX_EXTERNAL_ID,
    MAX_PAGE,
    USER,
    Json,
    external_id_after,
    fits,
    group_resource,
    members_after,
    page_of,
    read_active,
    read_changes,
    read_external_id,
    read_filter,
    user_resource,
    wanted_active,
)
from .service import (
    call_group,
    call_user,
    deprovision,
    every_role,
    everybody,
    give_role,
    member_by_id,
    names_of_groups,
    names_of_users,
    provision,
    reach_of,
    role_by_id,
    set_active,
)

__all__ = [
    "GROUP",
    "MAX_CHANGES",
    "MAX_EXTERNAL_ID",
    "MAX_PAGE",
    "USER",
    "Change",
    "Json",
    "ScimChangedError",
    "ScimForeignDomainError",
    "ScimInvalidError",
    "ScimNotFoundError",
    "ScimTakenError",
    "ScimUnprovenError",
    "call_group",
    "call_user",
    "deprovision",
    "every_role",
    "everybody",
    "external_id_after",
    "fits",
    "give_role",
    "group_resource",
    "member_by_id",
    "members_after",
    "names_of_groups",
    "names_of_users",
    "one_of",
    "page_of",
    "provision",
    "reach_of",
    "read_active",
    "read_changes",
    "read_external_id",
    "read_filter",
    "resource_types",
    "role_by_id",
    "schemas",
    "set_active",
    "user_resource",
    "wanted_active",
]
