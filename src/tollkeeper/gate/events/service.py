"""Taking in CloudEvents."""

from typing import NamedTuple

from tollkeeper.gate.model import Access
from tollkeeper.gate.service import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, NotFoundError, TollkeeperError
from tollkeeper.metering import Entry, Measured, Meter, UnreadableEventError, Verdict, counts, measure

from .gathering import Gathering, Pile
from .model import EventsRefusedError, UnknownSubjectError
from .reading import CloudEvent, Read, UnreadableDataError, properties_of, subjects_of

_ONE = Measured(1)
_NOT_FOUND = "unknown_subject"


async def ingest(runtime: Runtime, actor: Actor, read: Read) -> None:
    """Count events: decided exactly, on disk when this returns. Those that were recorded before count nothing.

    Raises:
        InvalidInputError: events are wrong, each named; nothing was recorded.
        UnknownSubjectError: all that is wrong is that there are no such customers; nothing was recorded.
        EventsRefusedError: hard limits would be passed; the other events were recorded.
    """
    events = _Events(runtime, actor, read)
    await events.find_customers()
    for index, event in enumerate(read.events):
        if event is not None:
            events.add(index, event)
    await events.add_others()
    events.must_be_right()
    decided = await events.gathering.decided()
    refused = sorted((each.place, each.feature) for each in decided if each.verdict is Verdict.REFUSED)
    if refused:
        raise EventsRefusedError([events.named(*each) for each in refused], len(read.events))


class _Feed(NamedTuple):
    """A meter that takes events of some type and customer, and where what they come to is gathered."""

    meter: Meter
    pile: Pile


class _Customer(NamedTuple):
    """Whom events are about: what they may use, and where their events of each type go."""

    access: Access
    feeds: dict[str, list[_Feed]]


class _Other(NamedTuple):
    """What does not belong to the present period of its feature."""

    access: Access
    feature: str
    place: int
    entry: Entry


class _Events:
    """The events of one call, on their way to where they count."""

    def __init__(self, runtime: Runtime, actor: Actor, read: Read) -> None:
        self._gate = runtime.part(Gate)
        self._actor = actor
        self._read = read
        self._problems = list(read.problems)
        self._customers: dict[str | None, _Customer] = {}
        self._others: list[_Other] = []
        self.gathering = Gathering(self._gate, actor, runtime.clock.now())

    async def find_customers(self) -> None:
        """Find out about whom the events are; what is wrong is noted."""
        for subject in subjects_of(self._read.events):
            problem: FieldProblem
            try:
                access = await self._gate.access(await self._gate.organization_of(self._actor, subject))
                self._customers[subject] = _Customer(access, {})
                continue
            except NotFoundError as error:
                problem = FieldProblem("subject", error.detail, _NOT_FOUND)
            except InvalidInputError:
                problem = FieldProblem("subject", "an operator key names the customer", "missing")
            for index, event in enumerate(self._read.events):
                if event is not None and event.subject == subject:
                    self._wrong(index, problem.field, problem.message, problem.code)

    def add(self, index: int, event: CloudEvent) -> None:
        """Add an event to every meter that counts it; what is wrong with it is noted."""
        customer = self._customers.get(event.subject)
        if customer is None:
            return
        try:
            data, text = properties_of(event, plain=self._read.is_plain)
        except UnreadableDataError as error:
            self._wrong(index, "data", str(error))
            return
        feeds = customer.feeds.get(event.type)
        if feeds is None:
            feeds = customer.feeds[event.type] = self._feeds_of(customer.access, event.type)
        if not feeds:
            self._wrong(index, "type", f"no feature counts events of type {event.type!r}", "unknown_type")
        at, key = event.time, event.key
        for meter, pile in feeds:
            if meter.filters and not counts(meter, data):
                continue
            try:
                quantity, value = measure(meter, data) if meter.value else _ONE
            except UnreadableEventError as error:
                self._wrong(index, "data", f"{error}, for {meter.key}")
                continue
            entry = Entry(quantity, at or pile.now, key, value, text)
            if at is None or pile.first <= at <= pile.last:
                pile.add(index, entry)
            else:
                self._others.append(_Other(customer.access, meter.key, index, entry))

    def _feeds_of(self, access: Access, event_type: str) -> list[_Feed]:
        meters = access.feeds.get(event_type, ())
        return [_Feed(meter, self.gathering.pile(access, meter.key)) for meter in meters]

    async def add_others(self) -> None:
        """Add what did not happen in the present period of its feature; what is wrong is noted."""
        for access, feature, place, entry in self._others:
            try:
                await self.gathering.add_other(access, feature, place, entry)
            except TollkeeperError as error:
                self._wrong(place, "time", error.detail, error.code)

    def _wrong(self, index: int, name: str, message: str, code: str = "invalid") -> None:
        self._problems.append(FieldProblem(self._read.field(index, name), message, code))

    def must_be_right(self) -> None:
        """Refuse all when something is wrong with one.

        Raises:
            InvalidInputError: naming each wrong event.
            UnknownSubjectError: the same, when only customers are unknown.
        """
        if not self._problems:
            return
        problems = sorted(self._problems, key=lambda each: _place(each.field))
        if all(each.code == _NOT_FOUND for each in problems):
            raise UnknownSubjectError(problems)
        raise InvalidInputError(problems)

    def named(self, index: int, feature: str) -> dict[str, object]:
        """Name an event and the feature whose limit refuses it."""
        event = self._read.events[index]
        return {"index": index, "id": event.id if event else "", "feature": feature}


def _place(field: str) -> int:
    first = field.partition(".")[0]
    return int(first) if first.isdigit() else 0
