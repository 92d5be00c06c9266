"""`tollkeeper clock`: where time stands in a trial system, and letting it pass."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from tollkeeper.infra import Runtime

clock = typer.Typer(help="Time, in a trial system on the Stripe twin: look at it, let it pass.", no_args_is_help=True)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=5 * 366)


def duration(text: str) -> timedelta:
    """Read a span of time such as `31d` or `1d12h`.

    Raises:
        typer.BadParameter: it is none, or longer than five years.
    """
    parts = re.findall(r"(\d{1,9})([smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise typer.BadParameter("a span of time is needed, such as 31d, 12h or 1d12h")
    span = sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if not timedelta() < span <= LONGEST:
        raise typer.BadParameter("at most five years can pass at once")
    return span


@clock.command("show")
def show(data_dir: DataDir = None) -> None:
    """Tell where the product's clock and the twin's stand."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import wiring

        both = await wiring.TimeMachine(runtime).clocks()
        typer.echo(f"Product  {both.product:%Y-%m-%d %H:%M:%S} UTC  ({both.ahead} ahead)")
        typer.echo(f"Twin     {both.twin:%Y-%m-%d %H:%M:%S} UTC  ({both.twin_ahead} ahead)")

    with_runtime(data_dir, run, provider=True)


@clock.command("advance")
def advance(
    by: Annotated[str, typer.Argument(metavar="SPAN", help="How much time passes: 31d, 12h, 1d12h.")],
    data_dir: DataDir = None,
) -> None:
    """Let time pass for the product and the twin together: renewals, resets, dunning, expiry, in order."""
    span = duration(by)

    async def run(runtime: "Runtime") -> None:
        from rich.progress import Progress

        from tollkeeper import wiring
        from tollkeeper.infra import configure_logging

        configure_logging("warning", as_json=False)  # the bar tells how it goes
        machine = wiring.TimeMachine(runtime)
        runtime.jobs.register(wiring.every_job(), runtime)
        begin = runtime.clock.now()
        with Progress(transient=True) as bar:
            task = bar.add_task(f"{begin:%Y-%m-%d}", total=span.total_seconds())
            async with runtime.jobs.app.open_async():
                async for now in machine.advance(span):
                    done = (now - begin).total_seconds()
                    bar.update(task, description=f"{now:%Y-%m-%d %H:%M}", completed=done)
        typer.echo(f"It is {runtime.clock.now():%Y-%m-%d %H:%M:%S} UTC.")

    with_runtime(data_dir, run, provider=True)


@clock.command("reset")
def reset(data_dir: DataDir = None) -> None:
    """Let the product's clock show the time of the world again. The twin's does not go back."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import wiring

        machine = wiring.TimeMachine(runtime)
        await machine.reset()
        both = await machine.clocks()
        typer.echo(f"It is {both.product:%Y-%m-%d %H:%M:%S} UTC.")
        if both.twin_ahead:
            typer.echo(f"The twin stays {both.twin_ahead} ahead; empty its folder to begin anew.", err=True)

    with_runtime(data_dir, run, provider=True)
