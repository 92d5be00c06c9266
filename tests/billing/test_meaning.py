"""What a status means, and which of several subscriptions decides."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from tollkeeper.billing.subscriptions import MEANINGS, Standing, Subscription
from tollkeeper.billing.subscriptions.rules import granting, grants, meaning, shown, standing

DAY = datetime(2026, 3, 1, tzinfo=UTC)
RANK = {"free": 0, "pro": 1, "premium": 2}


def subscription(status: str, plan: str | None = "pro", *, day: int = 1, ident: str = "sub_1") -> Subscription:
    return Subscription(
        id=UUID(int=day),
        organization_id=UUID(int=1),
        provider_id=ident,
        status=status,
        plan=plan,
        price_id=None,
        quantity=1,
        current_period_start=DAY,
        current_period_end=DAY.replace(month=4),
        cancel_at_period_end=False,
        cancel_at=None,
        canceled_at=None,
        ended_at=None,
        trial_end=None,
        started_at=DAY.replace(day=day),
        payment_method=None,
    )


@pytest.mark.parametrize("status", ["trialing", "active", "past_due"])
def test_these_statuses_give_the_plan(status: str) -> None:
    assert grants(subscription(status))
    assert not meaning(status).over


@pytest.mark.parametrize("status", ["incomplete", "unpaid", "paused", "invented_in_2030"])
def test_these_statuses_wait(status: str) -> None:
    assert not grants(subscription(status))
    assert not meaning(status).over
    assert shown([subscription(status)], RANK) is not None


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired"])
def test_these_statuses_are_the_end(status: str) -> None:
    assert not grants(subscription(status))
    assert meaning(status).over
    assert shown([subscription(status)], RANK) is None


def test_the_table_covers_every_published_status() -> None:
    assert len(MEANINGS) == 8


def test_a_price_that_is_none_of_ours_gives_no_plan() -> None:
    assert granting([subscription("active", None)], RANK) is None


def test_the_higher_plan_decides_then_the_later_start() -> None:
    pro, premium = subscription("active", "pro", day=9), subscription("past_due", "premium", day=2)
    again = subscription("active", "premium", day=3, ident="sub_2")
    assert granting([pro, premium], RANK) is premium
    assert granting([again, premium, pro], RANK) is again
    assert granting([subscription("canceled", "premium"), pro], RANK) is pro


def test_what_is_granted_is_the_plan_and_its_period() -> None:
    assert standing(subscription("active")) == Standing("pro", DAY, DAY.replace(month=4))
    assert standing(None) == Standing(None, None, None)
