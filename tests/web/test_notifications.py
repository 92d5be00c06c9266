"""Which mails people want, by the page, and that the mails obey it."""

import re
from uuid import uuid4

from sqlalchemy import text

from mailbox_process import Post
from tollkeeper.billing import PaymentFailed, TrialEnding
from tollkeeper.identity import Notification, find_credentials, write_to
from tollkeeper.infra import Runtime
from tollkeeper.orgs import organizations_of

from .conftest import Browser

EMAIL = "ada@example.com"


def ticked(page: str) -> set[str]:
    """The sorts whose box is ticked."""
    return set(re.findall(r'type="checkbox" name="(\w+)" value="yes" checked', page))


async def test_who_chose_nothing_gets_everything_and_a_choice_is_kept(browser: Browser) -> None:
    await browser.sign_up(EMAIL)
    assert ticked((await browser.get("/notifications")).text) == {"usage", "billing", "team", "news"}
    answer = await browser.send("/notifications", "/notifications", usage="yes", team="yes")
    assert (answer.status_code, answer.headers["location"]) == (303, "/notifications")
    after = (await browser.get("/notifications")).text
    assert ticked(after) == {"usage", "team"}
    assert "Saved." in after
    await browser.send("/profile", "/profile/settings", theme="dark", language="en")
    assert ticked((await browser.get("/notifications")).text) == {"usage", "team"}


async def proved(runtime: Runtime) -> None:
    """Have everybody's address proved to be theirs."""
    async with runtime.transaction() as tx:
        await tx.connection.execute(text("update users set verified_at = created_at"))


async def subjects(post: Post) -> list[str]:
    """What the mails to Ada are about, the newest first, but for the one that every sign-up brings."""
    return [each for each in await post.subjects(EMAIL) if each != "Verify your e-mail address"]


async def used(browser: Browser, key: str, count: int) -> None:
    """Use prompts, as a program would."""
    call = {"feature": "prompts", "count": count}
    answer = await browser.client.post("/api/usage/track", json=call, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text


async def test_each_threshold_is_told_once_and_only_to_who_wants_to_hear_of_it(
    browser: Browser, runtime: Runtime, post: Post
) -> None:
    await browser.sign_up(EMAIL)
    key = await browser.create_key()
    await used(browser, key, 800)
    assert await subjects(post) == []  # the address may be somebody else's
    await proved(runtime)
    await used(browser, key, 100)
    await used(browser, key, 50)
    assert await subjects(post) == ["Ada Lovelace: 90 % of the prompts are used"]
    mail = (await post.mails(EMAIL))[0]
    assert "Ada Lovelace has used 900 of the 1,000 prompts of this period." in mail["text"]
    assert any(link.endswith("/notifications") for link in mail["links"])
    await browser.send("/notifications", "/notifications", billing="yes", team="yes")
    await used(browser, key, 50)
    assert len(await subjects(post)) == 1


async def test_what_keeps_the_account_safe_comes_whatever_was_chosen(
    browser: Browser, runtime: Runtime, post: Post
) -> None:
    await browser.sign_up(EMAIL)
    await proved(runtime)
    await browser.send("/notifications", "/notifications")
    assert ticked((await browser.get("/notifications")).text) == set()
    async with runtime.transaction() as tx:
        ada = await find_credentials(tx, EMAIL)
        assert ada is not None
        for sort in (None, *Notification):
            data = {"title": "T", "what": f"About {sort}.", "organization": "Ada"}
            assert await write_to(tx, [ada.user_id], "team_changed", sort=sort, **data) == (1 if sort is None else 0)
        organization = (await organizations_of(tx, ada.user_id))[0].organization
        await tx.emit(
            PaymentFailed(
                organization_id=organization.id,
                subscription_id=uuid4(),
                attempt=1,
                requires_action=False,
                page_url="https://pay.example/now",
            )
        )
    assert await subjects(post) == ["A payment for Ada Lovelace failed", "Ada: T"]


async def test_a_trial_that_ends_is_told_to_who_manages_billing(browser: Browser, runtime: Runtime, post: Post) -> None:
    await browser.sign_up(EMAIL)
    await proved(runtime)
    async with runtime.transaction() as tx:
        ada = await find_credentials(tx, EMAIL)
        assert ada is not None
        organization = (await organizations_of(tx, ada.user_id))[0].organization
        told = {"organization_id": organization.id, "subscription_id": uuid4(), "plan": "pro", "can_be_paid": False}
        await tx.emit(TrialEnding(trial_end=tx.now, **told))  # type: ignore[arg-type]
    mail = (await post.mails(EMAIL))[0]
    assert mail["subject"] == "Your trial of Pro ends soon"
    assert "There is no way to pay for what follows yet." in mail["text"]
