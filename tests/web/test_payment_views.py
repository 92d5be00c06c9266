"""The rows of payments, refunds and disputes on the page of an invoice."""

from datetime import UTC, datetime, timedelta

from tollkeeper.billing import Charge, PaymentMethod, PaymentsOfInvoice, Refund, Status, Subscription
from tollkeeper.catalog import Catalogue, Plan
from tollkeeper.kit import Money, new_id
from tollkeeper.web.portal.billing_views import status_banners
from tollkeeper.web.portal.payment_views import PaymentView, payment_rows

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
PRICE, NOTHING = Money(2000, "usd"), Money(0, "usd")


def charge(status: str, hours: int, method: PaymentMethod | None, failure: str | None = None) -> Charge:
    return Charge(
        id=new_id(),
        organization_id=new_id(),
        provider_id="ch_1",
        intent="pi_1",
        invoice="in_1",
        status=status,
        amount=PRICE,
        refunded=NOTHING,
        disputed=False,
        method=method,
        failure_code="card_declined" if failure else None,
        failure_message=failure,
        created_at=AT + timedelta(hours=hours),
    )


def refund(status: str) -> Refund:
    return Refund(
        id=new_id(),
        organization_id=new_id(),
        payment_id=new_id(),
        provider_id="re_1",
        invoice="in_1",
        status=status,
        amount=Money(500, "usd"),
        reason="requested_by_customer",
        note="between us",
        request=None,
        failure_reason=None,
        created_at=AT + timedelta(hours=3),
    )


def test_what_happened_is_told_in_its_order() -> None:
    visa = PaymentMethod("card", "visa", "4242", 12, 2040)
    found = PaymentsOfInvoice(
        [charge("succeeded", 2, visa), charge("failed", 1, visa, "Your card was declined.")], [refund("failed")], []
    )
    declined, paid, back = payment_rows(found)
    assert declined == PaymentView(
        AT + timedelta(hours=1), "Visa ending in 4242", "Your card was declined.", "Declined", "bad", "$20.00"
    )
    assert (paid.state, paid.words) == ("Paid", "")
    assert (back.what, back.state, back.words) == ("Refund", "Came back", "Requested by customer")
    assert "5.00" in back.amount
    assert "between us" not in str(back), "our notes are not for customers"


def test_words_nobody_knows_yet_are_shown_as_they_are() -> None:
    account = PaymentMethod("us_bank_account", None, "6789")
    [bank] = payment_rows(PaymentsOfInvoice([charge("held", 0, account)], [], []))
    assert (bank.what, bank.state, bank.tone) == ("Bank Account ending in 6789", "Held", "neutral")
    [unknown] = payment_rows(PaymentsOfInvoice([charge("pending", 0, None)], [], []))
    assert (unknown.what, unknown.state) == ("Payment", "On its way")


def test_a_plan_that_a_dispute_withholds_is_told_of_first() -> None:
    subscription = Subscription(
        id=new_id(),
        organization_id=new_id(),
        provider_id="sub_1",
        status="active",
        plan="pro",
        price_id=None,
        quantity=1,
        current_period_start=AT,
        current_period_end=AT + timedelta(days=30),
        cancel_at_period_end=True,
        cancel_at=None,
        canceled_at=None,
        ended_at=None,
        trial_end=None,
        started_at=AT,
        payment_method=None,
        withheld="dispute,dunning",
    )
    free = Plan("free", "Free", "", 0, is_default=True, is_public=True, prices=(), entitlements=(), rates={})
    catalogue = Catalogue({}, {"free": free})
    status = Status(
        plan="free",
        status="active",
        current_period_start=AT,
        current_period_end=AT + timedelta(days=30),
        cancel_at_period_end=True,
        trial_end=None,
        subscription=subscription,
    )
    [banner] = status_banners(status, catalogue)
    assert (banner.tone, banner.title) == ("bad", "The plan cannot be used")
