"""`tollkeeper twin stripe`: the imitation of Stripe by itself. It is a program of its own; this command becomes it."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

twin = typer.Typer(help="Stand-ins for other people's services, for tests and demos.", no_args_is_help=True)


@twin.callback()
def _services() -> None:
    """Keep the name of the service in the command, though there is one."""


@twin.command("stripe")
def stripe(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 12111,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder that keeps its state.")] = Path(".data/stripe_twin"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> NoReturn:
    """Run the Stripe twin until it is stopped: API, pages, webhooks, its own clock. Never in production."""
    sys.stdout.flush()
    arguments = ["-m", "stripe_twin", "--port", str(port), "--data", str(data), "--host", host]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 -- no shell is wanted
