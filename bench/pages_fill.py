"""What stands behind the pages of an operator with many customers: people, keys, the trail, webhooks, jobs."""

import psycopg
from rich.console import Console

RECORDS_EACH = 5
KEYS_EACH = 2
WEBHOOKS_EACH = 3
FAILED_JOBS = 500
PIECE = 20_000
out = Console(width=140)

# Customers came over the last two years, the first of them first.
_AGES = """
update organizations o set name = 'Bench ' || k.n, created_at = now() - interval '2 years' * (1 - k.n::float8 / %(all)s)
from bench_known k where k.id = o.id and k.n between %(first)s and %(last)s
"""
_STANDINGS = """
insert into gate_standings select r.* from bench_known k
join (select * from gate_standings where organization_id = %(like)s) t on true,
lateral jsonb_populate_record(null::gate_standings, to_jsonb(t) || jsonb_build_object('organization_id', k.id)) r
where k.n between %(first)s and %(last)s on conflict do nothing
"""
_PEOPLE = """
with made as (
    insert into users (id, email, name, time_zone, locale, created_at, verified_at)
    select uuidv7(), 'owner-' || k.n || '@bench.example', 'Owner ' || k.n, 'UTC', 'en', now(), now()
    from bench_known k where k.n between %(first)s and %(last)s returning id, email
) insert into members (organization_id, user_id, role, created_at)
select k.id, m.id, 'owner', now() from made m join bench_known k on m.email = 'owner-' || k.n || '@bench.example'
"""
_KEYS = """
insert into api_keys (id, organization_id, name, kind, scopes, prefix, last_four, created_at)
select uuidv7(), k.id, 'key ' || i, 'live', '[]', 'tk_live_' || substr(md5(k.n::text || i), 1, 6),
    right(md5(i || k.n::text), 4), now()
from bench_known k, generate_series(1, %(keys)s) i where k.n between %(first)s and %(last)s
"""
_TRAIL = """
with made as (
    insert into audit_trail (id, at, action, organization_id, actor_kind, user_id, target_kind, target_id, via,
        request_id)
    select uuidv7(), now(),
        (array['login.opened', 'key.created', 'member.changed', 'subscription.ordered', 'user.changed'])[1 + i %% 5],
        k.id, 'session', m.user_id, 'key', md5(k.n::text || i), 'POST /keys', md5(i || k.n::text)
    from bench_known k join members m on m.organization_id = k.id, generate_series(1, %(records)s) i
    where k.n between %(first)s and %(last)s returning id
) insert into audit_details (record_id, ip, user_agent, after, salt)
select id, '192.0.2.7', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0', '{"name": "server"}', '\\x00' from made
"""
_WEBHOOKS = """
insert into provider_events (id, account, provider_id, type, livemode, created_at, received_at, body, status, attempts,
    processed_at)
select uuidv7(), (select account from provider_prices limit 1), 'evt_bench' || k.n || 'x' || i,
    kinds.of[1 + i %% 3], false, now(), now(),
    convert_to(json_build_object('object', 'event', 'id', 'evt_bench' || k.n || 'x' || i, 'type', kinds.of[1 + i %% 3],
        'created', extract(epoch from now())::bigint, 'livemode', false,
        'data', json_build_object('object', json_build_object('customer', 'cus_' || k.n)))::text, 'UTF8'),
    case when (k.n + i) %% 500 = 0 then 'failed' else 'processed' end, 1, now()
from bench_known k, generate_series(1, %(webhooks)s) i,
    (select array['customer.subscription.updated', 'invoice.paid', 'charge.succeeded']) as kinds (of)
where k.n between %(first)s and %(last)s
"""
_JOBS = """
with made as (
    insert into procrastinate_jobs (queue_name, task_name, args, status, attempts)
    select 'billing', 'billing.process_event', '{}', 'failed', 10 from generate_series(1, %s) returning id
) insert into job_notes (job_id, error, failed_at) select id, 'ValueError: of the bench', now() from made
"""
_JOIN = """
update members set organization_id = %(like)s
where user_id = (select id from users where email = %(email)s)
"""


def fill_beside(database: str, organization: str, count: int) -> None:
    """Write what belongs to `count` customers named `bench-...`, each like `organization`, which bought."""
    with psycopg.connect(database, autocommit=True) as connection:
        for first in range(0, count, PIECE):
            span = {
                "first": first,
                "last": first + PIECE - 1,
                "all": count,
                "like": organization,
                "keys": KEYS_EACH,
                "records": RECORDS_EACH,
                "webhooks": WEBHOOKS_EACH,
            }
            for statement in (_AGES, _STANDINGS, _PEOPLE, _KEYS, _TRAIL, _WEBHOOKS):
                connection.execute(statement, span)
            out.print(f"  {min(first + PIECE, count):,} of {count:,} customers")
        connection.execute(_JOBS, [FAILED_JOBS])
        connection.execute("vacuum analyze")


def join(database: str, email: str, organization: str) -> None:
    """Have a person belong to this organization instead of their own."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_JOIN, {"email": email, "like": organization})


def some_of(database: str, query: str, count: int) -> list[str]:
    """Return the first column of some rows."""
    with psycopg.connect(database) as connection:
        return [str(row[0]) for row in connection.execute(query.encode()).fetchmany(count)]
