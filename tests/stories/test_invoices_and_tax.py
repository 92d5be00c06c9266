"""Tax through a subscription's life: it follows the customer, and stays when the plan changes."""

import httpx
import pytest

from tollkeeper import billing
from tollkeeper.billing import Address, DetailsChange, InvoiceDocument
from tollkeeper.infra import TaxMode
from twin_process import CARD, SITE

from .telling import GOOD, Person, Story

BERLIN = {"line1": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


async def sell_with_tax(story: Story, mode: TaxMode, *rates: str) -> None:
    """The shop begins to charge tax."""
    await billing.close(story.runtime)
    taxed = {"tax": mode, "tax_rates": list(rates)}
    story.runtime.settings = story.runtime.settings.model_copy(update=taxed)
    billing.provide(story.runtime)


async def buys(person: Person, plan: str, **said: str) -> None:
    """Buy a plan, saying on the page where one lives."""
    wish = billing.Purchase(success_url=f"{SITE}/ok", cancel_url=f"{SITE}/no", plan=plan)
    async with person.story.runtime.transaction() as tx:
        buyer = billing.Buyer(person.organization.id, person.organization.name, "ada@example.com")
        page = await billing.create_checkout(tx, buyer, wish)
    async with httpx.AsyncClient(trust_env=False) as browser:
        sent = await browser.post(page.url, data={"email": "ada@example.com", "card_number": GOOD, **CARD, **said})
    assert sent.status_code == httpx.codes.SEE_OTHER
    await person.story.word_gets_round()


async def newest(person: Person) -> InvoiceDocument:
    async with person.story.runtime.transaction() as tx:
        found = (await billing.list_invoices(tx, person.organization.id)).data
        return await billing.get_document(tx, person.organization.id, found[0].id)


async def says(person: Person, change: DetailsChange) -> None:
    """Change what stands on coming invoices."""
    async with billing.provider_transaction(person.story.runtime) as tx:
        buyer = billing.Buyer(person.organization.id, person.organization.name, "ada@example.com")
        await billing.change_details(tx, buyer, change)


@pytest.fixture
async def ada(story: Story) -> Person:
    return await story.customer("Ada")


async def test_the_tax_follows_the_customer(story: Story, ada: Person) -> None:
    await sell_with_tax(story, TaxMode.AUTOMATIC)
    await buys(ada, "pro", **BERLIN)
    assert await ada.invoices() == [("paid", 2380)], "19 % in Germany"

    await says(ada, DetailsChange(address=Address(line1="Rue 1", city="Paris", country="FR")))
    await story.days_pass(32)
    assert (await ada.invoices())[0] == ("paid", 2400), "20 % in France"
    assert (await newest(ada)).invoice.billed_to.address == Address(line1="Rue 1", city="Paris", country="FR")

    async with billing.provider_transaction(story.runtime) as tx:
        buyer = billing.Buyer(ada.organization.id, "Ada", "ada@example.com")
        await billing.add_tax_id(tx, buyer, "eu_vat", "FRAB123456789")
    await story.days_pass(32)
    last = (await newest(ada)).invoice
    assert last.total.amount == 2000
    assert last.reverse_charge
    assert [each.value for each in last.billed_to.tax_ids] == ["FRAB123456789"]


async def test_a_plan_that_changes_later_is_taxed_as_before(story: Story, ada: Person) -> None:
    rate = await story.at_provider("POST", "tax_rates", display_name="VAT", percentage="20", inclusive="false")
    await sell_with_tax(story, TaxMode.RATES, rate["id"])
    await buys(ada, "premium", **BERLIN)
    first = (await newest(ada)).invoice
    assert first.tax.amount == first.subtotal.amount // 5

    await ada.moves_to("pro")
    await story.days_pass(32)
    assert await ada.standing() == ("pro", "active")
    assert (await ada.invoices())[0] == ("paid", 2400)
