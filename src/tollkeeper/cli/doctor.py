"""`tollkeeper doctor`: what is wrong, and what to do about it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import psycopg
import typer
from sqlalchemy.exc import SQLAlchemyError

from tollkeeper import billing, metering, wiring
from tollkeeper.infra import Runtime, as_tollkeeper_error

OLDEST_POSTGRES = 15
SECONDS_ALLOWED = 15.0
LONGEST_LAG = timedelta(minutes=5)


class _Problem(Exception):  # noqa: N818 - a finding, not an error of the program
    """Something is wrong: what, and what to do."""


async def _settings(runtime: Runtime) -> str:
    return f"{runtime.settings.env}, data in {runtime.settings.data_dir.resolve()}"


async def _database(runtime: Runtime) -> str:
    try:
        connection = await runtime.database.connect(application="tollkeeper-doctor")
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise _Problem(f"{reason}\nCheck DATABASE_URL, and that the server runs and lets this machine in.") from None
    async with connection:
        version = connection.info.server_version // 10_000
    if version < OLDEST_POSTGRES:
        raise _Problem(f"PostgreSQL {version} is too old.\nUse PostgreSQL {OLDEST_POSTGRES} or newer.")
    return f"PostgreSQL {version}"


async def _tables(runtime: Runtime) -> str:
    newest = wiring.newest_revision()
    try:
        found = await asyncio.to_thread(wiring.current_revision, runtime.database.url)
    except psycopg.Error:
        raise _Problem("unknown, because the database does not answer.\nMend the database first.") from None
    if found != newest:
        raise _Problem(f"at {found or 'nothing'}, this version needs {newest}.\nRun `tollkeeper migrate`.")
    return f"at {newest}"


async def _provider(runtime: Runtime) -> str:
    if problem := await billing.provider_problem(runtime):
        raise _Problem(f"{problem}\nCheck STRIPE_SECRET_KEY, and that this machine reaches the provider.")
    return "the Stripe twin" if runtime.settings.uses_twin else "Stripe"


async def _clickhouse(runtime: Runtime) -> str:
    if runtime.settings.clickhouse_url is None:
        return "not used"
    sink: metering.EventSink = runtime.part(metering.EventSink)  # type: ignore[type-abstract]
    if problem := await sink.problem():
        raise _Problem(f"{problem}\nCheck TOLLKEEPER_CLICKHOUSE_URL; usage is counted meanwhile, and passed on later.")
    return "takes events"


async def _usage(runtime: Runtime) -> str:
    try:
        async with runtime.transaction() as tx:
            kept, lag = await metering.retention_report(tx), await metering.rollup_lag(tx)
    except SQLAlchemyError:
        raise _Problem("unknown, because the database does not tell.\nMend the database first.") from None
    except metering.OtherServerError as error:
        raise _Problem(f"{error.title}.\n{error.hint}") from None
    months = runtime.settings.keep_events
    if lag > LONGEST_LAG:
        raise _Problem(f"usage was not rolled up for {lag}.\nRun `tollkeeper worker`, and look at what it logs.")
    if kept.held_up_by:
        who = " and ".join(kept.held_up_by)
        raise _Problem(f"events are not dropped, because of {who}.\nSee docs/concepts/history.md.")
    since = f" since {kept.months[0]}" if kept.months else ""
    return f"events{since}, kept {f'for {months} months' if months else 'for ever'}"


CHECKS: dict[str, Callable[[Runtime], Awaitable[str]]] = {
    "settings": _settings,
    "database": _database,
    "tables": _tables,
    "usage": _usage,
    "provider": _provider,
    "clickhouse": _clickhouse,
}


async def examine(runtime: Runtime) -> int:
    """Check every part and tell about it; returns the exit code, 1 when something is wrong."""
    sound = [await _tell(name, check, runtime) for name, check in CHECKS.items()]
    typer.echo("All is well." if all(sound) else "Something is wrong: see above.")
    return 0 if all(sound) else 1


async def _tell(name: str, check: Callable[[Runtime], Awaitable[str]], runtime: Runtime) -> bool:
    try:
        found = await asyncio.wait_for(check(runtime), SECONDS_ALLOWED)
    except _Problem as problem:
        what, _, hint = str(problem).partition("\n")
    except TimeoutError:
        what, hint = f"no answer within {SECONDS_ALLOWED:g} s.", "Check the network between here and there."
    except Exception as error:  # noqa: BLE001 - whatever is wrong is a finding here
        known = as_tollkeeper_error(error)
        what, hint = known.detail, known.hint
    else:
        typer.echo(f"  {typer.style('ok', fg='green'):<6}  {name:<10} {found}")
        return True
    typer.echo(f"  {typer.style('wrong', fg='red'):<6} {name:<10} {what}\n           {hint}")
    return False
