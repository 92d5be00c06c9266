"""The admin's pages of people and organizations: finding, the whole story, and what an admin does for them."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import httpx
import psycopg
import pytest

from tollkeeper.gate import Gate
from tollkeeper.identity.staff import StaffRole
from tollkeeper.infra import Runtime, Sought, search_trail
from tollkeeper.kit import Actor, ActorKind, FixedClock
from tollkeeper.orgs import OrganizationSuspendedError, create_organization, suspend_organization

from .conftest import Browser, Employ, employing, until_status
from .shop import Shop

BOSS, ADA = "boss@example.com", "ada@example.com"
SCRIPT = "<script>alert(1)</script>"
HOMES = re.compile(r'href="(/admin/organizations/[0-9a-f-]{36})"')
PEOPLE = re.compile(r'href="(/admin/people/[0-9a-f-]{36})"')


@pytest.fixture
async def employ(browser: Browser, other_browser: Browser, runtime: Runtime) -> Employ:
    """A browser in which somebody of staff is logged in, beside Ada's."""
    await browser.sign_up(ADA)

    return employing(other_browser, runtime, BOSS)


@pytest.fixture
async def boss(employ: Employ) -> Browser:
    return await employ(StaffRole.ADMIN)


async def home_of(admin: Browser, email: str = ADA) -> str:
    """Where the page of somebody's organization is, found the way staff find it."""
    found = await admin.get(f"/admin/search?q={email}")
    [person] = PEOPLE.findall(found.text)
    [home] = set(HOMES.findall((await admin.get(person)).text))
    return str(home)


async def acts_of(runtime: Runtime) -> list[str]:
    async with runtime.transaction(of_all=True) as tx:
        return [each.action for each in (await search_trail(tx, Sought(), limit=50)).data]


def track(key: str, site: httpx.ASGITransport) -> Callable[[], Awaitable[httpx.Response]]:
    async def call() -> httpx.Response:
        async with httpx.AsyncClient(transport=site, base_url="http://127.0.0.1:8000") as client:
            headers = {"Authorization": f"Bearer {key}"}
            return await client.post("/api/usage/track", json={"feature": "prompts"}, headers=headers)

    return call


async def test_everything_is_found_by_what_it_is_called(boss: Browser, browser: Browser) -> None:
    key = await browser.create_key("server")
    for sought in ("ada@", "ADA", key[:12], key[-4:], key):
        found = await boss.get(f"/admin/search?q={sought}")
        assert found.status_code == 200
        assert "Nothing is called so" not in found.text, sought
    home = await home_of(boss)
    assert home in (await boss.get(f"/admin/search?q={home.rpartition('/')[2]}")).text
    assert "Nothing is called so" in (await boss.get("/admin/search?q=nobody at all")).text
    assert SCRIPT not in (await boss.get(f"/admin/search?q={SCRIPT}")).text


async def test_what_is_sold_what_is_to_do_and_what_was_noted_is_found(boss: Browser, clean_database: str) -> None:
    home = await home_of(boss)
    await boss.send(home, f"{home}/notes", body="Pays by Bank transfer, 100 % upfront")
    with psycopg.connect(clean_database) as connection:
        connection.execute(
            "insert into procrastinate_jobs (id, queue_name, task_name, priority, scheduled_at)"
            " values (4711, 'default', 'test.search', 0, now() + interval '1 day')"
        )
    for sought, href in {
        "bank TRANSFER": f'href="{home}#notes"',
        "100 %": f'href="{home}#notes"',
        "pro": 'href="/admin/catalogue#plans"',
        "prompts": 'href="/admin/catalogue#features"',
        "4711": 'href="/admin/jobs/4711"',
        "test.search": 'href="/admin/jobs/4711"',
    }.items():
        assert href in (await boss.get("/admin/search?" + urlencode({"q": sought}))).text, sought
    for sought in ("bank_transfer", "100 % of", "4712", "test.searches", "prompt_"):
        found = (await boss.get("/admin/search?" + urlencode({"q": sought}))).text
        assert "Nothing is called so" in found, sought


async def test_what_was_bought_is_found_by_its_numbers_and_told_on_one_page(
    shop: Shop, boss: Browser, browser: Browser
) -> None:
    customer = await shop.buy(browser)
    home = await home_of(boss)
    assert home in (await boss.get(f"/admin/search?q={customer}")).text
    page = (await boss.get(home)).text
    assert "Pro" in page
    number = re.search(r'href="/admin/invoices/[0-9a-f-]+">([^<]+)</a>', page)
    assert number is not None
    assert "/admin/invoices/" in (await boss.get(f"/admin/search?q={number[1].lower()}")).text
    assert ">Refund<" in page
    assert "subscription.changed" in page or "Subscription" in page


async def test_lists_go_by_name_and_page_by_page(boss: Browser, runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        for number in range(60):
            await create_organization(tx, f"Zebra {number:02}", None)
    first = await boss.get("/admin/organizations?q=zebra&sort=name")
    assert "Zebra 00" in first.text
    assert "Zebra 55" not in first.text
    following = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert following is not None
    second = await boss.get(following[1].replace("&amp;", "&"))
    assert "Zebra 55" in second.text
    assert "Zebra 49" not in second.text
    assert "Zebra 59" in (await boss.get("/admin/organizations")).text
    on_pro = (await boss.get("/admin/organizations?plan=pro&q=zebra&sort=name")).text
    assert "Nobody is called so" in on_pro
    assert '<option value="pro" selected>Pro</option>' in on_pro
    assert 'value="zebra"' not in on_pro, "those on a plan are a list of their own"
    assert 'aria-sort="ascending"' in (await boss.get("/admin/organizations?q=zebra")).text, "by name, as they begin"
    assert BOSS in (await boss.get("/admin/people?who=staff")).text
    assert ADA not in (await boss.get("/admin/people?who=staff")).text
    assert ADA in (await boss.get("/admin/people?q=ada@&sort=-email")).text


async def test_a_suspended_organization_uses_nothing_until_it_is_taken_back(
    boss: Browser, browser: Browser, runtime: Runtime, site: httpx.ASGITransport
) -> None:
    call = track(await browser.create_key(), site)
    assert (await call()).status_code == 200
    home = await home_of(boss)
    refused = await boss.send(f"{home}/suspend", f"{home}/suspend", reason=" ")
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    done = await boss.send(f"{home}/suspend", f"{home}/suspend", reason=f"Unpaid since May {SCRIPT}")
    assert (done.status_code, done.headers["location"]) == (303, home)
    answer = await until_status(call, 403)
    assert answer.json()["code"] == "organization_suspended"
    page = (await boss.get(home)).text
    assert "Suspended since" in page
    assert "Unpaid since May &lt;script&gt;" in page
    assert "Suspended" in (await boss.get("/admin/organizations?state=suspended")).text

    assert (await browser.get("/dashboard")).status_code == 200  # its people still see everything,
    assert "is suspended" in (await browser.get("/billing")).text
    key = await browser.send("/keys", "/keys", name="another", expires="")
    assert key.status_code == 403  # and change nothing
    assert "You can still read and export everything, pay and cancel" in key.text
    assert (await browser.send("/profile", "/logout")).status_code == 303

    assert (await boss.send(f"{home}/reinstate", f"{home}/reinstate")).status_code == 303
    await until_status(call, 200)
    assert {"organization.suspended", "organization.reinstated"} <= set(await acts_of(runtime))


async def test_an_operator_uses_nothing_for_a_suspended_organization(boss: Browser, runtime: Runtime) -> None:
    organization_id = (await home_of(boss)).rpartition("/")[2]
    async with runtime.transaction() as tx:
        await suspend_organization(tx, UUID(organization_id), "unpaid")
    operator, gate = Actor(ActorKind.OPERATOR_KEY, frozenset()), runtime.part(Gate)
    for _ in range(200):
        try:
            await gate.to_use(operator, organization_id)
        except OrganizationSuspendedError:
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the operator still uses something")


async def test_credits_are_given_once_however_often_the_form_comes(boss: Browser) -> None:
    home = await home_of(boss)
    wrong = await boss.send(f"{home}/credits", f"{home}/credits", feature="prompts", amount="-1", reason="x")
    assert wrong.status_code == 422
    fields = {"feature": "prompts", "amount": "2,500", "until": "", "reason": SCRIPT, "once": "a" * 32}
    for _ in range(2):
        assert (await boss.send(f"{home}/credits", f"{home}/credits", **fields)).status_code == 303
    page = (await boss.get(home)).text
    assert page.count("2,500 of 2,500 left") == 1
    assert SCRIPT not in page


async def test_the_plan_changes_after_its_price_was_seen(shop: Shop, boss: Browser, browser: Browser) -> None:
    await shop.buy(browser)
    home = await home_of(boss)
    seen = await boss.send(f"{home}/plan", f"{home}/plan/preview", to="premium/month", at="")
    assert seen.status_code == 200
    assert "Due now" in seen.text
    done = await boss.send(f"{home}/plan", f"{home}/plan", to="premium/month", at="", once="b" * 32)
    assert done.status_code == 303, done.text
    assert "Premium" in (await boss.get(home)).text
    ended = await boss.send(f"{home}/cancel", f"{home}/cancel", at="period_end")
    assert ended.status_code == 303
    assert "Ends soon" in (await boss.get(home)).text
    late = await boss.send(f"{home}/trial", f"{home}/trial", until="2030-01-01")
    assert late.status_code == 409  # no trial runs


async def test_a_paid_period_is_made_longer_for_nothing(
    shop: Shop, boss: Browser, browser: Browser, runtime: Runtime
) -> None:
    await shop.buy(browser)
    home = await home_of(boss)
    act = f"{home}/extend"
    page = await boss.get(act)
    for asked in (page, await boss.get(f"{home}/cancel")):
        assert re.search(r">Plan</dt><dd[^>]*>[A-Z][a-z]+</dd>", asked.text), "a plan is called by its name"
    shown = re.search(r'name="end" value="(\d+)"', page.text)
    assert shown is not None
    end = datetime.fromtimestamp(int(shown[1]), UTC)
    for wrong in ({"days": "0"}, {"days": "366"}, {"days": "x"}, {"reason": " "}, {"end": "soon"}, {"end": "1"}):
        refused = await boss.answer(page, act, **{"days": "10", "reason": "An outage", **wrong})
        assert refused.status_code == 422, wrong
        assert "aria-invalid" in refused.text
    for _ in range(2):  # sent twice, it extends once
        done = await boss.answer(page, act, days="10", reason=SCRIPT)
        assert done.status_code == 303, done.text
    story = (await boss.get(home)).text
    later = end + timedelta(days=10)
    assert f"runs until {later:%-d %b %Y}" in story
    assert "Extend period" in story
    theirs = (await browser.get("/billing")).text
    assert f'datetime="{later:%Y-%m-%dT%H:%M:%SZ}"' in theirs
    assert "Made longer at no charge, renews" in theirs
    assert not re.search(r">\s*Trial\s*<", story + theirs), "it is paid, and no trial"
    assert "Extended" in (await boss.get("/admin/subscriptions")).text
    assert (await boss.send(f"{home}/trial", f"{home}/trial", until="2030-01-01")).status_code == 409
    assert (await boss.answer(page, act, days="20", reason="x")).status_code == 409, "the page was used"
    still = await boss.answer(await boss.get(act), act, days="5", reason="Another outage")
    assert still.status_code == 303, still.text
    assert f"{later + timedelta(days=5):%-d %b %Y}" in (await boss.get(home)).text
    async with runtime.transaction(of_all=True) as tx:
        acts = (await search_trail(tx, Sought(), limit=50)).data
    [_, told] = [each for each in acts if each.action == "subscription.extended"]  # the latest first
    assert (told.after or {})["reason"] == SCRIPT
    assert SCRIPT not in (await boss.get("/admin/trail")).text


async def test_nothing_is_made_longer_that_was_not_bought(boss: Browser) -> None:
    act = f"{await home_of(boss)}/extend"
    refused = await boss.answer(await boss.get(act), act, days="10", reason="x")
    assert refused.status_code in {409, 422}
    assert "Extend period" not in (await boss.get(await home_of(boss))).text


async def test_notes_are_for_staff_and_stay_text(boss: Browser, browser: Browser, runtime: Runtime) -> None:
    home = await home_of(boss)
    kept = await boss.send(home, f"{home}/notes", body=f"Called twice.\n{SCRIPT}")
    assert kept.status_code == 303
    page = (await boss.get(home)).text
    assert "Called twice." in page
    assert SCRIPT not in page
    remove = re.search(rf'action="({home}/notes/[0-9a-f-]+/remove)"', page)
    assert remove is not None
    assert (await boss.send(home, remove[1])).status_code == 303
    assert "Called twice." not in (await boss.get(home)).text
    assert {"note.written", "note.removed"} <= set(await acts_of(runtime))
    assert "note.written" not in (await browser.get("/audit")).text


async def test_support_looks_and_acts_as_a_member_with_a_reason(employ: Employ, runtime: Runtime) -> None:
    support = await employ(StaffRole.SUPPORT)
    home = await home_of(support)
    assert (await support.get(f"{home}/suspend")).status_code == 403
    act_as = re.search(rf'href="({home}/members/[0-9a-f-]+/act-as)"', (await support.get(home)).text)
    assert act_as is not None
    assert (await support.send(act_as[1], act_as[1], reason="")).status_code == 422
    begun = await support.send(act_as[1], act_as[1], reason="She asked for help")
    assert (begun.status_code, begun.headers["location"]) == (303, "/dashboard")
    assert "You act as" in (await support.get("/dashboard")).text
    assert (await support.get("/admin")).status_code == 403  # not staff while they act as somebody
    assert "impersonation.begun" in await acts_of(runtime)


async def test_somebody_is_logged_out_everywhere(boss: Browser, browser: Browser) -> None:
    found = await boss.get(f"/admin/search?q={ADA}")
    [person] = PEOPLE.findall(found.text)
    assert (await boss.send(f"{person}/log-out", f"{person}/log-out")).status_code == 303
    for _ in range(200):
        if str((await browser.get("/dashboard")).url).endswith("/login?next=%2Fdashboard"):
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("Ada is still logged in")


async def test_an_old_proof_is_asked_for_again_before_an_act(boss: Browser, clock: FixedClock) -> None:
    home = await home_of(boss)
    clock.advance(timedelta(minutes=11))
    asked = await boss.client.get(f"{home}/suspend")
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/step-up?next=")
    assert (await boss.get(home)).status_code == 200  # looking needs no new one


async def test_nobody_else_is_let_in(employ: Employ, browser: Browser) -> None:
    await employ(StaffRole.SUPPORT)
    for path in ("/admin", "/admin/search?q=a", "/admin/organizations", "/admin/people"):
        assert (await browser.client.get(path)).status_code == 403
