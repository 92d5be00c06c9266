"""Why an invoice comes to what it does, as its page tells it. Pure."""

from dataclasses import dataclass

from tollkeeper.billing import ExplainedLine, Explanation
from tollkeeper.web.ui import exact

MATCHES = {True: ("Matches", "good"), False: ("Differs", "bad"), None: ("Not calculated", "neutral")}


@dataclass(frozen=True, slots=True)
class ExplainedView:
    """One line: what was invoiced, the steps it came about by, and what they come to, empty where there are none."""

    description: str
    amount: str
    word: str
    tone: str
    steps: tuple[str, ...]
    result: str
    note: str


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """An invoice explained: the verdict in a sentence, and the lines."""

    verdict: str
    lines: tuple[ExplainedView, ...]


def explanation_view(found: Explanation) -> ExplanationView:
    """Return an explanation in words."""
    return ExplanationView(_verdict(found), tuple(map(_line, found.lines)))


def _verdict(found: Explanation) -> str:
    wrong = sum(line.matches is False for line in found.lines)
    unknown = sum(line.matches is None for line in found.lines)
    if not found.adds_up:
        return "The lines do not come to the total. Please write to us."
    if wrong:
        return f"{_lines(wrong)} came out differently when calculated anew. Please write to us."
    if unknown:
        return f"{_lines(unknown)} cannot be calculated anew here; the rest came out the same."
    return "Every line was calculated anew from its price, its time and what was recorded, and came out the same."


def _lines(count: int) -> str:
    return "One line" if count == 1 else f"{count} lines"


def _line(line: ExplainedLine) -> ExplainedView:
    word, tone = MATCHES[line.matches]
    result = f"Calculated anew it is {exact(line.replayed)}." if line.replayed else ""
    return ExplainedView(line.description, exact(line.invoiced), word, tone, line.steps, result, line.note)
