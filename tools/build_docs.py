"""Write the pages that are made from code, or with `--check` fail when one is out of date."""

import importlib
import inspect
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from fastapi import FastAPI

from tollkeeper import billing, wiring
from tollkeeper.cli.app import app as cli_app
from tollkeeper.infra import Settings, every_error
from tollkeeper.kit import ROLE_PERMISSIONS, Permission
from tollkeeper.wiring.privacy import inventory_page

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Made by tools/build_docs.py; change the code it is made from. -->\n\n"


def settings_page() -> str:
    """Every setting, in a table."""
    rows = [
        f"| `{field.alias}` | {_default(field.default)} | {field.description} |"
        for field in Settings.model_fields.values()
        if field.alias
    ]
    head = (
        "# Settings\n\nRead from the environment, and from a file `.env` in the working directory. Every wrong or "
        "missing setting is named at once when a command starts.\n\n"
        "| variable | default | what it does |\n|---|---|---|\n"
    )
    return NOTE + head + "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    text = getattr(value, "value", value)
    return "" if text in (None, "") or "Undefined" in str(text) else f"`{text}`"


def env_example() -> str:
    """The same as a file to copy."""
    lines = ["# Made by tools/build_docs.py. Copy to .env and set what you need; everything has a default.", ""]
    for field in Settings.model_fields.values():
        if field.alias:
            words = (field.description or "").replace("`", "")
            lines += [f"# {words}", f"#{field.alias}={_default(field.default).strip('`')}", ""]
    return "\n".join(lines)


def errors_page() -> str:
    """Every error the API can answer, by code."""
    head = (
        "# Errors\n\nFailures are `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, "
        "`code`, `hint`, `request_id`, and members of their own. `code` is stable; words may change.\n"
    )
    parts = [NOTE + head]
    for kind in every_error():
        meaning = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
        parts.append(f"\n## {kind.code}\n\n{kind.status} · {kind.title}\n\n{meaning}\n\nWhat to do: {kind.hint}\n")
    return "".join(parts)


def api_page(api: FastAPI) -> str:
    """Every route with its first sentence."""
    rows = []
    for path, methods in sorted(api.openapi()["paths"].items()):
        for method, operation in methods.items():
            summary = (operation.get("description") or operation.get("summary") or "").strip().split("\n")[0]
            rows.append(f"| `{method.upper()} {path}` | {summary} |")
    head = (
        "# HTTP API\n\nThe whole description is served at `/api/openapi.json` and shown at `/docs`. `/api/v1/...` is "
        "the same as `/api/...`.\n\n| call | what it does |\n|---|---|\n"
    )
    return NOTE + head + "\n".join(rows) + "\n"


def permissions_page() -> str:
    """Which role may do what."""
    roles = list(ROLE_PERMISSIONS)
    head = "| permission | " + " | ".join(roles) + " |\n|---|" + "---|" * len(roles) + "\n"
    held = {
        permission: ["yes" if permission in ROLE_PERMISSIONS[role] else "" for role in roles]
        for permission in Permission
    }
    rows = [f"| `{permission}` | " + " | ".join(cells) + " |" for permission, cells in held.items()]
    return NOTE + "# Roles and permissions\n\n" + head + "\n".join(rows) + "\n"


def dunning_page() -> str:
    """What happens while a payment fails: the machine as a drawing, and the events that tell of it."""
    steps = billing.read_schedule(Settings(_env_file=None, TOLLKEEPER_ENV="test").dunning)
    events = (
        billing.PaymentFailed,
        billing.DunningStepReached,
        billing.AccessRestricted,
        billing.PaymentRecovered,
        billing.SubscriptionEnded,
        billing.CardExpiring,
    )
    told = [f"| `{each.name}` | {' '.join(inspect.cleandoc(each.__doc__ or '').split())} |" for each in events]
    rows = [f"| {step.day} | {step.action} | `{step.message}` |" for step in steps]
    return "".join(
        (
            NOTE,
            "# While a payment fails\n\nThe plan may be used in `current` and `grace`, not in `restricted`.\n\n",
            f"```mermaid\n{billing.machine_as_mermaid()}\n```\n\n",
            "## Schedule\n\nSet by `TOLLKEEPER_DUNNING`; days count from the unpaid invoice. Unless set otherwise:\n\n",
            "| day | action | message |\n|---|---|---|\n" + "\n".join(rows) + "\n\n",
            "## Events\n\n| event | told when |\n|---|---|\n" + "\n".join(told) + "\n",
        )
    )


def cli_page() -> str:
    """Every command with its options, as `--help` shows them."""
    root = typer.main.get_command(cli_app)
    parts = [NOTE + "# Command line\n"]
    for name, command in _commands(root, "tollkeeper"):
        context = command.make_context(name, [], resilient_parsing=True)
        parts.append(f"\n## {name}\n\n{inspect.cleandoc(command.help or '')}\n\n")
        for parameter in command.get_params(context):
            record = parameter.get_help_record(context)
            if record:
                parts.append(f"* `{record[0]}` {record[1]}\n")
    return "".join(parts)


def old_shapes_page(recordings: Path) -> str:
    """Where the events of older API versions hold what we keep of them."""
    head = """# Events of older API versions

Stripe renders an event in the version of its endpoint, or of its account. Whatever the version, only what is marked *
is read from the body: it says what the event is about. Everything else comes from the answer in the pinned version,
whether the body holds it or not; `re-fetched` stands where it does not, or where it is worked out from several parts.
Shown are the versions of which there are recordings; `none` does not tell its version.
"""
    parts = [NOTE + head]
    shapes = importlib.import_module("old_shapes")  # beside this file
    for kind, found in itertools.groupby(shapes.summary(recordings), key=lambda row: row[0]):
        rows = [
            f"| {field} | {_as_code(place, shapes.REFETCHED)} | {versions} |" for _, field, place, versions in found
        ]
        parts.append(f"\n## {kind}\n\n| what we keep | where the body has it | in versions |\n|---|---|---|\n")
        parts.append("\n".join(rows) + "\n")
    return "".join(parts)


def promises() -> str:
    """What every call and page promises, as `tests/promises` tries it."""
    sys.path.insert(0, str(ROOT))
    grid, listed = (importlib.import_module(f"tests.promises.{name}") for name in ("grid", "pages"))
    made: str = importlib.import_module("promises_page").promises_page(
        grid.GRID, listed.PAGES, grid.PUBLIC, frozenset({grid.PUBLIC, grid.ANYONE, grid.PERSON})
    )
    return NOTE + made


def _as_code(place: str, elsewhere: str) -> str:
    return place if place == elsewhere else f"`{place}`"


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for child_name, child in sorted(command.commands.items()):
        yield from _commands(child, f"{name} {child_name}")


def pages() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    settings = Settings(_env_file=None, TOLLKEEPER_ENV="test")
    api = wiring.build_api(wiring.build_runtime(settings, "postgresql://unused@/unused"))
    reference = ROOT / "docs/reference"
    # Without the recordings the page can neither be made nor found out of date.
    recordings = os.environ.get("STRIPE_RECORDINGS")
    made = {reference / "older-api-versions.md": old_shapes_page(Path(recordings))} if recordings else {}
    return made | {
        ROOT / ".env.example": env_example(),
        reference / "settings.md": settings_page(),
        reference / "errors.md": errors_page(),
        reference / "api.md": api_page(api),
        reference / "permissions.md": permissions_page(),
        reference / "dunning.md": dunning_page(),
        reference / "cli.md": cli_page(),
        reference / "personal-data.md": NOTE + inventory_page(),
        reference / "promises.md": promises(),
    }


def main() -> int:
    """Write or check; returns the exit status."""
    check = "--check" in sys.argv[1:]
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pages()[path])
        print(f"{'out of date' if check else 'written'}: {path.relative_to(ROOT)}")
    if check and stale:
        print("Run `make docs` and commit what it writes.")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
