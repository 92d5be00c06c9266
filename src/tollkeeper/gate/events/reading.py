"""Reading CloudEvents 1.0: whole arrays in one go, and event by event where something is wrong.

An event exists twice, like the other bodies: as a msgspec struct that is fast to read, and as the pydantic model that
describes it in the OpenAPI document and names every wrong field.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tollkeeper.gate.schemas import MAX_CUSTOMER
from tollkeeper.infra import MalformedBodyError
from tollkeeper.kit import FieldProblem

MAX_EVENTS = 1_000
MAX_NAME = 255
MAX_TYPE = 200
MAX_DATA = 64 * 1024
"""Bytes of an event's data."""

_NULL = msgspec.Raw(b"null")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A control character can only stand in JSON behind a backslash; what has none needs no looking through.
_ESCAPE = b"\\"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]


class CloudEvent(msgspec.Struct, gc=False):
    """An event as it was sent; attributes nobody asked for are passed over. `data` is its text."""

    id: Name
    source: Name
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TYPE)]
    specversion: str = "1.0"
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CUSTOMER)] | None = None
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = _NULL
    data_base64: str | None = None

    @property
    def key(self) -> str:
        """What makes it one and the same event, however often it comes."""
        return f"{self.source}\x1f{self.id}"


_Text = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f]*$")]


class EventBody(BaseModel):
    """An event in the structured form of CloudEvents 1.0. Further attributes may come with it and are passed over."""

    model_config = ConfigDict(title="CloudEvent", strict=False)

    id: _Text = Field(description="With `source`, what makes the event one and the same: it is counted once, for ever.")
    source: _Text
    type: str = Field(
        min_length=1,
        max_length=MAX_TYPE,
        pattern=r"^[^\x00]*$",
        description="The `event_type` of the features it counts for.",
    )
    specversion: str = Field("1.0", pattern=r"^1\.0$")
    subject: Annotated[str, Field(min_length=1, max_length=MAX_CUSTOMER, pattern=r"^[^\x00]*$")] | None = Field(
        None, description="The customer: an organization's id or external id. Needed with an operator key."
    )
    time: AwareDatetime | None = Field(
        None, description="When it happened, in a period that is not closed. Default: now."
    )
    datacontenttype: str | None = Field(None, pattern=r"^[^;]*[/+]json\s*(;.*)?$", description="JSON.")
    data: dict[str, Any] | None = Field(None, description="Properties: numbers to count, names to group by.")
    data_base64: None = Field(None, description="Not taken: send `data`.")


_one: msgspec.json.Decoder[CloudEvent] = msgspec.json.Decoder(CloudEvent)
_many: msgspec.json.Decoder[list[CloudEvent]] = msgspec.json.Decoder(list[CloudEvent])
_apart: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_object: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Read(msgspec.Struct):
    """What a body holds: events in order, None in place of those that cannot be read, and what is wrong with them."""

    events: list[CloudEvent | None]
    problems: list[FieldProblem]
    is_array: bool
    is_plain: bool
    """Whether no text can hold a control character."""
    is_simple: bool = False
    """Whether, besides, every object in it can be kept as it stands, but for numbers that no database holds."""

    def field(self, index: int, name: str) -> str:
        """The name of a field for whoever sent it: `3.time` of an array, `time` of a single event."""
        return f"{index}.{name}" if self.is_array else name


def read_events(body: bytes, *, array: bool | None = None) -> Read:
    """Read one event or an array of them. `array` None: whichever it is.

    Raises:
        MalformedBodyError: not JSON at all, or not the one that was expected.
    """
    if array is None:
        array = body.lstrip()[:1] == b"["
    plain = _ESCAPE not in body
    try:
        events: list[CloudEvent | None] = [*(_many.decode(body) if array else [_one.decode(body)])]
    except _UNREADABLE as error:
        return _read_apart(body, error, array=array)
    _check_count(len(events))
    problems: list[FieldProblem] = []
    simple = plain and body.isascii()
    read = Read(events, problems, is_array=array, is_plain=plain, is_simple=simple)
    for index, event in enumerate(events):
        if event is not None and not (plain and _is_usual(event)) and not _is_sound(event, plain=plain):
            events[index] = None
            problems += _wrong(msgspec.json.encode(event), read, index)
    return read


def _check_count(count: int) -> None:
    if count > MAX_EVENTS:
        raise MalformedBodyError(f"An array may hold {MAX_EVENTS} events; this one holds {count}.")


def _read_apart(body: bytes, error: Exception, *, array: bool) -> Read:
    """Read each event by itself, so that every wrong one is named."""
    try:
        texts = [*_apart.decode(body)] if array else [msgspec.json.decode(body, type=msgspec.Raw)]
    except RecursionError:
        raise MalformedBodyError("The body is nested too deeply.") from None
    except _UNREADABLE:
        raise MalformedBodyError(f"The body is not {'an array of events' if array else 'an event'}: {error}.") from None
    _check_count(len(texts))
    read = Read([], [], is_array=array, is_plain=False)
    for index, text in enumerate(texts):
        event = None
        try:
            event = _one.decode(text)
        except _UNREADABLE as wrong:
            read.problems += _wrong(bytes(text), read, index) or [FieldProblem(read.field(index, ""), f"{wrong}")]
        if event is not None and not _is_sound(event, plain=False):
            event = None
            read.problems += _wrong(bytes(text), read, index)
        read.events.append(event)
    return read


def _is_usual(event: CloudEvent) -> bool:
    return event.specversion == "1.0" and event.data_base64 is None and event.datacontenttype is None


def _is_sound(event: CloudEvent, *, plain: bool) -> bool:
    """Whether what the struct alone does not check is right, too."""
    if event.specversion != "1.0" or event.data_base64 is not None:
        return False
    kind = event.datacontenttype
    if kind is not None and not kind.partition(";")[0].strip().endswith(("/json", "+json")):
        return False
    return plain or not (
        _CONTROL.search(event.id)
        or _CONTROL.search(event.source)
        or "\x00" in event.type
        or (event.subject is not None and "\x00" in event.subject)
    )


def _wrong(text: bytes, read: Read, index: int) -> list[FieldProblem]:
    try:
        EventBody.model_validate_json(text)
    except ValidationError as error:
        return [
            FieldProblem(read.field(index, ".".join(map(str, item["loc"]))).rstrip("."), item["msg"], item["type"])
            for item in error.errors(include_url=False, include_input=False)
        ]
    return []


class UnreadableDataError(ValueError):
    """An event's data is no JSON object that can be kept; the words are meant for the caller."""


def properties_of(event: CloudEvent, *, plain: bool) -> tuple[Mapping[str, Any], bytes | None]:
    """Return an event's data, and its text to be kept; nothing and None when it has none.

    Raises:
        UnreadableDataError: it is no JSON object, or holds what the database cannot keep.
    """
    text = bytes(event.data)
    if text == b"null":
        return {}, None
    if len(text) > MAX_DATA:
        raise UnreadableDataError(f"must not be larger than {MAX_DATA} bytes")
    try:
        data = _object.decode(text)
    except RecursionError:
        raise UnreadableDataError("is nested too deeply") from None
    except _UNREADABLE as error:
        raise UnreadableDataError(f"must be a JSON object that can be read: {error}") from None
    if not plain and any("\x00" in each for each in _texts(data)):
        raise UnreadableDataError("must not hold a NUL character")
    return data, text


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += each.keys()
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def from_headers(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the structured form of an event in binary mode: its attributes are headers, its data the body."""
    attributes: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if body.strip():
        attributes["data"] = msgspec.Raw(body)
    return msgspec.json.encode(attributes)


def subjects_of(events: Sequence[CloudEvent | None]) -> set[str | None]:
    """Return whom events are about."""
    return {event.subject for event in events if event is not None}
