"""Many tracks in one call, each with an answer of its own."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tollkeeper.gate.history import allowance_of
from tollkeeper.gate.model import Access
from tollkeeper.gate.rules import must_be_counted_by_number
from tollkeeper.gate.schemas import Track, TrackBody
from tollkeeper.gate.service import Gate
from tollkeeper.infra import MalformedBodyError, Runtime
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.metering import Entry, Verdict

from .gathering import Gathering, Other, Pile

MAX_ITEMS = 1_000


class Tracks(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a batch of tracks."""

    items: Annotated[list[Track], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class TracksBody(BaseModel):
    """Use many things: decided and recorded in one step."""

    model_config = ConfigDict(extra="forbid", title="Tracks")

    items: list[TrackBody] = Field(min_length=1, max_length=MAX_ITEMS)


class TrackVerdict(BaseModel):
    """What became of one item.

    `recorded`: counted and on disk. `repeated`: counted before under its idempotency key. `refused`: a hard limit would
    be passed. `invalid`: it cannot be counted, whatever the limits; `code` and `detail` say why.
    """

    status: Literal["recorded", "repeated", "refused", "invalid"]
    code: str | None = None
    detail: str | None = None


_decode = msgspec.json.Decoder(Tracks).decode
_RECORDED, _REPEATED = TrackVerdict(status="recorded"), TrackVerdict(status="repeated")
_REFUSED = TrackVerdict(status="refused", code="quota_exceeded", detail="The limit of its period would be passed.")
_SAID = {Verdict.ADMITTED: _RECORDED, Verdict.REPEATED: _REPEATED, Verdict.REFUSED: _REFUSED}


def read_tracks(body: bytes) -> list[Track]:
    """Read a batch.

    Raises:
        MalformedBodyError: not JSON at all.
        InvalidInputError: naming every wrong field of every item.
    """
    try:
        items = _decode(body).items
    except msgspec.ValidationError as error:
        raise _every_problem(body, error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBodyError(f"The body is not valid JSON: {error}.") from None
    wrong = [
        FieldProblem(f"items.{index}.{name}", "must not hold a NUL character")
        for index, item in enumerate(items)
        for name in ("feature", "idempotency_key", "customer")
        if "\x00" in (getattr(item, name) or "")
    ]
    if wrong:
        raise InvalidInputError(wrong)
    return items


def _every_problem(body: bytes, first: msgspec.ValidationError) -> InvalidInputError:
    try:
        TracksBody.model_validate_json(body)
    except ValidationError as error:
        return InvalidInputError(
            [
                FieldProblem(".".join(map(str, item["loc"])), item["msg"], item["type"])
                for item in error.errors(include_url=False, include_input=False)
            ]
        )
    return InvalidInputError(str(first))


async def track_all(runtime: Runtime, actor: Actor, items: list[Track]) -> list[TrackVerdict]:
    """Use many things in one transaction; each item is decided in its place and answered for itself.

    Raises:
        OverloadedError: too much is waiting; nothing was recorded.
    """
    tracks = _Tracks(runtime, actor, len(items))
    for index, item in enumerate(items):
        await tracks.add(index, item)
    await tracks.add_others()
    for place, _, verdict in await tracks.gathering.decided():
        tracks.verdicts[place] = _SAID[verdict]
    return tracks.verdicts


class _Tracks:
    """The items of one call, on their way to where they count."""

    def __init__(self, runtime: Runtime, actor: Actor, count: int) -> None:
        self._gate = runtime.part(Gate)
        self._actor = actor
        self._accesses: dict[str | None, Access | TrackVerdict] = {}
        self._piles: dict[tuple[str | None, str, UUID | None], Pile | TrackVerdict] = {}
        self.gathering = Gathering(runtime, actor)
        self._others: list[Other] = []
        self.verdicts = [_RECORDED] * count

    async def add(self, index: int, item: Track) -> None:
        """Add an item, or note what is wrong with it."""
        access = await self._access(item.customer)
        if isinstance(access, TrackVerdict):
            self.verdicts[index] = access
            return
        pile = self._pile(access, item)
        if isinstance(pile, TrackVerdict):
            self.verdicts[index] = pile
            return
        entry = Entry(item.count, item.at or pile.now, item.idempotency_key)
        if item.at is None or pile.first <= item.at <= pile.last:
            pile.add(index, entry)
            return
        self._others.append(Other(access, item.feature, index, entry, item.member))

    async def add_others(self) -> None:
        """Add what did not happen in the present period of its feature, or note what became of it."""
        for other, error in await self.gathering.add_others(self._others):
            self.verdicts[other.place] = _REPEATED if error is None else _invalid(error)

    async def _access(self, customer: str | None) -> Access | TrackVerdict:
        found = self._accesses.get(customer)
        if found is None:
            try:
                found = await self._gate.to_use(self._actor, customer)
            except TollkeeperError as error:
                if error.status >= TollkeeperError.status:
                    raise  # not the item's fault
                found = _invalid(error)
            self._accesses[customer] = found
        return found

    def _pile(self, access: Access, item: Track) -> Pile | TrackVerdict:
        of = (item.customer, item.feature, item.member)
        found = self._piles.get(of)
        if found is None:
            try:
                must_be_counted_by_number(allowance_of(access, item.feature))
                found = self.gathering.pile(access, item.feature, item.member)
            except TollkeeperError as error:
                found = _invalid(error)
            self._piles[of] = found
        return found


def _invalid(error: TollkeeperError) -> TrackVerdict:
    return TrackVerdict(status="invalid", code=error.code, detail=error.detail)
