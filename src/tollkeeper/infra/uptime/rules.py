"""How one look goes on from those before it."""

from dataclasses import replace
from datetime import datetime, timedelta

from tollkeeper.kit import new_id

from .model import Span

LOOK_EVERY = timedelta(minutes=1)
LONGEST_GAP = 3 * LOOK_EVERY
"""Nobody knows what was in between when nobody looked for longer."""


def gone_on(last: Span | None, part: str, state: str, at: datetime) -> Span | None:
    """Return the span that a look makes longer or begins; None: another process has looked just before."""
    if last is None or at - last.until > LONGEST_GAP:
        return Span(new_id(), part, state, at, at)
    if at - last.until < LOOK_EVERY / 2:
        return None
    return replace(last, until=at) if state == last.state else Span(new_id(), part, state, last.until, at)
