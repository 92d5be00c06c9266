"""Money that goes back: given by us, taken by a bank, and what the customer may use then."""

import pytest

from tollkeeper import billing
from tollkeeper.billing import payments
from tollkeeper.billing.flows import service
from tollkeeper.billing.payments import RefundOrder
from tollkeeper.billing.provider import RefundReason
from tollkeeper.infra import Event, Tx

from .telling import Person, Story

PRO = 2000
REFUND_FAILS, DISPUTED = "4000000000005126", "4000000000000259"


class Desk:
    """The desk of the operator, who hears everything that is told."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.heard: list[str] = []
        told = (
            payments.RefundMade,
            payments.RefundFailed,
            payments.DisputeOpened,
            payments.DisputeEvidenceDue,
            payments.DisputeClosed,
        )

        async def hear(_: Tx, event: Event) -> None:
            self.heard.append(event.name.removeprefix("billing."))

        story.runtime.routes.add(projections=dict.fromkeys(told, hear))

    async def gives_back(self, person: Person, amount: int | None = None, *, ending: bool = False) -> None:
        """Refund the newest invoice."""
        async with self.story.runtime.transaction() as tx:
            newest = (await billing.list_invoices(tx, person.organization.id)).data[0].id
            order = RefundOrder(amount, RefundReason.REQUESTED, "by phone", end_subscription=ending)
            await service.refund(tx, person.organization.id, newest, order)
        await self.story.word_gets_round()

    async def refunds(self, person: Person) -> list[tuple[str, int]]:
        """What was given back, newest first."""
        async with self.story.runtime.transaction() as tx:
            page = await payments.list_refunds(tx, person.organization.id)
        return [(each.status, each.amount.amount) for each in page.data]

    async def dispute(self, person: Person) -> payments.Dispute:
        """The one dispute there is."""
        async with self.story.runtime.transaction() as tx:
            [found] = (await payments.list_disputes(tx, person.organization.id)).data
        return found

    async def answers(self, person: Person, words: str) -> None:
        """Send evidence to the bank, with what the customer used."""
        async with self.story.runtime.transaction() as tx:
            dispute = (await self.dispute(person)).id
            written = {"uncategorized_text": words}
            await service.give_evidence(tx, dispute, written, usage_log=True, submit=True)
        await self.story.word_gets_round()

    async def lets_go(self, person: Person) -> None:
        """Give the plan back although the dispute is lost."""
        async with self.story.runtime.transaction() as tx:
            await service.let_go(tx, (await self.dispute(person)).id)


@pytest.fixture
def desk(story: Story) -> Desk:
    return Desk(story)


async def test_refunded_the_plan_goes_on_until_it_is_ended(story: Story, desk: Desk) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await story.days_pass(3)
    await desk.gives_back(ada, 500)
    assert await ada.standing() == ("pro", "active"), "money given back takes nothing away"
    await desk.gives_back(ada, ending=True)
    assert await desk.refunds(ada) == [("succeeded", PRO - 500), ("succeeded", 500)]
    assert await ada.standing() == ("free", "active")
    await story.days_pass(32)
    assert await ada.invoices() == [("paid", PRO)], "nothing is charged after the end"
    assert desk.heard == ["refund_made", "refund_made"]


async def test_the_refund_comes_back_and_is_given_again(story: Story, desk: Desk) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro", card=REFUND_FAILS)
    await desk.gives_back(ada)
    assert await desk.refunds(ada) == [("succeeded", PRO)]
    await story.days_pass(1)
    assert await desk.refunds(ada) == [("failed", PRO)], "the card was closed meanwhile"
    assert desk.heard == ["refund_made", "refund_failed"]
    await desk.gives_back(ada, PRO)
    assert await desk.refunds(ada) == [("succeeded", PRO), ("failed", PRO)]
    assert await ada.standing() == ("pro", "active")


async def test_the_bank_believes_us(story: Story, desk: Desk) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro", card=DISPUTED)
    found = await desk.dispute(ada)
    assert (found.stage, found.withdrawn.amount) == (payments.Stage.OPEN, PRO)
    assert await ada.standing() == ("pro", "active"), "an accusation takes nothing away"
    await desk.answers(ada, "winning_evidence")
    await story.days_pass(1)
    found = await desk.dispute(ada)
    assert (found.outcome, found.withdrawn.amount) == (payments.Outcome.WON, 0)
    assert await ada.standing() == ("pro", "active")
    assert desk.heard == ["dispute_opened", "dispute_closed"]


async def test_nobody_answers_the_bank(story: Story, desk: Desk) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro", card=DISPUTED)
    await story.days_pass(7)
    assert desk.heard == ["dispute_opened", "dispute_evidence_due"], "three days before the deadline"
    await story.days_pass(3)
    assert desk.heard[2:] == ["dispute_closed"]
    assert (await desk.dispute(ada)).outcome is payments.Outcome.LOST
    assert await ada.standing() == ("free", "active"), "what was not paid may not be used"
    await desk.lets_go(ada)
    assert await ada.standing() == ("pro", "active"), "the operator was paid otherwise"


async def test_a_lost_dispute_ends_the_subscription_where_that_is_set(story: Story, desk: Desk) -> None:
    story.runtime.settings = story.runtime.settings.model_copy(update={"disputes": "open:restrict, lost:end"})
    ada = await story.customer("Ada")
    await ada.buys("pro", card=DISPUTED)
    assert await ada.standing() == ("free", "active"), "withheld while the bank decides"
    assert (await ada.subscription())["status"] == "active"
    await desk.answers(ada, "losing_evidence")
    await story.days_pass(1)
    assert (await ada.subscription())["status"] == "canceled"
    await story.days_pass(32)
    assert await ada.invoices() == [("paid", PRO)], "nothing is charged after the end"
