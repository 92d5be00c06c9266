"""Usage as a file, and the check that it adds up."""

import asyncio
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from tollkeeper.infra import Runtime
    from tollkeeper.metering import Wanted

usage = typer.Typer(help="Recorded usage.", no_args_is_help=True)

DEFAULT_DAYS = 30


@usage.command("export")
def export(  # noqa: PLR0917 - the options, which Typer takes by position
    file: Annotated[
        Path, typer.Argument(help="Where to write to: `usage.csv`, `usage.parquet`; `-` is CSV on stdout.")
    ],
    start: Annotated[
        datetime | None, typer.Option("--from", help="The first moment, in UTC. Default: 30 days before --to.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", help="The moment after the last one, in UTC. Default: now.")
    ] = None,
    customer: Annotated[str | None, typer.Option(help="Organization's id or external id. Default: all.")] = None,
    feature: Annotated[str | None, typer.Option(help="Only of this feature.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write the events that count to a file, CSV or Parquet by its name."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper.metering import ExportFormat

        kind = ExportFormat.PARQUET if file.suffix == f".{ExportFormat.PARQUET}" else ExportFormat.CSV
        last = _utc(end) or runtime.clock.now()
        first = _utc(start) or last - timedelta(days=DEFAULT_DAYS)
        wanted = await _wanted(runtime, first, last, customer, feature)
        written = await asyncio.to_thread(_write, runtime, wanted, kind, file)
        typer.echo(f"Wrote {written:,} bytes.", err=True)

    with_runtime(data_dir, run)


async def _wanted(
    runtime: "Runtime", start: datetime, end: datetime, customer: str | None, feature: str | None
) -> "Wanted":
    from tollkeeper.gate import meter_of
    from tollkeeper.kit import NotFoundError
    from tollkeeper.metering import Wanted
    from tollkeeper.orgs import find_organization

    async with runtime.transaction() as tx:
        organization = await find_organization(tx, customer) if customer else None
        if customer and organization is None:
            raise NotFoundError(f"There is no customer {customer!r}.")
        meter_id = await meter_of(tx, feature) if feature else None
    return Wanted(start, end, organization.id if organization else None, meter_id)


def _write(runtime: "Runtime", wanted: "Wanted", kind: str, file: Path) -> int:
    from tollkeeper.metering import ExportFormat, export_events

    written = 0
    with closing(export_events(runtime.database, wanted, ExportFormat(kind))) as pieces:
        if str(file) == "-":
            return sum(sys.stdout.buffer.write(piece) for piece in pieces)
        with file.open("wb") as out:
            for piece in pieces:
                written += out.write(piece)
    return written


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


@usage.command("restored")
def restored(data_dir: DataDir = None) -> None:
    """Fit events that were restored from a dump to the server they are on now. Run it before any worker."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper.metering import renumber_events

        async with runtime.transaction() as tx:
            await renumber_events(tx)
        typer.echo("Events and who reads them are numbered anew.")

    with_runtime(data_dir, run)


@usage.command("verify")
def verify(data_dir: DataDir = None) -> None:
    """Reckon every counter and hour anew from the events; exits with 1 when any is not what it should be."""

    async def run(runtime: "Runtime") -> int:
        from rich.progress import Progress, TextColumn

        from tollkeeper.metering import verify_usage

        pairs = unchecked = found = 0
        with Progress(TextColumn("{task.description}"), transient=True) as bar:
            task = bar.add_task("")
            async for piece in verify_usage(runtime):
                pairs, unchecked, found = pairs + piece.pairs, unchecked + piece.unchecked, found + len(piece.findings)
                bar.update(task, description=f"{pairs:,} meters of customers")
                for finding in piece.findings:
                    typer.echo(finding)
        typer.echo(f"Checked {pairs:,} meters of customers: {found or 'nothing'} disagrees.")
        if unchecked:
            typer.echo(f"{unchecked:,} counters began before the events that are kept, and were not checked.")
        return 1 if found else 0

    with_runtime(data_dir, run)
