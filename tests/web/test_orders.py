"""Lists in either order of time, page by page: nothing is lost, nothing comes twice, ties are told apart."""

import html
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tollkeeper.billing.invoices import InvoiceOrder, list_all_invoices
from tollkeeper.billing.payments import PaymentOrder, list_charges, list_disputes, list_refunds
from tollkeeper.billing.subscriptions import SubscriptionOrder, list_subscriptions
from tollkeeper.identity import list_keys
from tollkeeper.identity.staff import StaffRole
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import Page, new_id
from tollkeeper.orgs import TeamMember, list_members
from tollkeeper.orgs.finding import browse_organizations
from tollkeeper.orgs.teams import MemberOrder

from .conftest import Browser, employing
from .shop import Shop

COPIES = 118
"""Of each thing, beside the first: more than two pages of every list."""
LISTS = {
    "/admin/subscriptions": "started",
    "/admin/invoices": "issued",
    "/admin/payments": "created",
    "/admin/refunds": "created",
    "/admin/disputes": "created",
    "/admin/webhooks": "received_at",
    "/admin/webhooks?status=processed": "received_at",
    "/admin/jobs": "created_at",
    "/keys": "created",
    "/billing": "issued",
}
SORTED = {
    "/admin/subscriptions": ("plan", "next"),
    "/admin/invoices": ("total",),
    "/admin/payments": ("amount",),
    "/admin/refunds": ("amount",),
    "/admin/disputes": ("amount", "due_at"),
    "/admin/organizations": ("name",),
    "/admin/people": ("email", "name"),
    "/keys": ("name",),
    "/billing": ("total",),
    "/team": ("name", "email", "role", "joined"),
    "/security": ("created",),
}
"""What lists are sorted by beside their usual time."""
# Few amounts in two currencies, few times, and some without: what is equal is told apart by its id.
TIES = """
update invoices set total = 100 + total % 5, currency = case when total % 3 = 0 then 'eur' else 'usd' end;
update payments set amount = 100 + amount % 5, currency = case when amount % 3 = 0 then 'eur' else 'usd' end;
update refunds set amount = 100 + amount % 5;
update disputes set amount = 100 + amount % 5, due_at = created_at + make_interval(days => (amount % 3)::int),
    status = case when amount % 4 = 0 then 'lost' else 'needs_response' end;
update disputes set due_at = null where amount = 101 and id::text < '8';
update api_keys set name = (array['Blue', 'blue', 'Ätna', 'zoo'])[1 + length(name) % 4];
update subscriptions set plan = null where quantity % 4 = 0;
update subscriptions set current_period_end = case when quantity % 5 > 0 then current_period_end end;
update subscriptions set pause_behavior = 'void', paused_until = started_at where quantity % 7 = 0;
update subscriptions set pause_behavior = 'void' where quantity % 11 = 0;
update subscriptions set ended_at = started_at, status = 'canceled' where quantity % 13 = 0;
"""
NEXT = """
case when ended_at is not null then ended_at when pause_behavior = 'void' then paused_until else current_period_end end
"""
ANSWER_BY = "case when status = 'needs_response' then due_at end"
# Two of a kind at each moment; amounts tell the rows of a page apart.
COPY = """
insert into {table} select (jsonb_populate_record(null::{table}, to_jsonb(t) || jsonb_build_object(
    'id', gen_random_uuid(), '{unique}', t.{unique} || n, '{money}', {value},
    '{at}', t.{at} - make_interval(hours => n / 2)))).*
from (select * from {table} order by {at} desc limit 1) t, generate_series(1, {copies}) n
"""
DISPUTE = """
insert into disputes select (jsonb_populate_record(null::disputes, jsonb_build_object(
    'id', gen_random_uuid(), 'customer_id', p.customer_id, 'payment_id', p.id, 'provider_id', 'dp_1',
    'status', 'needs_response', 'reason', 'fraudulent', 'amount', 1, 'currency', 'usd', 'has_evidence', false,
    'past_due', false, 'submissions', 0, 'refundable', false, 'withdrawn', 0, 'fee', 0, 'evidence', '{}'::jsonb,
    'created_at', p.created_at, 'synced_at', p.created_at))).* from payments p limit 1
"""
REFUND = """
insert into refunds select (jsonb_populate_record(null::refunds, jsonb_build_object(
    'id', gen_random_uuid(), 'customer_id', p.customer_id, 'payment_id', p.id, 'provider_id', 're_1',
    'status', 'succeeded', 'amount', 1, 'currency', 'usd', 'created_at', p.created_at,
    'synced_at', p.created_at))).* from payments p limit 1
"""


def fill(database: str) -> None:
    """Have many of each thing that a purchase leaves behind."""
    with psycopg.connect(database) as connection:
        connection.execute("update provider_events set status = 'processed'")  # the latest may still wait for its turn
        connection.execute(REFUND)
        connection.execute(DISPUTE)
        for table, unique, money, value, at in (
            ("subscriptions", "provider_id", "quantity", "n + 1", "started_at"),
            ("invoices", "provider_id", "total", "n + 10000", "issued_at"),
            ("payments", "provider_id", "amount", "n + 10000", "created_at"),
            ("refunds", "provider_id", "amount", "n + 10000", "created_at"),
            ("disputes", "provider_id", "amount", "n + 10000", "created_at"),
            ("provider_events", "provider_id", "attempts", "n", "received_at"),
            ("api_keys", "name", "last_four", "right('000' || n, 4)", "created_at"),
        ):
            statement = COPY.format(table=table, unique=unique, money=money, value=value, at=at, copies=COPIES)
            connection.execute(statement.encode())
        connection.execute(
            "insert into procrastinate_jobs (queue_name, task_name, priority, scheduled_at)"
            " select 'default', 'test.job', 0, now() + interval '1 day' from generate_series(1, 119)"
        )


async def walk(browser: Browser, address: str) -> list[str]:
    """Every row of a list, from its first page to its last."""
    rows: list[str] = []
    while address:
        answer = await browser.get(address)
        assert answer.status_code == 200, answer.text
        body = re.findall(r"<tbody>(.*?)</tbody>", answer.text, re.DOTALL)[-1]
        rows += [re.sub(r"<time.*?</time>", "", row) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]
        following = re.search(r'href="([^"]+)" rel="next"', answer.text)
        address = html.unescape(following[1]) if following else ""
    return rows


async def walked(read: Callable[..., Awaitable[Page[Any]]]) -> list[UUID]:
    """The ids of a list, page by page."""
    found: list[UUID] = []
    cursor: str | None = None
    while True:
        page = await read(cursor=cursor)
        found += [each.id for each in page.data]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.fixture
async def boss(other_browser: Browser, runtime: Runtime) -> Browser:
    return await employing(other_browser, runtime, "boss@example.com")(StaffRole.ADMIN)


async def test_lists_are_walked_from_either_end(
    shop: Shop, browser: Browser, boss: Browser, clean_database: str
) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    await browser.create_key()
    fill(clean_database)
    for path, column in LISTS.items():
        reader = boss if path.startswith("/admin") else browser
        mark = "&" if "?" in path else "?"
        newest, oldest = await walk(reader, path), await walk(reader, f"{path}{mark}sort={column}")
        assert len(newest) == len(set(newest)) > COPIES, path
        assert oldest == newest[::-1], path
        assert await walk(reader, f"{path}{mark}sort=-{column}") == newest, path
        head = (await reader.get(f"{path}{mark}sort={column}")).text
        assert 'aria-sort="ascending"' in head, path
        assert 'aria-sort="descending"' in (await reader.get(f"{path}{mark}sort=nothing")).text, path


async def test_every_order_is_walked_from_either_end_over_ties_and_what_is_missing(
    shop: Shop, browser: Browser, runtime: Runtime, clean_database: str
) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    await browser.create_key()
    fill(clean_database)
    with psycopg.connect(clean_database) as connection:
        connection.execute(TIES)
    async with runtime.transaction(of_all=True) as tx:
        [owner] = (await browse_organizations(tx)).data
        lists: dict[str, Callable[..., Awaitable[Page[Any]]]] = {
            "subscriptions order by coalesce(plan, ''), started_at, id": partial(
                list_subscriptions, tx, order=SubscriptionOrder.PLAN
            ),
            f"subscriptions order by {NEXT} nulls last, id": partial(
                list_subscriptions, tx, order=SubscriptionOrder.NEXT
            ),
            "invoices order by currency, total, id": partial(list_all_invoices, tx, order=InvoiceOrder.TOTAL),
            "payments order by currency, amount, id": partial(list_charges, tx, None, order=PaymentOrder.AMOUNT),
            "refunds order by currency, amount, id": partial(list_refunds, tx, None, order=PaymentOrder.AMOUNT),
            "disputes order by currency, amount, id": partial(list_disputes, tx, None, order=PaymentOrder.AMOUNT),
            f"disputes order by {ANSWER_BY} nulls last, id": partial(list_disputes, tx, None, order=PaymentOrder.DUE),
            'api_keys order by lower(name) collate "C", id': partial(keys_by_name, tx, owner.id),
        }
        for whole, read in lists.items():
            with psycopg.connect(clean_database) as connection:
                wanted = [row[0] for row in connection.execute(b"select id from " + whole.encode())]
            assert len(wanted) > COPIES
            for descending in (False, True):
                found = await walked(partial(read, descending=descending, limit=7))
                assert found == (wanted[::-1] if descending else wanted), (whole, descending)


def keys_by_name(
    tx: Tx, organization_id: UUID, *, descending: bool, cursor: str | None, limit: int
) -> Awaitable[Page[Any]]:
    after = UUID(cursor) if cursor else None
    return list_keys(tx, organization_id, by_name=True, descending=descending, cursor=after, limit=limit)


async def test_heads_sort_by_more_than_time_and_a_place_of_another_order_is_none(
    shop: Shop, browser: Browser, boss: Browser
) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    await browser.create_key()
    for path, columns in SORTED.items():
        reader = boss if path.startswith("/admin") else browser
        for column in columns:
            for sort, aria, turned in ((column, "ascending", f"-{column}"), (f"-{column}", "descending", column)):
                shown = await reader.get(f"{path}?sort={sort}")
                assert shown.status_code == 200, shown.text
                if "<thead>" in shown.text:  # nothing was given back or disputed
                    head = f'aria-sort="{aria}"[^>]*><a class="sorts" href="{path}[?]sort={turned}[#a-z]*">'
                    assert re.search(head, shown.text), (path, sort)
    for cursor in ("2026-01-01T00:00:00+00:00~{}", "usd~{}", "usd~9e9~{}", "usd~99999999999999999999~{}", "%00~1~{}"):
        address = f"/admin/invoices?sort=total&cursor={cursor.format(new_id())}"
        assert (await boss.client.get(address)).headers.get("location") == "/admin/invoices?sort=total"


TEAM = """
with made as (
    insert into users (id, email, name, time_zone, locale, created_at)
    select gen_random_uuid(), 'p' || n % 3 || n || '@example.com', (array['zoe', 'Bea', 'bea', 'Ärla'])[1 + n % 4],
        'UTC', 'en', now() from generate_series(1, 23) n
    returning id, email
) insert into members (organization_id, user_id, role, created_at)
select o.id, m.id, case when right(split_part(m.email, '@', 1), 1)::int % 2 = 0 then 'admin' else 'viewer' end,
    now() - make_interval(days => right(split_part(m.email, '@', 1), 1)::int)
from made m, organizations o
"""


async def test_a_team_is_sorted_by_who_they_are_and_since_when(
    runtime: Runtime, browser: Browser, clean_database: str
) -> None:
    await browser.sign_up("ada@example.com")
    with psycopg.connect(clean_database) as connection:
        connection.execute(TEAM)
    async with runtime.transaction(of_all=True) as tx:
        [team] = (await browse_organizations(tx)).data
        whole = list((await list_members(tx, team.id, limit=100)).data)
        assert len(whole) == 24
        keys: dict[MemberOrder, Callable[[TeamMember], Any]] = {
            MemberOrder.ACCOUNT: lambda each: each.user.id,
            MemberOrder.NAME: lambda each: (each.user.name.casefold(), each.user.id),
            MemberOrder.EMAIL: lambda each: each.user.email,
            MemberOrder.ROLE: lambda each: (each.role.name.casefold(), each.user.id),
            MemberOrder.JOINED: lambda each: (each.joined_at, each.user.id),
        }
        for order, key in keys.items():
            for descending in (False, True) if order is not MemberOrder.ACCOUNT else (False,):
                found: list[TeamMember] = []
                cursor: str | None = None
                while cursor or not found:
                    after = UUID(cursor) if cursor else None
                    page = await list_members(tx, team.id, order=order, descending=descending, cursor=after, limit=5)
                    found += page.data
                    cursor = page.next_cursor
                assert found == sorted(whole, key=key, reverse=descending), (order, descending)
