"""`tollkeeper secrets`: which key what secret rests under, and rolling the keys."""

from typing import TYPE_CHECKING

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from tollkeeper.infra import Runtime

secrets = typer.Typer(help="Secrets at rest, and the keys they are sealed with.", no_args_is_help=True)


@secrets.command("status")
def status(data_dir: DataDir = None) -> None:
    """Tell under which keys secrets rest. A key that is not needed may leave TOLLKEEPER_ENCRYPTION_KEYS."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper.infra import count_by_key, key_name

        async with runtime.transaction() as tx:
            counts = await count_by_key(tx)
        known = [key_name(key) for key in runtime.settings.sealing_keys]
        for number, name in enumerate(known):
            needed = sum(count[name] for count in counts.values())
            typer.echo(f"  {name}  {'encrypts' if number == 0 else 'needed' if needed else 'not needed'}")
        for column, count in sorted(counts.items()):
            told = ", ".join(f"{amount} under {name}" for name, amount in sorted(count.items()))
            typer.echo(f"  {column}: {told or 'nothing'}")
        if gone := sorted({name for count in counts.values() for name in count if name not in known}):
            typer.echo(f"  Under no key of the settings: {', '.join(gone)}", err=True)

    with_runtime(data_dir, run)


@secrets.command("reseal")
def reseal(data_dir: DataDir = None) -> None:
    """Seal what rests under older keys with the first of TOLLKEEPER_ENCRYPTION_KEYS; exits with 1 if any is lost."""

    async def run(runtime: "Runtime") -> int:
        from tollkeeper import infra

        lost = 0
        for column in infra.sealed_columns():
            done = await infra.reseal(runtime, column)
            lost += done.lost
            typer.echo(f"  {done.column}: {done.renewed} sealed anew, {done.lost} under a key that is gone")
        return 1 if lost else 0

    with_runtime(data_dir, run)
