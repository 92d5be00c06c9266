"""Pure decisions about roles."""

import re
from collections.abc import Collection

from tollkeeper.kit import ROLE_PERMISSIONS, FieldProblem, InvalidInputError, Permission, Role

from .model import RoleBeyondYoursError

MAX_KEY = 40
MAX_DESCRIPTION = 200
_KEY = re.compile(r"[a-z][a-z0-9_-]*")

GRANTABLE = ROLE_PERMISSIONS[Role.OWNER]
"""What a role may hold: all that a member can have, and nothing the operator keeps to itself."""


def check_role(*, key: str, description: str, permissions: Collection[Permission]) -> None:
    """Check what a role is made of; the name was checked by who read it.

    Raises:
        InvalidInputError: naming every field that is wrong.
    """
    problems = []
    if len(key) > MAX_KEY or not _KEY.fullmatch(key):
        message = f"must have 1 to {MAX_KEY} of a-z, 0-9, `-` and `_`, a letter first"
        problems.append(FieldProblem("key", message, "key"))
    if len(description) > MAX_DESCRIPTION:
        problems.append(FieldProblem("description", f"must have at most {MAX_DESCRIPTION} characters", "too_long"))
    if not permissions:
        problems.append(FieldProblem("permissions", "choose at least one", "missing"))
    beyond = sorted(set(permissions) - GRANTABLE)
    if beyond:
        message = f"{', '.join(beyond)} is for the operator alone"
        problems.append(FieldProblem("permissions", message, "not_grantable"))
    if problems:
        raise InvalidInputError(problems)


def must_cover(held: frozenset[Permission], wanted: Collection[Permission]) -> None:
    """Refuse to lend what one does not have.

    Raises:
        RoleBeyondYoursError: something is wanted that is not held.
    """
    beyond = sorted(set(wanted) - held)
    if beyond:
        raise RoleBeyondYoursError(f"You may not give {', '.join(beyond)}, which you do not have.", beyond=beyond)


def permissions_named(names: Collection[str]) -> frozenset[Permission]:
    """Return the permissions of these names; what a newer or older version calls otherwise is left out."""
    known = {each.value: each for each in Permission}
    return frozenset(known[name] for name in names if name in known)
