"""What every command is run with: settings, a database and a provider found or started, failures in words."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from tollkeeper.infra import Runtime, Settings

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Folder for the embedded database and the twin. Default: .data"),
]


def with_runtime(
    data_dir: Path | None,
    work: Callable[["Runtime"], Awaitable[int | None]],
    *,
    provider: bool = False,
    tables: bool = True,
) -> NoReturn:
    """Run a command that needs the database, started for it when none is set.

    Args:
        data_dir: as given on the command line.
        work: the command.
        provider: whether it talks to the payment provider.
        tables: whether it needs the tables as this version has them. An embedded database gets them by itself.
    """

    def run(settings: "Settings") -> int | None:
        from .local import local_services, needs_database

        with local_services(settings, provider=provider) as complete:
            from .parts import require_tables, runtime_of

            if tables:
                require_tables(complete, migrate=needs_database(settings))
            return asyncio.run(_closing(runtime_of(complete), work, tables=tables))

    run_command(data_dir, run)


async def _closing(
    runtime: "Runtime", work: Callable[["Runtime"], Awaitable[int | None]], *, tables: bool
) -> int | None:
    from tollkeeper.infra import SYSTEM, acting, load_clock

    # The command's file and function, in which the work stands; what was typed may hold personal data.
    names = (work.__module__.rpartition(".")[2], work.__qualname__.partition(".")[0].strip("_"))
    origin = replace(SYSTEM, via=f"command {' '.join(names)}")
    try:
        if tables:
            await load_clock(runtime)
        with acting(lambda: origin):
            return await work(runtime)
    finally:
        await runtime.database.close()


def run_command(data_dir: Path | None, run: Callable[["Settings"], int | None]) -> NoReturn:
    """Run a command with the settings, failures in words, and leave with its exit code."""
    from tollkeeper.infra import configure_logging, load_settings

    from .run import guarded

    def prepared() -> int | None:
        settings = load_settings(**_given(data_dir=data_dir))
        configure_logging(settings.log_level, as_json=settings.is_production)
        return run(settings)

    raise typer.Exit(guarded(prepared))


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
