"""Taking in CloudEvents."""

from collections.abc import Sequence
from typing import NamedTuple

from tollkeeper.gate.model import Access
from tollkeeper.gate.service import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, NotFoundError
from tollkeeper.metering import Entry, Measured, Meter, UnreadableEventError, Verdict, counts, measure
from tollkeeper.orgs import OrganizationSuspendedError

from .gathering import Gathering, Other, Pile
from .model import EventsRefusedError, UnknownSubjectError
from .reading import MAX_DATA, CloudEvent, Read, UnreadableDataError, properties_of, subjects_of

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
    events.add_all()
    await events.add_others()
    events.must_be_right()
    refused = sorted((each.place, each.feature) for each in await events.gathering.decided(only=Verdict.REFUSED))
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


class _Events:
    """The events of one call, on their way to where they count."""

    def __init__(self, runtime: Runtime, actor: Actor, read: Read) -> None:
        self._gate = runtime.part(Gate)
        self._actor = actor
        self._read = read
        self._problems = list(read.problems)
        self._customers: dict[str | None, _Customer] = {}
        self._others: list[Other] = []
        self.gathering = Gathering(runtime, actor)

    async def find_customers(self) -> None:
        """Find out about whom the events are; what is wrong is noted."""
        for subject in subjects_of(self._read.events):
            problem: FieldProblem
            try:
                access = await self._gate.to_use(self._actor, subject)
                self._customers[subject] = _Customer(access, {})
                continue
            except NotFoundError as error:
                problem = FieldProblem("subject", error.detail, _NOT_FOUND)
            except OrganizationSuspendedError as error:
                problem = FieldProblem("subject", error.title, error.code)
            except InvalidInputError:
                problem = FieldProblem("subject", "an operator key names the customer", "missing")
            for index, event in enumerate(self._read.events):
                if event is not None and event.subject == subject:
                    self._wrong(index, problem.field, problem.message, problem.code)

    def add_all(self) -> None:
        """Add every event to every meter that counts it; what is wrong with it is noted."""
        events = self._read.events
        if events and self._read.is_simple and None not in events and self._add_alike(events):  # type: ignore[arg-type]
            return
        for index, event in enumerate(events):
            if event is None or (customer := self._customers.get(event.subject)) is None:
                continue
            self._add(index, event, customer.access, self._feeds_of(customer, event.type))

    def _add_alike(self, events: Sequence[CloudEvent]) -> bool:
        """Add events of one customer and type at once if one meter takes them all as they are; False: it does not."""
        first = events[0]
        customer = self._customers.get(first.subject)
        if customer is None or any(each.type != first.type or each.subject != first.subject for each in events):
            return False
        feeds = self._feeds_of(customer, first.type)
        if len(feeds) != 1 or feeds[0].meter.filters or feeds[0].meter.value:
            return False
        pile = feeds[0].pile
        now = pile.now
        entries = [Entry(1, each.time or now, f"{each.source}\x1f{each.id}", None, bytes(each.data)) for each in events]
        times = [each[1] for each in entries]
        if not (pile.first <= min(times) and max(times) <= pile.last):
            return False
        if any(each[4][:1] != b"{" or len(each[4]) > MAX_DATA for each in entries):  # type: ignore[index,arg-type]
            return False
        pile.take(entries)
        return True

    def _add(self, index: int, event: CloudEvent, access: Access, feeds: list[_Feed]) -> None:
        try:
            data, text = properties_of(event, plain=self._read.is_plain)
        except UnreadableDataError as error:
            self._wrong(index, "data", str(error))
            return
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
                self._others.append(Other(access, meter.key, index, entry))

    def _feeds_of(self, customer: _Customer, event_type: str) -> list[_Feed]:
        feeds = customer.feeds.get(event_type)
        if feeds is None:
            meters = customer.access.purchase.feeds.get(event_type, ())
            feeds = [_Feed(meter, self.gathering.pile(customer.access, meter.key)) for meter in meters]
            customer.feeds[event_type] = feeds
        return feeds

    async def add_others(self) -> None:
        """Add what did not happen in the present period of its feature; what is wrong is noted."""
        for other, error in await self.gathering.add_others(self._others):
            if error is not None:
                self._wrong(other.place, "time", error.detail, error.code)

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
