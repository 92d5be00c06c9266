"""`tollkeeper billing`: comparing with the provider, taking an account over, trying histories in every order."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from tollkeeper.infra import Runtime

billing = typer.Typer(help="The money side: compare with the provider, take an account over.", no_args_is_help=True)
DIFFERENT = 3


@billing.command("reconcile")
def reconcile(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what differs.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Compare the mirror with the provider and print each difference. Ends with 3 when there were some left."""

    async def run(runtime: "Runtime") -> int:
        compared, differing = await _reconcile(runtime, fix=fix)
        typer.echo(f"{compared} compared, {differing} {'mended' if fix else 'different'}.")
        return DIFFERENT if differing and not fix else 0

    with_runtime(data_dir, run, provider=True)


@billing.command("import")
def import_(data_dir: DataDir = None) -> None:
    """Take over an account that sold before: prices matched with the catalogue, customers, what they bought."""

    async def run(runtime: "Runtime") -> None:
        from rich.progress import Progress

        from tollkeeper import billing as domain

        done = domain.Imported()
        with Progress(transient=True) as bar:
            task = bar.add_task("prices and customers", total=None)
            async for done in domain.import_account(runtime):
                bar.update(task, description=f"{done.customers} customers")
        for price in done.unmatched:
            typer.echo(f"  price {price} is equal to none or several of the catalogue's; what it sold has no plan")
        compared, mended = await _reconcile(runtime, fix=True, quiet=True)
        typer.echo(
            f"{done.prices} prices matched, {done.organizations} organizations made, {done.customers} customers taken "
            f"over, {mended} of {compared} things mirrored."
        )

    with_runtime(data_dir, run, provider=True)


@billing.command("converge")
def converge(
    file: Annotated[Path, typer.Argument(help="A history: a JSON list of events, as the provider sends them.")],
    runs: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many orders are tried.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed tries the same orders.")] = 0,
    data_dir: DataDir = None,
) -> None:
    """Deliver a history in many orders, twice and at once, to a scratch mirror; tell which end differently.

    Ends with 3 when some do.
    """

    async def run(runtime: "Runtime") -> int:
        from rich.progress import Progress

        from tollkeeper import wiring

        from .files import read_text

        history = wiring.read_history(read_text(file))
        different = 0
        with Progress(transient=True) as bar:
            task = bar.add_task(f"{len(history)} events", total=runs)
            async for trial in wiring.converge(runtime, history, runs=runs, seed=seed):
                bar.advance(task)
                if trial.differs:
                    different += 1
                    typer.echo(str(trial))
        typer.echo(f"{runs} orders of {len(history)} events, {different} ended differently.")
        return DIFFERENT if different else 0

    with_runtime(data_dir, run, provider=True)


async def _reconcile(runtime: "Runtime", *, fix: bool, quiet: bool = False) -> tuple[int, int]:
    """Go through the account with progress; returns how many were compared and how many differed."""
    from rich.progress import Progress

    from tollkeeper import billing as domain

    compared = differing = 0
    with Progress(transient=True) as bar:
        task = bar.add_task("beginning", total=None)
        async for page in domain.reconcile(runtime, fix=fix):
            compared, differing = page.progress.compared, page.progress.differing
            bar.update(task, description=f"{page.progress.stage}: {compared} compared, {differing} different")
            for each in () if quiet else page.differences:
                bar.console.print(str(each), markup=False, highlight=False, soft_wrap=True)
    return compared, differing
