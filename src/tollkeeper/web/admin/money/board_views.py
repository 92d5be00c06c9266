"""What the board of failed payments shows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.billing.dunning import Action, Column, Owed, State, Step
from tollkeeper.web.ui import exact

from .naming import Names, Owner

_COLUMNS = {
    State.GRACE: ("In grace", "The plan may still be used.", "warn"),
    State.RESTRICTED: ("Restricted", "The plan may not be used until they pay.", "bad"),
    State.CURRENT: ("Recovered", "Paid in the last 30 days.", "good"),
    State.ENDED: ("Ended", "Ended unpaid in the last 30 days.", "neutral"),
}
_STEPS = {Action.REMIND: "Reminder", Action.RESTRICT: "Restricting", Action.END: "End"}


@dataclass(frozen=True, slots=True)
class Card:
    """A case on the board. `step` names what comes at `step_at`; `next_try` is when the provider tries again."""

    id: UUID
    subscription_id: UUID
    owner: Owner
    plan: str
    amount: str
    invoice_id: UUID | None
    invoice: str
    attempts: int
    since: datetime
    step: str
    step_at: datetime | None
    next_try: datetime | None
    needs_customer: bool
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A stage of the board; `total` is what all of its cases owe."""

    title: str
    text: str
    tone: str
    count: int
    total: str
    is_open: bool
    cards: Sequence[Card]


def board_columns(columns: Sequence[Column], names: Names, schedule: Sequence[Step]) -> list[BoardColumn]:
    """Return the board."""
    return [
        BoardColumn(
            *_COLUMNS[each.state],
            count=each.count,
            total=" + ".join(map(exact, each.totals)),
            is_open=each.state in {State.GRACE, State.RESTRICTED},
            cards=[_card(owed, names, schedule) for owed in each.cases],
        )
        for each in columns
    ]


def _card(owed: Owed, names: Names, schedule: Sequence[Step]) -> Card:
    case = owed.case
    upcoming = schedule[case.steps_done] if case.closed_at is None and case.steps_done < len(schedule) else None
    return Card(
        id=case.id,
        subscription_id=case.subscription_id,
        owner=names.owners[case.organization_id],
        plan=names.plan(owed.plan),
        amount=exact(owed.amount) if owed.amount else "",
        invoice_id=owed.invoice_id,
        invoice=owed.invoice_number or "Invoice",
        attempts=case.attempts,
        since=case.since,
        step=_STEPS[upcoming.action] if upcoming else "",
        step_at=case.next_at if upcoming else None,
        next_try=owed.next_attempt_at if case.closed_at is None else None,
        needs_customer=case.requires_action,
        closed_at=case.closed_at,
    )
