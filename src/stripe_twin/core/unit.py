"""A unit of work: everything one request, page post or due moment reads, changes and reports. It ends in one commit."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from stripe_twin.core import ids
from stripe_twin.core.errors import missing
from stripe_twin.core.json import Json, compact, parse
from stripe_twin.core.kinds import KINDS
from stripe_twin.core.misdelivery import NORMAL, Misdelivery
from stripe_twin.core.store import Filter, Store, equals
from stripe_twin.core.version import API_VERSION


@dataclass(frozen=True)
class Cause:
    """What set the unit off. Both are None for what happens by itself, as in Stripe's `event.request`."""

    request: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Happening:
    """An event reported but not yet written: type, object as it was then, changed attributes' old values."""

    type: str
    object: Json
    previous: Json | None
    at: int


class Unit:
    """Loads, saves, renders and reports. `now` stands still inside a unit (whole Unix seconds).

    Only touching an object that lives on a test clock moves it, to what that clock shows.
    """

    def __init__(
        self,
        store: Store,
        now: float,
        public_url: str,
        cause: Cause | None = None,
        misdelivery: Misdelivery = NORMAL,
    ) -> None:
        self.store = store
        self.now = self.started = int(now)
        self.pinned = False
        self.public_url = public_url
        self.cause = cause or Cause()
        self.misdelivery = misdelivery
        self.happenings: list[Happening] = []

    # objects

    def load(self, kind: str, ident: str, param: str | None = "id") -> Json:
        """The object of that kind and id, or resource_missing naming the parameter."""
        found = self.store.get(ident, kind)
        if found is None:
            raise missing(KINDS[kind].label, ident, param)
        self.enter(found.get("test_clock"))
        return found

    def enter(self, test_clock: str | None) -> None:
        """From here on it is the time of that test clock, unless the moment was chosen by `stand_at`."""
        clock = self.store.get(test_clock) if test_clock and not self.pinned else None
        if clock:
            self.now = clock["frozen_time"]

    def stand_at(self, moment: int) -> None:
        """Go on at that moment, whatever clock is touched."""
        self.now, self.pinned = moment, True

    def save(self, document: Json) -> Json:
        """Insert or replace, and note when the object wants attention by itself."""
        kind = KINDS[document["object"]]
        clocked = document.get("test_clock") is not None  # its clock comes for it
        self.store.put(document, kind.due(document) if kind.due and not clocked else None)
        return document

    def find(self, kind: str, *filters: Filter, oldest_first: bool = False, limit: int = -1) -> list[Json]:
        """Objects of a kind, newest first unless asked otherwise."""
        return self.store.find(kind, *filters, oldest_first=oldest_first, limit=limit)

    def of(self, kind: str, **fields: str) -> list[Json]:
        """Objects whose top-level fields have these values, oldest first."""
        return self.find(kind, *(equals(f"$.{name}", value) for name, value in fields.items()), oldest_first=True)

    # rendering

    def render(self, document: Json) -> Json:
        """The object as Stripe shows it, nothing expanded. Fields that start with an underscore are private."""
        kind = KINDS[document["object"]]
        composed = kind.compose(self, document) if kind.compose else document
        public = {name: value for name, value in composed.items() if not name.startswith("_")}
        return parse(compact(public))  # a snapshot: later changes of the document do not reach into it

    # reporting

    def emit(self, event_type: str, document: Json, before: Json | None = None) -> None:
        """Report an event with the object as it is now; `before` is its earlier rendering when attributes changed."""
        shown = self.render(document)
        previous = changed(before, shown) if before is not None else None
        self.happenings.append(Happening(event_type, shown, previous, self.now))

    def updated(self, event_type: str, document: Json, before: Json) -> None:
        """Save, and report an update if anything visible changed."""
        self.save(document)
        if changed(before, self.render(document)):
            self.emit(event_type, document, before)

    def arrange(self, order: Sequence[str]) -> None:
        """Put the reported events in this order: the nth of a type takes its nth place; others go to the front."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(order):
            places.setdefault(name, []).append(place)
        keyed = []
        for happening in self.happenings:
            left = places.get(happening.type, [])
            keyed.append((left.pop(0) if len(left) > 1 else left[0] if left else -1, happening))
        self.happenings = [happening for _, happening in sorted(keyed, key=lambda pair: pair[0])]

    def flush(self) -> None:
        """Write the reported events and queue them for the endpoints that want them, inside the transaction."""
        endpoints = self.find("webhook_endpoint", equals("$.status", "enabled"), oldest_first=True)
        for happening in self.happenings:
            wanted = [e for e in endpoints if {"*", happening.type} & set(e["enabled_events"])]
            event = self.save(self._event(happening))
            for endpoint in wanted:
                self._queue(event["id"], endpoint["id"])
        self.happenings = []

    def _queue(self, event: str, endpoint: str) -> None:
        how = self.misdelivery
        for _ in range(1 + how.duplicates):
            self.store.add_delivery(event, endpoint, self.started + how.delay_seconds + self._shuffle(event))

    def _shuffle(self, event: str) -> float:
        """Seconds by which a delivery is put off so that it may be overtaken."""
        if not self.misdelivery.reorder_seconds:
            return 0.0
        place = self.store.position(event, "event")
        number = self.store.number_of_deliveries()
        return random.Random(f"{self.misdelivery.seed} {place} {number}").uniform(0, self.misdelivery.reorder_seconds)

    def _event(self, happening: Happening) -> Json:
        data: Json = {"object": happening.object}
        if happening.previous is not None:
            data["previous_attributes"] = happening.previous
        return {
            "id": ids.long("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": happening.at - happening.at % self.misdelivery.same_second,
            "data": data,
            "livemode": False,
            "request": {"id": self.cause.request, "idempotency_key": self.cause.idempotency_key},
            "type": happening.type,
        }


def changed(before: Json, after: Json) -> Json:
    """The old values of what differs: nested objects part by part, lists whole, as in `previous_attributes`."""
    old: Json = {}
    for name in [*before, *(key for key in after if key not in before)]:
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        nested = isinstance(was, dict) and isinstance(now, dict)
        old[name] = changed(was, now) if nested and isinstance(was, dict) and isinstance(now, dict) else was
    return old
