"""What can be wrong with events."""

from collections.abc import Sequence
from typing import Any

from tollkeeper.gate.model import QuotaExceededError
from tollkeeper.kit import FieldProblem, NotFoundError, TollkeeperError


class UnsupportedContentError(TollkeeperError):
    """Events come in a form that is not read."""

    code = "unsupported_content_type"
    status = 415
    title = "Events are not read in this form"
    hint = "Send `application/cloudevents+json`, `application/cloudevents-batch+json` or `application/json`."


class UnknownSubjectError(NotFoundError):
    """An event is about a customer who does not exist, or who is not the caller's own."""

    code = "unknown_subject"
    title = "There is no such customer"
    hint = "`subject` is an organization's id or external id; nothing was recorded."

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        """`problems` names each such event."""
        errors = [{"field": p.field, "message": p.message, "code": p.code} for p in problems]
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems[:10]), errors=errors)


class EventsRefusedError(QuotaExceededError):
    """Events would pass hard limits. They were not recorded; the others of the same call were."""

    def __init__(self, refused: Sequence[dict[str, Any]], sent: int) -> None:
        """`refused` names event and feature; `sent` is how many events the call brought."""
        events = len({each["index"] for each in refused})
        features = ", ".join(sorted({each["feature"] for each in refused}))
        rest = "Whatever else came with them is recorded." if sent > 1 else "It was not recorded."
        super().__init__(f"{events} of {sent} events would pass the limit of {features}. {rest}", refused=list(refused))
