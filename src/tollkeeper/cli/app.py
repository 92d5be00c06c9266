"""The commands: what they take, and which part of wiring does the work. Heavy imports wait until a command runs."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .audit import audit
from .billing import billing
from .clock import clock
from .factors import factors
from .keys import keys
from .privacy import privacy
from .running import DataDir, run_command, with_runtime
from .secrets import secrets
from .staff import staff
from .twin import twin
from .usage import usage

if TYPE_CHECKING:
    from tollkeeper.infra import Runtime, Settings

app = typer.Typer(
    name="tollkeeper",
    help="The money side of a SaaS, API or AI product, self-hosted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
plans = typer.Typer(help="The catalogue: what is for sale.", no_args_is_help=True)
app.add_typer(plans, name="plans")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")
app.add_typer(billing, name="billing")
app.add_typer(clock, name="clock")
app.add_typer(factors, name="factors")
app.add_typer(privacy, name="privacy")
app.add_typer(secrets, name="secrets")
app.add_typer(staff, name="staff")
app.add_typer(twin, name="twin")
app.add_typer(usage, name="usage")


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 is every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of web processes.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Serve: web, background work, and an embedded database and a Stripe twin when none are set."""

    def run(settings: "Settings") -> int:
        from .serve import Parts
        from .serve import serve as serve_until_stopped

        def load() -> Parts:
            from . import parts

            return parts.load(settings)

        return serve_until_stopped(settings, host, port, workers, load)

    run_command(data_dir, run)


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Run background work only, beside web processes that run elsewhere."""
    with_runtime(data_dir, _work, provider=True)


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's tables to what this version needs."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import wiring

        changed = await asyncio.to_thread(wiring.migrate, runtime.owner_url)
        revision = wiring.newest_revision()
        typer.echo(f"Migrated to {revision}." if changed else f"Nothing to do: the database is at {revision}.")

    with_runtime(data_dir, run, tables=False)


@app.command()
def seed(data_dir: DataDir = None) -> None:
    """Apply the demo catalogue and make the demo login; run twice, it changes nothing."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import wiring

        from .errors import DemoInProductionError

        if runtime.settings.is_production:
            raise DemoInProductionError
        await asyncio.to_thread(wiring.migrate, runtime.owner_url)
        done = await wiring.seed(runtime)
        login = f"made the login {runtime.settings.demo_email} / {runtime.settings.demo_password}"
        _list([*done.changes, *([login] if done.made_login else [])], otherwise="Nothing to do: it is all there.")

    with_runtime(data_dir, run, provider=True, tables=False)


@plans.command("apply")
def apply_plans(
    file: Annotated[Path, typer.Argument(help="The catalogue, a YAML file.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Make the catalogue equal to a file, after telling what that changes."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import catalog

        from .files import read_text

        source = read_text(file)
        spec = catalog.read_catalogue_file(source)
        async with runtime.transaction() as tx:
            _list([str(change) for change in await catalog.diff(tx, spec)], otherwise="Nothing to change.")
            changes = [] if dry_run else await catalog.apply(tx, spec, source=source)
        if changes:
            typer.echo(f"Applied {len(changes)} {'change' if len(changes) == 1 else 'changes'}.")

    with_runtime(data_dir, run, provider=True)


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check settings, database and provider, in words a person can act on."""

    async def run(runtime: "Runtime") -> int:
        from .doctor import examine

        return await examine(runtime)

    with_runtime(data_dir, run, provider=True, tables=False)


async def _work(runtime: "Runtime") -> None:
    from tollkeeper import wiring

    await wiring.run_worker(runtime)


def _list(lines: list[str], *, otherwise: str) -> None:
    for line in lines or [otherwise]:
        typer.echo(f"  {line}" if lines else line)
