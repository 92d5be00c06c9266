"""What disputes mean and do. Pure: decides on values passed in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from tollkeeper.billing.provider import ChargeState, DisputeState

from .model import Charge, Dispute, Effect, Outcome, Policy, Refund, Stage

STAGES: Mapping[str, tuple[Stage, Outcome | None]] = MappingProxyType(
    {
        "warning_needs_response": (Stage.INQUIRY, None),
        "warning_under_review": (Stage.INQUIRY, None),
        "needs_response": (Stage.OPEN, None),
        "under_review": (Stage.OPEN, None),
        "appeal_needs_response": (Stage.OPEN, None),
        "appeal_under_review": (Stage.OPEN, None),
        "won": (Stage.CLOSED, Outcome.WON),
        "lost": (Stage.CLOSED, Outcome.LOST),
        "warning_closed": (Stage.CLOSED, Outcome.CLOSED),
        "prevented": (Stage.CLOSED, Outcome.CLOSED),
    }
)
"""Every published status of a dispute, and what it means."""

ANSWERABLE = frozenset({"warning_needs_response", "needs_response", "appeal_needs_response"})
"""In these the bank waits for evidence."""
FAILED = frozenset({"failed", "canceled"})
"""In these a refund did not reach the customer."""


def stage_of(status: str) -> tuple[Stage, Outcome | None]:
    """Return what a status means; one invented later is taken for an inquiry, which takes nothing from anybody."""
    return STAGES.get(status, (Stage.INQUIRY, None))


def answer_by(found: Charge | Refund | Dispute) -> datetime | None:
    """Return by when the bank waits for an answer; None: it waits for none, or for as long as it takes."""
    return found.due_at if isinstance(found, Dispute) and found.status in ANSWERABLE else None


def read_policy(text: str) -> Policy:
    """Return the policy of a setting `open:keep, lost:restrict, remind:3`; what it leaves out stays so.

    Raises:
        ValueError: it is not written so.
    """
    said = {"open": "keep", "lost": "restrict", "remind": "3"}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, value = entry.split(":")
        if name not in said:
            raise ValueError(f"{name} is no part of the policy of disputes")
        said[name] = value
    return Policy(Effect(said["open"]), Effect(said["lost"]), int(said["remind"]))


def effect(dispute: Dispute, policy: Policy) -> Effect:
    """Return what a dispute does to its subscription now."""
    if dispute.released_at is not None:
        return Effect.KEEP
    if dispute.stage is Stage.OPEN:
        return policy.open
    return policy.lost if dispute.outcome is Outcome.LOST else Effect.KEEP


def refundable(charge: ChargeState, disputes: Sequence[DisputeState]) -> int:
    """Return how much of a charge can still be given back, in minor units."""
    if charge.status != "succeeded" or is_blocked(charge, disputes):
        return 0
    return charge.amount - charge.amount_refunded


def is_blocked(charge: ChargeState, disputes: Sequence[DisputeState]) -> bool:
    """Whether a bank holds the money of a charge, or has taken it for good."""
    mine = [each for each in disputes if each.charge_id == charge.id and not each.refundable]
    return any(stage_of(each.status)[1] in {None, Outcome.LOST} for each in mine)


def withholds(disputes: Sequence[Dispute], policy: Policy) -> bool:
    """Whether any of a subscription's disputes withholds its plan."""
    return any(effect(each, policy) is Effect.RESTRICT for each in disputes)


def comes_to_end(before: Dispute | None, after: Dispute, policy: Policy) -> bool:
    """Whether a dispute has just come to where it ends its subscription; asked again, it has not."""
    was = effect(before, policy) if before else Effect.KEEP
    return effect(after, policy) is Effect.END and was is not Effect.END
