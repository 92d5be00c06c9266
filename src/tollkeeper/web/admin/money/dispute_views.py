"""What the pages of disputes show. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.billing import Dispute
from tollkeeper.billing.payments import ANSWERABLE, Stage
from tollkeeper.web.portal import DISPUTE_STATES
from tollkeeper.web.ui import exact

from .naming import Names, Owner


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute. `waits`: the bank waits for an answer; `withholds`: it may withhold the plan; amounts in words."""

    id: UUID
    owner: Owner
    reason: str
    state: str
    tone: str
    amount: str
    withdrawn: str
    fee: str
    due_at: datetime | None
    created_at: datetime
    closed_at: datetime | None
    waits: bool
    sent: int
    released: bool
    decided: bool
    provider_id: str


def dispute_rows(found: Iterable[Dispute], names: Names) -> list[DisputeView]:
    """Return disputes as they are listed."""
    return [dispute_view(each, names) for each in found]


def dispute_view(dispute: Dispute, names: Names) -> DisputeView:
    """Return a dispute as its page shows it."""
    state, tone = DISPUTE_STATES[(dispute.outcome or dispute.stage).value]
    waits = dispute.status in ANSWERABLE
    if waits:
        state, tone = "Waits for you", "bad"
    elif dispute.outcome is None and dispute.submissions:
        state, tone = "With the bank", "neutral"
    return DisputeView(
        id=dispute.id,
        owner=names.owners[dispute.organization_id],
        reason=dispute.reason.replace("_", " ").capitalize(),
        state=state,
        tone=tone,
        amount=exact(dispute.amount),
        withdrawn=exact(dispute.withdrawn),
        fee=exact(dispute.fee),
        due_at=dispute.due_at,
        created_at=dispute.created_at,
        closed_at=dispute.closed_at,
        waits=waits,
        sent=dispute.submissions,
        released=dispute.released_at is not None,
        decided=dispute.stage is Stage.CLOSED,
        provider_id=dispute.provider_id,
    )
