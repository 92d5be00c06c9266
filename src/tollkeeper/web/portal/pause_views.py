"""What the billing pages show of pauses, and of coming back after the end. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tollkeeper.billing import Invoice, Status, Subscription, last_ended
from tollkeeper.catalog import Catalogue
from tollkeeper.kit import FieldProblem, InvalidInputError

from .billing_views import can_change, plan_bought
from .views import Banner

A_MONTH = timedelta(days=30)
WHO_CAN = "Only we can pause plans here and let them go on: write to us."


@dataclass(frozen=True, slots=True)
class PauseView:
    """What can be done about a pause. `plan` is the name of what rests or could; `why_not` says who can go on instead.

    `back` is the name of the plan to come back to after the end; empty: there is none.
    """

    plan: str
    can_pause: bool = False
    can_go_on: bool = False
    why_not: str = ""
    back: str = ""


def pause_view(
    status: Status,
    catalogue: Catalogue,
    subscriptions: Iterable[Subscription],
    newest: Invoice | None,
    longest: timedelta | None,
) -> PauseView:
    """Return what the billing page offers.

    Args:
        status: what the customer has.
        catalogue: the plans.
        subscriptions: all that the customer ever had.
        newest: the customer's latest invoice; None: there is none.
        longest: for how long members may pause; None: not at all.
    """
    subscription, plan = status.subscription, plan_bought(status, catalogue).name
    if subscription is None:
        return PauseView(plan, back=_plan_to_come_back_to(catalogue, subscriptions))
    if subscription.pause is not None:
        return PauseView(plan, can_go_on=longest is not None, why_not="" if longest else WHO_CAN)
    if owes_after_pause(subscription, newest):
        return PauseView(plan, can_go_on=True)
    pausable = status.status == "active" and can_change(status) and subscription.pending is None
    return PauseView(plan, can_pause=pausable and longest is not None)


def owes_after_pause(subscription: Subscription, newest: Invoice | None) -> bool:
    """Whether a pause is over and its void period has to be paid before the plan is back; `newest` as above."""
    void = newest is not None and newest.status == "void" and newest.subscription == subscription.provider_id
    return subscription.pause is None and subscription.unpaid and void


def owed_banner(plan: str, *, manages: bool, goes_on: bool) -> Banner:
    """Say that a pause is over and the plan not back; `manages`: the reader looks after it, `goes_on`: and may pay."""
    text = "The pause is over, and the payment for the new period did not go through."
    if not manages:
        return Banner("bad", f"{plan} is not back yet", f"{text} Somebody who manages billing can pay it.")
    if not goes_on:
        return Banner("bad", f"{plan} is not back yet", text)
    return Banner("bad", f"{plan} is not back yet", text, "/billing/unpause", "Pay and go on")


def _plan_to_come_back_to(catalogue: Catalogue, subscriptions: Iterable[Subscription]) -> str:
    last = last_ended(subscriptions)
    plan = catalogue.plans.get(last.plan or "") if last else None
    return plan.name if plan is not None and plan.prices and plan.archived_at is None else ""


@dataclass(frozen=True, slots=True)
class Days:
    """The days on which a pause can end; `suggested` is one of them."""

    earliest: date
    latest: date
    suggested: date
    bound: str


def days_of(longest: timedelta, now: datetime) -> Days:
    """Return the days on which a pause can end that begins now. It ends as the day begins, in UTC."""
    earliest, latest = (now + timedelta(days=1)).date(), (now + longest).date()
    most = "a day" if longest.days == 1 else f"{longest.days} days"
    suggested = min(latest, (now + A_MONTH).date())
    return Days(earliest, latest, suggested, f"At most {most}, so until {latest:%-d %b %Y}.")


def day_of(text: str) -> datetime:
    """Return the moment at which the day of a form begins.

    Raises:
        InvalidInputError: it is no day.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError([FieldProblem("until", "Choose a day.")]) from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
