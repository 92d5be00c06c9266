"""Gate: every accepted request, every answer and every event of the other gates' runs has the SDK's shape, strictly."""

import importlib
import json
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .stage import Exchange, Json, Outcome, Stage

GATE = "schema"
_ERRORS = {"api_error", "card_error", "idempotency_error", "invalid_request_error", "rate_limit_error"}
# Parameters of old versions that recipes use and the twin still takes: a customer's coupon.
_OLD = {"coupon"}
# The interface behind the hosted page, which recipes use and no SDK knows.
_PAGE = "/v1/payment_pages/"
_VARYING = re.compile(r'"[a-z]+_[A-Za-z0-9_]{8,}"|\d+')


def run(stage: Stage, recordings: Path) -> list[Outcome]:
    """One outcome per distinct violation; one passed outcome when there is none."""
    with _validator(recordings) as validator:
        found = {problem for exchange in _distinct(stage) for problem in _of_exchange(validator, exchange)}
        found |= {problem for event in _events(stage) for problem in _of_event(validator, event)}
    return [Outcome(GATE, problem, "violation") for problem in sorted(found)] or [Outcome(GATE, "no violation")]


@contextmanager
def _validator(recordings: Path) -> Iterator[Any]:
    """The checker over a document rebuilt from the installed SDK."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the checker leaves closing its file to the interpreter
        document = Path(folder) / "sdk.json"
        command = [sys.executable, "-B", str(recordings / "stripe_sdk_schema.py"), str(document)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 -- a fixed program
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.path.insert(0, str(recordings))
        try:
            yield importlib.import_module("stripe_sdk_validate").V(str(document))
        finally:
            sys.path.remove(str(recordings))
            sys.dont_write_bytecode = before


def _distinct(stage: Stage) -> Iterator[Exchange]:
    """Exchanges that differ in more than ids and numbers; the others say nothing new about shapes."""
    seen: set[str] = set()
    for exchange in stage.exchanges:
        names = sorted(name for name, _ in exchange.form)
        mark = _VARYING.sub("_", json.dumps([exchange.method, exchange.path.split("/")[:3], names, exchange.body]))
        if mark not in seen:
            seen.add(mark)
            yield exchange


def _events(stage: Stage) -> Iterator[Json]:
    """All events there are, those of the same shape once."""
    seen: set[str] = set()
    query: Json = {"limit": 100}
    while True:
        page = stage.get("/v1/events", **query)
        for event in page["data"]:
            mark = _VARYING.sub("_", json.dumps(event))
            if mark not in seen:
                seen.add(mark)
                yield event
        if not page["has_more"]:
            return
        query["starting_after"] = page["data"][-1]["id"]


def _of_exchange(validator: Any, exchange: Exchange) -> Iterator[str]:
    where = f"{exchange.method} {'/'.join(exchange.path.split('/')[:3])}"
    if exchange.status != 200:
        yield from (f"{where}: error {problem}" for problem in _of_error(validator, exchange.body))
        return
    if exchange.foreign or exchange.path.startswith(_PAGE) or _OLD & {name for name, _ in exchange.form}:
        problems = []
    else:
        problems = validator.check_request(exchange.method.lower(), exchange.path, exchange.form)
    for problem in problems:
        yield f"request {where}: {_without_ids(problem)}"
    shown = exchange.body
    for item in shown["data"] if shown.get("object") in ("list", "search_result") else [shown]:
        if item.get("object") == "event":
            continue  # all events are checked as events
        for problem in validator.check_object(item):
            yield f"answer {where} {item.get('object')}: {_without_ids(problem)}"


def _of_error(validator: Any, body: Json) -> Iterator[str]:
    error = body.get("error", {})
    if error.get("type") not in _ERRORS or not error.get("message"):
        yield f"without type or message: {error}"
    for name in ("payment_intent", "payment_method", "setup_intent", "charge_object"):
        if isinstance(error.get(name), dict):
            yield from (f"{name}: {problem}" for problem in validator.check_object(error[name]))


def _of_event(validator: Any, event: Json) -> Iterator[str]:
    for problem in validator.check_event(event):
        yield f"event {event['type']}: {_without_ids(problem)}"


def _without_ids(problem: str) -> str:
    return re.sub(r"\b[a-z]+_\w{10,}", "…", problem)
