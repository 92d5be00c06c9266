"""`tollkeeper twin ...`: a stand-in by itself. Each is a program of its own; its command becomes it."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

twin = typer.Typer(help="Stand-ins for other people's services, for tests and demos.", no_args_is_help=True)


@twin.command("stripe")
def stripe(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 12111,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder that keeps its state.")] = Path(".data/stripe_twin"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> NoReturn:
    """Run the Stripe twin until it is stopped: API, pages, webhooks, its own clock. Never in production."""
    _become("stripe_twin", "--port", port, "--data", data, "--host", host)


@twin.command("mailbox")
def mailbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of its pages; 0 takes a free one.")] = 12112,
    smtp_port: Annotated[int, typer.Option(min=0, max=65535, help="Port mails come in at; 0: a free one.")] = 12125,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder that keeps the mails.")] = Path(
        ".data/mailbox_twin"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> NoReturn:
    """Run the mailbox until it is stopped: it takes every mail and shows it. Never in production."""
    _become("mailbox_twin", "--port", port, "--smtp-port", smtp_port, "--data", data, "--host", host)


@twin.command("identity")
def identity(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 12113,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> NoReturn:
    """Run the identity provider until it is stopped: it believes whoever signs in. Never in production."""
    _become("identity_twin", "--port", port, "--host", host)


def _become(program: str, *arguments: object) -> NoReturn:
    sys.stdout.flush()
    words = [sys.executable, "-m", program, *map(str, arguments)]
    os.execv(sys.executable, words)  # noqa: S606 -- no shell is wanted
