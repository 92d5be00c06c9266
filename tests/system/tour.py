"""The README's tour, as commands with what they print."""

import fnmatch
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parents[2] / "README.md"
ADDRESS = "http://127.0.0.1:8000"
_MARK = "--- next command ---"
_PASSING = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "TIME"),
    (r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", "ID"),
    (r"http://127\.0\.0\.1:\d+/checkout/\w+", "CHECKOUT"),
)


class Step(NamedTuple):
    """One command of the tour, and what the README says it prints; `...` stands for anything."""

    command: str
    printed: str


def tour() -> list[Step]:
    """The commands of the README's `console` blocks."""
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL)
    steps = []
    for part in re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        size = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\"))
        steps.append(Step("\n".join(lines[:size]), "\n".join(lines[size:])))
    return steps


def take(steps: list[Step], address: str) -> list[str]:
    """Run the commands in one shell against a server; returns what each printed."""
    script = "\n".join(f"{step.command.replace(ADDRESS, address)}\necho '{_MARK}'" for step in steps)
    done = subprocess.run(  # noqa: S603 - our own page
        ["bash", "-c", script],  # noqa: S607 - whichever shell there is
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [part.strip("\n") for part in done.stdout.split(_MARK)[:-1]]


def agrees(printed: str, expected: str) -> bool:
    """Whether the output is the one told, apart from ids, times and what the README leaves out."""
    told = fnmatch.translate(re.sub(r"[\[\]?*]", "?", lasting(expected)).replace("...", "*"))
    return re.match(told, lasting(printed)) is not None


def lasting(text: str) -> str:
    for pattern, word in _PASSING:
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.splitlines())
