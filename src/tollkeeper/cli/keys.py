"""`tollkeeper keys`: the operator's own keys."""

from typing import TYPE_CHECKING, Annotated

import typer

from .running import DataDir, with_runtime

if TYPE_CHECKING:
    from uuid import UUID

    from tollkeeper.identity import ApiKey
    from tollkeeper.infra import Runtime

keys = typer.Typer(help="The operator's API keys, which act for any organization.", no_args_is_help=True)
KeyId = Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")]
_PAGE = 100


@keys.command("create-operator")
def create_operator(
    name: Annotated[str, typer.Option(help="What the key is for, as shown in lists.")] = "operator",
    network: Annotated[
        list[str] | None, typer.Option(help="Where it may be used from (`192.0.2.0/24`); several times for several.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key that acts for any organization. It is shown this once."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import identity

        async with runtime.transaction() as tx:
            _, secret = await identity.create_key(
                tx,
                organization_id=None,
                created_by=None,
                name=name,
                kind=identity.KeyKind.OPERATOR,
                networks=identity.check_networks(network or []),
            )
        _tell(secret)

    with_runtime(data_dir, run)


@keys.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also keys that were revoked.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List operator keys, newest first: id, beginning and end, name, state, last use."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import identity

        cursor: UUID | None = None
        found: list[ApiKey] = []
        async with runtime.transaction() as tx:
            while True:
                page = await identity.list_keys(tx, None, with_revoked=everything, cursor=cursor, limit=_PAGE)
                found += page.data
                if page.next_cursor is None:
                    break
                cursor = found[-1].id
            for key in found:
                used = f"used {key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never used"
                state = key.problem(tx.now) or "active"
                typer.echo(f"{key.id}  {key.prefix}…{key.last_four}  {state:<8}  {used}  {key.name}")
        if not found:
            typer.echo("There are none. Make one with `tollkeeper keys create-operator`.")

    with_runtime(data_dir, run)


@keys.command("revoke")
def revoke(key_id: KeyId, data_dir: DataDir = None) -> None:
    """End an operator key at once, for good."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import identity

        async with runtime.transaction() as tx:
            await identity.revoke_key(tx, None, _known(key_id))
        typer.echo("Revoked.")

    with_runtime(data_dir, run)


@keys.command("rotate")
def rotate(
    key_id: KeyId,
    grace_seconds: Annotated[
        int, typer.Option("--grace-seconds", min=0, max=30 * 24 * 3600, help="How long the old secret stays good.")
    ] = 0,
    data_dir: DataDir = None,
) -> None:
    """Give an operator key a new secret. It is shown this once."""

    async def run(runtime: "Runtime") -> None:
        from tollkeeper import identity

        async with runtime.transaction() as tx:
            _, secret = await identity.rotate_key(tx, None, _known(key_id), grace_seconds=grace_seconds)
        _tell(secret)

    with_runtime(data_dir, run)


def _known(text: str) -> "UUID":
    from tollkeeper.identity import KeyNotFoundError
    from tollkeeper.kit import id_or

    return id_or(text, KeyNotFoundError)


def _tell(secret: str) -> None:
    typer.echo(secret)
    typer.echo("Keep it safe: it acts for every organization and is not shown again.", err=True)
