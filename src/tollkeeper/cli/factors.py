"""`tollkeeper factors`: for people who lost every second factor they had."""

from typing import TYPE_CHECKING, Annotated

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from tollkeeper.infra import Runtime

factors = typer.Typer(help="Second factors of people who lost them all.", no_args_is_help=True)


@factors.command("remove")
def remove(
    email: Annotated[str, typer.Argument(help="The address they log in with.")],
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Remove the authenticator app, passkeys and recovery codes of somebody you are sure of; they are told by mail."""
    if not sure:
        typer.confirm(f"Let {email} in by the password alone?", abort=True)

    async def run(runtime: "Runtime") -> None:
        from tollkeeper.identity import remove_factors
        from tollkeeper.identity.staff import find_person

        async with runtime.transaction() as tx:
            had = await remove_factors(tx, (await find_person(tx, email)).id)
        typer.echo(f"The password alone lets {email} in." if had else f"{email} had no second factor.")

    with_runtime(data_dir, run)
