"""What the pages say of plans that rest, in words."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tollkeeper.billing import Status, Subscription
from tollkeeper.billing.provider import Pause
from tollkeeper.catalog import Catalogue, Plan
from tollkeeper.kit import InvalidInputError, new_id
from tollkeeper.web.admin.money.list_views import next_of, state_of
from tollkeeper.web.portal.billing_views import can_cancel, can_change, status_banners, subscription_view
from tollkeeper.web.portal.pause_views import WHO_CAN, day_of, days_of, pause_view

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
END = datetime(2026, 4, 10, 12, tzinfo=UTC)
SIXTY = timedelta(days=60)
CATALOGUE = Catalogue(
    {},
    {
        key: Plan(
            key, key.capitalize(), "", 0, is_default=key == "free", is_public=True, prices=(), entitlements=(), rates={}
        )
        for key in ("free", "pro")
    },
)
RUNNING = Subscription(
    id=new_id(),
    organization_id=new_id(),
    provider_id="sub_1",
    status="active",
    plan="pro",
    price_id=None,
    quantity=1,
    current_period_start=AT,
    current_period_end=END,
    cancel_at_period_end=False,
    cancel_at=None,
    canceled_at=None,
    ended_at=None,
    trial_end=None,
    started_at=AT,
    payment_method=None,
)


def status_of(subscription: Subscription, plan: str = "free") -> Status:
    return Status(
        plan=plan,
        status=subscription.status,
        current_period_start=AT,
        current_period_end=END,
        cancel_at_period_end=subscription.cancel_at_period_end,
        trial_end=None,
        subscription=subscription,
    )


@pytest.mark.parametrize(
    ("pause", "leaving", "note", "until"),
    [
        (Pause("void", END), False, "On Free meanwhile, nothing is owed. Goes on", END),
        (Pause("void", None), False, "On Free meanwhile, nothing is owed.", None),
        (Pause("void", None), True, "On Free meanwhile. Cancelled, ends", END),
    ],
)
def test_a_plan_that_rests_says_until_when(pause: Pause, leaving: bool, note: str, until: datetime | None) -> None:
    resting = replace(RUNNING, pause=pause, cancel_at_period_end=leaving)
    status = status_of(resting)
    view = subscription_view(status, CATALOGUE)
    assert (view.plan, view.state, view.note, view.until) == ("Pro", "Paused", note, until)
    [banner] = status_banners(status, CATALOGUE)
    assert banner.title == ("Pro is paused until 10 Apr 2026" if pause.until else "Pro is paused")
    assert (can_cancel(status), can_change(status)) == (not leaving, False)
    staff_see = (("Ends soon", "warn"), ("Ends", END)) if leaving else (("Paused", "warn"), ("Goes on", until))
    assert (state_of(resting), next_of(resting)) == staff_see


def test_a_pause_that_keeps_the_plan_looks_like_no_pause() -> None:
    status = status_of(replace(RUNNING, pause=Pause("keep_as_draft", END)), "pro")
    assert subscription_view(status, CATALOGUE).state == "Active"
    assert status_banners(status, CATALOGUE) == []
    assert not can_change(status)


def test_what_can_be_done_about_it() -> None:
    resting = status_of(replace(RUNNING, pause=Pause("void", END)))
    assert pause_view(resting, CATALOGUE, [], None, SIXTY).can_go_on
    alone = pause_view(resting, CATALOGUE, [], None, None)
    assert (alone.can_go_on, alone.why_not) == (False, WHO_CAN)
    running = status_of(RUNNING, "pro")
    assert pause_view(running, CATALOGUE, [], None, SIXTY).can_pause
    assert not pause_view(running, CATALOGUE, [], None, None).can_pause
    for change in ({"cancel_at_period_end": True}, {"unpaid": True}, {"status": "trialing"}, {"status": "past_due"}):
        assert not pause_view(status_of(replace(RUNNING, **change)), CATALOGUE, [], None, SIXTY).can_pause, change
    coming = replace(RUNNING, unpaid=True, processing_since=AT)
    assert subscription_view(status_of(coming), CATALOGUE).state == "Active", "its payment is on its way"


def test_who_is_over_is_not_led_back_to_what_is_not_sold() -> None:
    over = replace(RUNNING, status="canceled", ended_at=END)
    nothing = replace(status_of(RUNNING), subscription=None)
    assert pause_view(nothing, CATALOGUE, [over], None, None).back == "", "it has no price any more"


def test_the_days_to_choose_from() -> None:
    days = days_of(SIXTY, AT)
    assert (days.earliest, days.suggested, days.latest) == (date(2026, 3, 11), date(2026, 4, 9), date(2026, 5, 9))
    assert days.bound == "At most 60 days, so until 9 May 2026."
    short = days_of(timedelta(days=1), AT)
    assert (short.suggested, short.bound) == (date(2026, 3, 11), "At most a day, so until 11 Mar 2026.")
    assert AT < day_of(days.latest.isoformat()) <= AT + SIXTY
    assert day_of("2026-03-11") == datetime(2026, 3, 11, tzinfo=UTC)
    for wrong in ("", "tomorrow", "2026-02-30"):
        with pytest.raises(InvalidInputError):
            day_of(wrong)
