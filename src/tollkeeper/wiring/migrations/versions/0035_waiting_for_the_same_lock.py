"""The end of a job wakes the workers when another one waits for its lock: they look by themselves only now and then."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

WAKE = """
create function wake_workers_for_lock() returns trigger language plpgsql as $$
declare
    waiting bigint;
begin
    select id into waiting from procrastinate_jobs
    where lock = old.lock and status = 'todo' and (scheduled_at is null or scheduled_at <= now()) limit 1;
    if found then
        perform pg_notify(
            'procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', waiting)::text
        );
    end if;
    return null;
end $$
"""
# Without it, each end of a job reads through all that wait: a hundred thousand after an outage of the provider.
WAITING = """
create index jobs_waiting_by_lock on procrastinate_jobs (lock) where status = 'todo' and lock is not null
"""
ENDED = """
create trigger wake_workers_for_lock after delete or update of status on procrastinate_jobs for each row
when (old.lock is not null and old.status = 'doing') execute function wake_workers_for_lock()
"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    op.execute(WAITING)
    op.execute(WAKE)
    op.execute(ENDED)


def downgrade() -> None:
    op.execute("drop trigger wake_workers_for_lock on procrastinate_jobs")
    op.execute("drop function wake_workers_for_lock()")
    op.execute("drop index jobs_waiting_by_lock")
