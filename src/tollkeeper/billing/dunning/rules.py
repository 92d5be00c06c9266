"""How a case of failed payments moves. Pure: decides on values passed in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from tollkeeper.kit import Money

from .model import Action, Case, Column, Signal, Stage, State, Step, Total

MACHINE: Mapping[tuple[State, Signal], State] = MappingProxyType(
    {
        (State.CURRENT, Signal.FAILED): State.GRACE,
        (State.GRACE, Signal.FAILED): State.GRACE,
        (State.GRACE, Signal.REMIND): State.GRACE,
        (State.GRACE, Signal.RESTRICT): State.RESTRICTED,
        (State.GRACE, Signal.PAID): State.CURRENT,
        (State.GRACE, Signal.END): State.ENDED,
        (State.GRACE, Signal.OVER): State.ENDED,
        (State.RESTRICTED, Signal.FAILED): State.RESTRICTED,
        (State.RESTRICTED, Signal.REMIND): State.RESTRICTED,
        (State.RESTRICTED, Signal.RESTRICT): State.RESTRICTED,
        (State.RESTRICTED, Signal.PAID): State.CURRENT,
        (State.RESTRICTED, Signal.END): State.ENDED,
        (State.RESTRICTED, Signal.OVER): State.ENDED,
        (State.CURRENT, Signal.OVER): State.ENDED,
    }
)
"""Every move there is; what is not in it does not happen."""

FAILING = frozenset({"past_due", "unpaid"})
PAID = frozenset({"active", "trialing"})
SIGNAL_OF = {Action.REMIND: Signal.REMIND, Action.RESTRICT: Signal.RESTRICT, Action.END: Signal.END}


def read_schedule(text: str) -> tuple[Step, ...]:
    """Return the steps of a schedule `day:action[:message], ...`, in the order of their days.

    Raises:
        ValueError: it is not written so, or something follows the end.
    """
    steps = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        day, action, *message = entry.split(":")
        steps.append(Step(int(day), Action(action), message[0] if message else action))
    ordered = tuple(sorted(steps, key=lambda step: step.day))
    if any(step.action is Action.END for step in ordered[:-1]):
        raise ValueError("nothing can follow the `end` of a dunning schedule")
    return ordered


def signal(case: Case | None, status: str, attempts: int, *, over: bool) -> Signal | None:
    """Return what the provider's present state says to a case (None: there is no open one); None: nothing new."""
    if over:
        return Signal.OVER if case else None
    if status in FAILING:
        return Signal.FAILED if case is None or attempts > case.attempts else None
    return Signal.PAID if case and status in PAID else None


def due(case: Case, schedule: Sequence[Step], now: datetime) -> Step | None:
    """Return the next step of a case when its day has come."""
    at = next_at(case.counts_from, schedule, case.steps_done)
    return schedule[case.steps_done] if at is not None and at <= now else None


def postponed(case: Case, schedule: Sequence[Step], days: int) -> Case:
    """Return the case with every step that is not taken yet so many days later."""
    later = replace(case, postponed_days=case.postponed_days + days)
    return replace(later, next_at=next_at(later.counts_from, schedule, later.steps_done))


def next_at(since: datetime, schedule: Sequence[Step], done: int) -> datetime | None:
    """Return when the step after `done` steps is due; None when none is left."""
    return since + timedelta(days=schedule[done].day) if done < len(schedule) else None


def counted(stage: Stage, totals: Sequence[Total]) -> Column:
    """Return a stage of the board with what is owed in all of it; `totals` is asked only where not all is shown."""
    sums: dict[str, Money] = {}
    if stage.has_more:
        mine = [each for each in totals if each.state is stage.state]
        sums = {each.currency: Money(each.amount, each.currency) for each in mine if each.currency is not None}
        count = max(sum(each.count for each in mine), len(stage.cases))
    else:
        count = len(stage.cases)
        for owed in stage.cases:
            if owed.amount is not None:
                before = sums.get(owed.amount.currency)
                sums[owed.amount.currency] = owed.amount if before is None else before + owed.amount
    return Column(stage.state, count, [sums[currency] for currency in sorted(sums)], stage.cases)


def machine_as_mermaid() -> str:
    """Return the table as a state diagram."""
    lines = [f"    {before} --> {after}: {why}" for (before, why), after in MACHINE.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> current", *lines, "    ended --> [*]"])
