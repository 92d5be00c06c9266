"""`tollkeeper audit`: whether the trail is as it was written."""

from typing import TYPE_CHECKING, Annotated

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from tollkeeper.infra import Head, Runtime

audit = typer.Typer(help="The audit trail: what was done, by whom.", no_args_is_help=True)
TOUCHED = 3


@audit.command("verify")
def verify(
    head: Annotated[
        str | None,
        typer.Option(help="An end of the chain noted before (`audit head`, or the log): it must still be there."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Go through the whole chain and print where a record was changed, removed or put in. Ends with 3 when one was."""

    async def run(runtime: "Runtime") -> int:
        from tollkeeper.infra import verify_trail

        noted = _read(head) if head else None
        async with runtime.transaction() as tx:
            found = await verify_trail(tx, noted=noted)
        for fault in found.faults:
            typer.echo(str(fault))
        typer.echo(
            f"{found.head.sequence:,} records sealed, {found.waiting:,} waiting, details of {found.erased:,} erased; "
            + (f"{len(found.faults)} touched." if found.faults else "none touched.")
        )
        typer.echo(f"The chain ends with {found.head}")
        return TOUCHED if found.faults else 0

    with_runtime(data_dir, run)


@audit.command("head")
def show_head(data_dir: DataDir = None) -> None:
    """Seal what waits for it and print the end of the chain, to be kept where nobody of this machine can change it."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper.infra import seal_trail

        async with runtime.transaction() as tx:
            typer.echo(str(await seal_trail(tx)))

    with_runtime(data_dir, run)


def _read(text: str) -> "Head":
    from tollkeeper.infra import Head

    from .errors import NoHeadError

    number, _, digest = text.partition(":")
    try:
        return Head(int(number), bytes.fromhex(digest))
    except ValueError:
        raise NoHeadError from None
