"""What goes wrong with some of an operator's many customers: payments that fail, refunds, disputes, pauses, suspension.

Of a thousand customers 30 owe, 20 owed and have paid or left in the last month, 10 dispute a payment, 20 were given
one back, 10 rest and 2 are suspended. Each is another one, told by its number.
"""

import psycopg

# Each picks its customers by the last three digits of their number: `% 1000` of `bench_known`.
_BOUGHT = """
bench_known k join billing_customers c on c.organization_id = k.id join subscriptions s on s.customer_id = c.id
    join invoices i on i.customer_id = c.id join payments p on p.customer_id = c.id
"""
_OWING = f"""
insert into dunning_cases (id, organization_id, subscription_id, invoice, state, since, attempts, steps_done, next_at,
    requires_action, page_url, opened_at, closed_at)
select uuidv7(), k.id, s.id, i.provider_id,
    case when k.n % 1000 < 30 then 'grace' when k.n % 1000 < 40 then 'restricted'
        when k.n % 1000 < 55 then 'current' else 'ended' end,
    i.issued_at, 1 + k.n % 4, k.n % 3,
    case when k.n % 1000 < 40 then now() + interval '1 hour' * (k.n % 300) end,
    k.n % 5 = 0, i.page_url, now() - interval '10 days',
    case when k.n % 1000 >= 40 then now() - interval '1 hour' * (k.n % 600) end
from {_BOUGHT} where k.n % 1000 between 10 and 59
"""
_FAILED = f"""
insert into payments (id, customer_id, provider_id, intent, invoice, status, amount, amount_refunded, currency,
    disputed, method, failure_code, failure_message, created_at, synced_at)
select uuidv7(), p.customer_id, p.provider_id || 'f', p.intent || 'f', p.invoice, 'failed', p.amount, 0, p.currency,
    false, p.method, 'card_declined', 'Your card was declined.', now() - interval '1 hour' * (k.n % 300), now()
from {_BOUGHT} where k.n % 1000 between 10 and 59
"""
_UNPAID = """
update invoices i set status = 'open', amount_paid = 0, amount_remaining = amount_due, paid_at = null,
    attempt_count = 1 + k.n % 4, next_attempt_at = now() + interval '1 hour' * (k.n % 100)
from bench_known k join billing_customers c on c.organization_id = k.id
where i.customer_id = c.id and k.n % 1000 between 10 and 39
"""
_PAST_DUE = """
update subscriptions s set status = case when k.n % 1000 < 40 then 'past_due' else 'canceled' end,
    withheld = case when k.n % 1000 between 30 and 39 then 'dunning' end,
    ended_at = case when k.n % 1000 > 54 then now() - interval '1 hour' * (k.n % 600) end
from bench_known k join billing_customers c on c.organization_id = k.id
where s.customer_id = c.id and (k.n % 1000 between 10 and 39 or k.n % 1000 between 55 and 59)
"""
_DISPUTED = f"""
insert into disputes (id, customer_id, payment_id, provider_id, subscription, status, reason, amount, currency, due_at,
    has_evidence, past_due, submissions, refundable, withdrawn, fee, evidence, created_at, closed_at, synced_at)
select uuidv7(), c.id, p.id, 'du_bench' || k.n, s.provider_id, state.word, 'fraudulent', p.amount, p.currency,
    now() + interval '1 hour' * (k.n % 400), not state.waits, false, (not state.waits)::int, false, p.amount, 1500,
    '{{}}', now() - interval '1 hour' * (k.n % 600), case when state.closed then now() end, now()
from {_BOUGHT}, lateral (select (array['needs_response', 'won', 'lost', 'under_review', 'warning_needs_response',
    'warning_closed'])[1 + k.n / 1000 % 6] as word) w,
lateral (select w.word, w.word like '%needs_response' as waits,
    w.word in ('won', 'lost', 'warning_closed') as closed) state
where k.n % 1000 between 60 and 69
"""
_REFUNDED = f"""
insert into refunds (id, customer_id, payment_id, provider_id, status, amount, currency, reason, created_at, synced_at)
select uuidv7(), c.id, p.id, 're_bench' || k.n, 'succeeded', p.amount / 2, p.currency, 'requested_by_customer',
    now() - interval '1 hour' * (k.n % 600), now()
from {_BOUGHT} where k.n % 1000 between 70 and 89
"""
_RESTING = """
update subscriptions s set pause_behavior = 'void',
    paused_until = case when k.n % 2 = 0 then now() + interval '20 days' end
from bench_known k join billing_customers c on c.organization_id = k.id
where s.customer_id = c.id and k.n % 1000 between 90 and 99
"""
_SUSPENDED = """
update organizations o set suspended_at = now() - interval '1 hour' * (k.n % 600), suspension = 'Mail bounced'
from bench_known k where k.id = o.id and k.n % 1000 between 100 and 101
"""
_MARKS = """
update payments p set amount_refunded = amount_refunded + case when k.n % 1000 >= 70 then p.amount / 2 else 0 end,
    disputed = k.n % 1000 < 70
from bench_known k join billing_customers c on c.organization_id = k.id
where p.customer_id = c.id and k.n % 1000 between 60 and 89
"""


def fill_troubles(database: str) -> None:
    """Let it go wrong for some of the customers that were filled in, the first ten spared."""
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in (
            *(_OWING, _FAILED, _UNPAID, _PAST_DUE),
            *(_DISPUTED, _REFUNDED, _MARKS, _RESTING, _SUSPENDED),
        ):
            connection.execute(statement.encode())
        connection.execute("vacuum analyze")
