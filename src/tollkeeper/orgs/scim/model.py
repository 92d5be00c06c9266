"""Values of provisioning, and what can go wrong, with the words SCIM has for it (RFC 7644, 3.12)."""

from dataclasses import dataclass

from tollkeeper.kit import ConflictError, ForbiddenError, NotFoundError, TollkeeperError

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing a filter asks: `attribute operator "value"`. Attributes are lower case."""

    attribute: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Change:
    """One operation of a PATCH. `path` empty: `value` names the attributes itself."""

    op: str
    path: str
    value: object


class ScimInvalidError(TollkeeperError):
    """SCIM's 400: a filter, a path or a value that means nothing here. `scimType` says which."""

    code = "scim_invalid"
    status = 400
    title = "This cannot be provisioned"
    hint = "`detail` says what; docs/guides/single-sign-on.md lists what is taken."

    def __init__(self, scim_type: str, detail: str) -> None:
        """`scim_type` is one of RFC 7644's: `invalidFilter`, `invalidPath`, `invalidValue`, `mutability`."""
        super().__init__(detail, scimType=scim_type, schemas=[ERROR])


class ScimNotFoundError(NotFoundError):
    """The organization has no such member or role."""

    code = "scim_not_found"
    title = "There is no such resource"

    def __init__(self) -> None:
        super().__init__(schemas=[ERROR])


class ScimTakenError(ConflictError):
    """The person is a member already, or the directory calls another resource so."""

    code = "scim_taken"
    title = "There is such a resource already"
    hint = "Find it with a filter, and change it."

    def __init__(self) -> None:
        super().__init__(scimType="uniqueness", schemas=[ERROR])


class ScimChangedError(TollkeeperError):
    """The resource is not any more what `If-Match` names."""

    code = "scim_changed"
    status = 412
    title = "The resource has changed meanwhile"
    hint = "Read it again, and decide anew."

    def __init__(self) -> None:
        super().__init__(schemas=[ERROR])


class ScimUnprovenError(ConflictError):
    """There is an account with the address, and nothing shows that whoever made it holds the address."""

    code = "scim_account_unproven"
    title = "There is an account with this address that nobody has verified"
    hint = "Have the person verify their address, or choose a new password by mail; then provision them again."

    def __init__(self) -> None:
        super().__init__(scimType="uniqueness", schemas=[ERROR])


class ScimForeignDomainError(ForbiddenError):
    """The address is of no domain that the organization holds, so it is not its own to give."""

    code = "scim_foreign_domain"
    title = "The organization does not hold the domain of this address"
    hint = "Claim the domain with `POST /api/sso/domains` and show that it is yours."

    def __init__(self) -> None:
        super().__init__(schemas=[ERROR])
