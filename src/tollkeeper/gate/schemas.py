"""What the usage calls take and answer.

Each body exists twice: as a msgspec struct that is fast to read, and as the pydantic model that describes it in the
OpenAPI document and, when reading failed, names every wrong field at once. A test holds the two together.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt, ValidationError

from tollkeeper.infra import MalformedBodyError
from tollkeeper.kit import FieldProblem, InvalidInputError

MAX_COUNT = 1_000_000_000
"""The most one call may take: a thousand such calls still fit a counter's 64 bits a billion times over."""
MAX_KEY = 255
MAX_FEATURE = 64
MAX_CUSTOMER = 255


Count = Annotated[int, msgspec.Meta(ge=1, le=MAX_COUNT)]
FeatureKey = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_FEATURE)]
IdempotencyKey = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY)]
Customer = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CUSTOMER)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a check."""

    feature: FeatureKey
    count: Count = 1
    customer: Customer | None = None
    member: UUID | None = None


class Track(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a track."""

    feature: FeatureKey
    count: Count = 1
    idempotency_key: IdempotencyKey | None = None
    at: Moment | None = None
    customer: Customer | None = None
    member: UUID | None = None


class CheckBody(BaseModel):
    """Ask whether something may be used."""

    model_config = ConfigDict(extra="forbid", title="Check")

    feature: str = Field(min_length=1, max_length=MAX_FEATURE, description="Key of a metered feature.")
    count: StrictInt = Field(1, ge=1, le=MAX_COUNT, description="How much of it.")
    customer: str | None = Field(
        None, min_length=1, max_length=MAX_CUSTOMER, description="Organization's id or external id; operator keys only."
    )
    member: UUID | None = Field(
        None, description="Whose usage it is: a user's id. Default: the caller's own, or of the key's maker."
    )


class TrackBody(CheckBody):
    """Use something: decided and recorded in one step."""

    model_config = ConfigDict(extra="forbid", title="Track")

    idempotency_key: str | None = Field(
        None, min_length=1, max_length=MAX_KEY, description="A repeat with the same key is counted once, for ever."
    )
    at: AwareDatetime | None = Field(
        None, description="When it happened, in a period that is not closed. Default: now."
    )


class OfferBody(BaseModel):
    """A plan that would allow more."""

    plan: str
    name: str
    limit: int | None
    price: dict[str, Any] | None
    interval: str | None
    url: str


class MemberBody(BaseModel):
    """Where a member stands within a limit of their own."""

    id: UUID
    used: int
    limit: int
    remaining: int


class BalanceBody(BaseModel):
    """Where a feature stands. `limit` and `remaining` null: unlimited."""

    feature: str
    used: int
    limit: int | None
    remaining: int | None
    reset_at: datetime = Field(
        description="When the period ends; of a rolling window, by when all that counts now has left it."
    )
    carried: int | None = Field(None, description="Unused quota of the period before, part of `limit`.")
    credits: int | None = Field(None, description="What credits have left; missing where the limit had room.")
    member: MemberBody | None = Field(None, description="Where the member stands, if members have limits.")


class CheckAnswer(BalanceBody):
    """Whether it may be used, and where it stands; `upgrade` only when it may not."""

    allowed: bool
    upgrade: OfferBody | None = None


_BODIES: dict[type, type[BaseModel]] = {Check: CheckBody, Track: TrackBody}
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(kind) for kind in _BODIES}


def read_check(body: bytes) -> Check:
    """Read a check; see `_read` for what is raised."""
    found: Check = _read(Check, body)
    return found


def read_track(body: bytes) -> Track:
    """Read a track; see `_read` for what is raised."""
    found: Track = _read(Track, body)
    if found.idempotency_key is not None and "\x00" in found.idempotency_key:
        raise InvalidInputError([FieldProblem("idempotency_key", "must not hold a NUL character")])
    return found


def _read(kind: type, body: bytes) -> Any:
    """Read a body.

    Raises:
        MalformedBodyError: not JSON at all.
        InvalidInputError: naming every wrong field.
    """
    try:
        found = _DECODERS[kind].decode(body)
    except msgspec.ValidationError as error:
        raise _every_problem(kind, body, error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBodyError(f"The body is not valid JSON: {error}.") from None
    return found


def _every_problem(kind: type, body: bytes, first: msgspec.ValidationError) -> InvalidInputError:
    try:
        _BODIES[kind].model_validate_json(body)
    except ValidationError as error:
        return InvalidInputError(
            [
                FieldProblem(".".join(map(str, item["loc"])), item["msg"], item["type"])
                for item in error.errors(include_url=False, include_input=False)
            ]
        )
    return InvalidInputError(str(first))
