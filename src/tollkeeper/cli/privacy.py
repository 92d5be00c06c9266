"""`tollkeeper privacy`: what is held of somebody, and whether anything is left of those who were deleted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from tollkeeper.infra import Runtime

privacy = typer.Typer(help="Personal data: hand it out, and prove that it is gone.", no_args_is_help=True)
LEFT = 3


@privacy.command("check")
def check(
    text: Annotated[
        str | None, typer.Option(help="Look for this text, such as a name or an address, instead of who was deleted.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Search every column of the database for what is left of people who were deleted.

    Ends with 3 when there is something that should be gone. What is kept on purpose is told, with the reason.
    """

    async def run(runtime: "Runtime") -> int:
        from tollkeeper.wiring import privacy as kit

        async with runtime.transaction() as tx:
            found = await (kit.find_text(tx, text) if text else kit.check_erasures(tx))
        for each in found:
            whose = f" of {each.user_id}" if each.user_id else ""
            typer.echo(
                f"  {each.table}.{each.column}: {each.rows}{whose}{f' ({each.why_kept})' if each.why_kept else ''}"
            )
        left = [each for each in found if each.why_kept is None]
        typer.echo(f"{len(left)} places hold what should be gone." if left else "Nothing is left that should be gone.")
        return LEFT if left else 0

    with_runtime(data_dir, run)


@privacy.command("export")
def export(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    file: Annotated[Path, typer.Argument(help="The zip file to write.")],
    data_dir: DataDir = None,
) -> None:
    """Write everything that is held of somebody to a zip file, for who cannot log in to do it themselves."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import identity

        async with runtime.transaction() as tx:
            content = await identity.export_of(tx, email)
        file.write_bytes(content)
        typer.echo(f"Written to {file}.")

    with_runtime(data_dir, run)


@privacy.command("delete")
def delete(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete somebody now, as they would themselves, for who cannot log in to do it. Nobody can bring them back."""
    if not sure:
        typer.confirm(f"Delete {email} and everything that is held of them?", abort=True)

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import orgs

        async with runtime.transaction() as tx:
            await orgs.delete_by_email(tx, email)
        typer.echo("Deleted. What they alone bought ends within minutes.")

    with_runtime(data_dir, run)
