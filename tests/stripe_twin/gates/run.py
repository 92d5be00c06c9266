"""All gates in one run against one twin, and what each came to."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import probe, prorations, scenarios, schema, triggers
from .left_out import LEFT_OUT
from .stage import Outcome, running

# The schema gate looks at what the others did, so it is last.
_GATES = (scenarios, prorations, triggers, probe, schema)


@dataclass(frozen=True)
class Result:
    """A gate's outcomes, and why some of its cases are left out."""

    gate: str
    outcomes: list[Outcome]
    left_out: dict[str, str]

    @property
    def passed(self) -> int:
        """How many cases passed."""
        return sum(outcome.problem is None for outcome in self.outcomes)

    @property
    def failed(self) -> list[Outcome]:
        """Cases that did not pass and are not left out."""
        return [o for o in self.outcomes if o.problem is not None and o.case not in self.left_out]

    @property
    def untrue(self) -> list[str]:
        """Names that are left out though they pass, or that no case has."""
        open_ = {outcome.case for outcome in self.outcomes if outcome.problem is not None}
        return sorted(self.left_out.keys() - open_)


def run(recordings: Path) -> list[Result]:
    """Start a twin, run every gate, stop it."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stage:
        return [Result(gate.GATE, gate.run(stage, recordings), LEFT_OUT[gate.GATE]) for gate in _GATES]
