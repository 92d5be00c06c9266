"""Gate: every recipe ends in its event.

The recipes were written for older API versions. A parameter that the present version no longer has is written as the
present one: the meaning of each recipe stays.
"""

import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .stage import Json, Outcome, Stage, WrongAnswerError, within

GATE = "triggers"
# Two recipes are named after what they show; they end in an invoice's event.
_ENDS_IN = {
    "subscription.payment_failed": "invoice.payment_failed",
    "subscription.payment_succeeded": "invoice.payment_succeeded",
}
_PATIENCE_SECONDS = 60
_SETTLING_SECONDS = 60  # virtual: what a bank takes for the recipes' debits


def run(stage: Stage, recordings: Path) -> list[Outcome]:
    """Play all recipes."""
    return [_played(stage, file) for file in sorted((recordings / "triggers").glob("*.json"))]


def _played(stage: Stage, file: Path) -> Outcome:
    recipe, marker = json.loads(file.read_text()), stage.newest_event()
    wanted = _ENDS_IN.get(file.stem, file.stem)
    try:
        known: dict[str, Json] = {}
        for step in recipe["fixtures"]:
            known[step["name"]] = _step(stage, step, known)
    except WrongAnswerError as error:
        return Outcome(GATE, file.stem, str(error))
    if "async_payment" in wanted:
        stage.advance(_SETTLING_SECONDS)
    seen: set[str] = set()
    for _ in within(_PATIENCE_SECONDS):
        seen = {event["type"] for event in stage.events_since(marker)}
        if wanted in seen:
            return Outcome(GATE, file.stem)
    return Outcome(GATE, file.stem, f"no {wanted}, only {', '.join(sorted(seen))}")


def _step(stage: Stage, step: Json, known: dict[str, Json]) -> Json:
    path, params = _filled(step["path"], known), _filled(step.get("params") or {}, known)
    method, params = step["method"].upper(), _present(path, params)
    status, body = stage.call(method, path, params)
    wrong = body.get("error", {}).get("type") if status != 200 else None
    if wrong and wrong != step.get("expected_error_type"):
        raise WrongAnswerError(f"{method} {path}: {status} {body['error'].get('message')}")
    return body


def _filled(value: Any, known: dict[str, Json]) -> Any:
    """The value with `${name:path}` replaced by what an earlier step answered."""
    if isinstance(value, dict):
        return {key: _filled(part, known) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, known) for part in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{([^}]+)\}", lambda found: _looked_up(found[1], known), value)


def _looked_up(reference: str, known: dict[str, Json]) -> str:
    if reference == "generate-uuid":
        return str(uuid.uuid4())
    if reference == "time-now-RFC3339":
        return datetime.now(UTC).isoformat()
    name, _, path = reference.partition(":")
    found: Any = known[name]
    for part in path.split("."):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError) as error:
            raise WrongAnswerError(f"{name} has no {path}") from error
    return str(found)


def _present(path: str, params: Json) -> Json:
    """The parameters as the present API version has them."""
    given = dict(params)
    if path.startswith(("/v1/payment_intents", "/v1/setup_intents")):
        given = {name: value for name, value in given.items() if not name.startswith("payment_method_types")}
    if path == "/v1/checkout/sessions" and "payment_method_types" in given:
        given["allowed_payment_method_types"] = given.pop("payment_method_types")
    if path == "/v1/promotion_codes":
        given["promotion"] = {"type": "coupon", "coupon": given.pop("coupon")} if "coupon" in given else {}
        given = {name: value for name, value in given.items() if value}
    if path == "/v1/subscription_schedules":
        given["phases"] = [_present_phase(phase) for phase in given["phases"].values()]
    return given


def _present_phase(phase: Json) -> Json:
    if "iterations" not in phase:
        return phase
    lasting = {"duration": {"interval": "month", "interval_count": phase["iterations"]}}
    return {name: value for name, value in phase.items() if name != "iterations"} | lasting
