"""`tollkeeper staff`: who may look at customers' accounts."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from tollkeeper.identity.staff import StaffRole
    from tollkeeper.infra import Runtime

staff = typer.Typer(help="Staff: people who may see a customer's account as the customer does.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="The address they log in with.")]


@staff.command("add")
def add(
    email: Email,
    role: Annotated[
        Literal["support", "admin"], typer.Option(help="`admin` may also end what others began.")
    ] = "support",
    data_dir: DataDir = None,
) -> None:
    """Make somebody who has a login staff, or give them the other role."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper.identity.staff import StaffRole

        await _set(runtime, email, StaffRole(role))
        typer.echo(f"{email} is {role} now.")

    with_runtime(data_dir, run)


@staff.command("remove")
def remove(email: Email, data_dir: DataDir = None) -> None:
    """Make somebody staff no longer; sessions in which they act as others end."""

    async def run(runtime: "Runtime") -> None:
        await _set(runtime, email, None)
        typer.echo(f"{email} is not staff any more.")

    with_runtime(data_dir, run)


@staff.command("list")
def list_(data_dir: DataDir = None) -> None:
    """List staff: address, role, name."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper.identity.staff import list_staff

        async with runtime.transaction() as tx:
            found = await list_staff(tx)
        for each in found:
            typer.echo(f"{each.user.email}  {each.role}  {each.user.name}")
        if not found:
            typer.echo("Nobody is staff.", err=True)

    with_runtime(data_dir, run)


async def _set(runtime: "Runtime", email: str, role: "StaffRole | None") -> None:
    from tollkeeper.identity.staff import find_person, set_staff

    async with runtime.transaction() as tx:
        await set_staff(tx, await find_person(tx, email), role)
