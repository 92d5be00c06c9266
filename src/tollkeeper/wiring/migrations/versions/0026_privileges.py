"""Roles of the database that may only do what they must, and rows that only their tenant sees.

What each role may do with which table is declared in `wiring/privileges`, and made so after every migration. Here is
what that stands on: functions that say who asks, and the three acts of an owner that the application has to have done.
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

WHO_ASKS = """
create function tollkeeper_{who}() returns uuid stable parallel safe language sql as
$$ select nullif(current_setting('tollkeeper.{who}', true), '')::uuid $$
"""
# `search_path` is fixed, or who calls could have the owner run functions and meet tables of their own.
MAKE_MONTH = """
create function tollkeeper_make_month(name text, first uuid, until uuid) returns void
security definer set search_path = {schema}, pg_temp language plpgsql as $$
begin
    if name !~ '^usage_events_[0-9]{{4}}_[0-9]{{2}}$' then
        raise exception 'not a month of events: %', name using errcode = 'insufficient_privilege';
    end if;
    execute format('create table if not exists %I partition of usage_events for values from (%L) to (%L)',
        name, first, until);
    execute format('grant insert on %I to tollkeeper_app', name);
end $$
"""
DROP_MONTH = """
create function tollkeeper_drop_month(name text) returns void
security definer set search_path = {schema}, pg_temp language plpgsql as $$
begin
    if name !~ '^usage_events_[0-9]{{4}}_[0-9]{{2}}$'
        or to_timestamp(right(name, 7), 'YYYY_MM') + interval '2 months' > now() then
        raise exception 'not a month of events that may be dropped: %', name using errcode = 'insufficient_privilege';
    end if;
    execute format('drop table %I', name);
end $$
"""
# Only an index's owner may have it brought up to the newest rows.
SUMMARIZE_MONTH = """
create function tollkeeper_summarize_month(name text) returns void
security definer set search_path = {schema}, pg_temp language plpgsql as $$
begin
    if name !~ '^usage_events_[0-9]{{4}}_[0-9]{{2}}$' then
        raise exception 'not a month of events: %', name using errcode = 'insufficient_privilege';
    end if;
    perform brin_summarize_new_values(i.indexrelid)
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
    where a.amname = 'brin' and i.indrelid = to_regclass(name);
end $$
"""
LOWER_WALLS = """
do $$ declare wall record; table_name regclass; begin
    for wall in select polname, polrelid::regclass as secured from pg_policy where polname like 'tollkeeper%' loop
        execute format('drop policy %I on %s', wall.polname, wall.secured);
        execute format('alter table %s disable row level security', wall.secured);
    end loop;
    for table_name in select c.oid::regclass from pg_class c cross join lateral aclexplode(c.relacl) a
            join pg_roles r on r.oid = a.grantee where r.rolname in ('tollkeeper_app', 'tollkeeper_tenant')
            and c.relnamespace = current_schema()::regnamespace group by c.oid, c.relkind having c.relkind <> 'S' loop
        execute format('revoke all on %s from tollkeeper_app, tollkeeper_tenant', table_name);
    end loop;
end $$
"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'; set local statement_timeout = '120s'")
    for who in ("organization", "person"):
        op.execute(WHO_ASKS.format(who=who))
    schema = op.get_bind().exec_driver_sql("select quote_ident(current_schema())").scalar_one()
    for function in (MAKE_MONTH, DROP_MONTH, SUMMARIZE_MONTH):
        op.execute(function.format(schema=schema))
    op.execute("revoke execute on function tollkeeper_make_month(text, uuid, uuid) from public")
    op.execute("revoke execute on function tollkeeper_drop_month(text) from public")
    op.execute("revoke execute on function tollkeeper_summarize_month(text) from public")


def downgrade() -> None:
    """Leave the roles: they belong to the server, and other databases of it may use them."""
    op.execute(LOWER_WALLS)
    op.execute("drop function tollkeeper_summarize_month(text)")
    op.execute("drop function tollkeeper_drop_month(text)")
    op.execute("drop function tollkeeper_make_month(text, uuid, uuid)")
    op.execute("drop function tollkeeper_person()")
    op.execute("drop function tollkeeper_organization()")
