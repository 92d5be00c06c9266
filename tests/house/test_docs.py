"""The documentation names what exists: pages, paths, settings, commands, calls, codes; its queries and examples run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer.main

from tollkeeper import wiring
from tollkeeper.billing.provider import API_VERSION, HANDLED
from tollkeeper.catalog import read_catalogue_file
from tollkeeper.cli.app import app as cli
from tollkeeper.infra import Settings

from .sources import ROOT, SRC, tracked

PAGES = [path for path in tracked("*.md") if "node_modules" not in path.parts]
WRITTEN = [path for path in PAGES if "reference" not in path.parts]
# Settings of the test run and of the machine, which are nobody's to configure.
NOT_OURS = {"TOLLKEEPER_REQUIRE_SERVICES", "STRIPE_RECORDINGS", "DATABASE_SQL"}
PLACEHOLDERS = {"THE-ORGANIZATION": "00000000-0000-7000-8000-000000000000", "THE-PERIOD": "2026-01-01T00:00:00Z"}

Found = list[str]


def text_of(path: Path) -> str:
    return (ROOT / path).read_text()


def code_in(path: Path) -> list[str]:
    """Everything set as code: words in backticks and lines of blocks."""
    text = text_of(path)
    blocks = [line for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def blocks_in(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text_of(path), re.DOTALL)


def test_every_link_leads_somewhere() -> None:
    found: Found = []
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", text_of(path)):
            if "://" not in target and not (ROOT / path.parent / target).exists():
                found.append(f"{path}: {target}")
    assert not found, "\n".join(found)


def test_every_page_is_linked() -> None:
    linked = {
        (ROOT / path.parent / target).resolve()
        for path in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)", text_of(path))
    }
    assert [str(path) for path in PAGES if path.name != "README.md" and (ROOT / path).resolve() not in linked] == []


def test_every_path_named_exists() -> None:
    found: Found = []
    for path in WRITTEN:
        for word in code_in(path):
            if (
                re.fullmatch(r"(src|tests|tools|docs|requirements|bench|proof)/[\w./-]+", word)
                and not (ROOT / word).exists()
            ):
                found.append(f"{path}: {word}")
    assert not found, "\n".join(found)


def test_every_setting_named_exists_and_every_setting_is_documented() -> None:
    settings = {str(field.alias) for field in Settings.model_fields.values()}
    named = re.compile(r"\b(?:TOLLKEEPER|DATABASE|REDIS|JWT|STRIPE)_[A-Z_]+\b")
    found = [
        f"{path}: {word}" for path in PAGES for word in named.findall(text_of(path)) if word not in settings | NOT_OURS
    ]
    assert not found, "\n".join(found)
    for page in ("docs/reference/settings.md", ".env.example"):
        assert [name for name in sorted(settings) if name not in text_of(Path(page))] == []


def test_every_command_named_exists() -> None:
    found: Found = []
    for path in PAGES:
        for line in code_in(path):
            called = re.match(r"(?:\S*/)?tollkeeper ([a-z].*)", line)
            if called and not is_command(called[1]):
                found.append(f"{path}: {line}")
    assert not found, "\n".join(found)


def is_command(words: str) -> bool:
    """Whether `serve --workers 4` and the like can be typed: the command is there, and takes these options."""
    command: Any = typer.main.get_command(cli)
    for word in shlex.split(words):
        if word.startswith("--"):
            if word not in {option for parameter in command.params for option in parameter.opts} | {"--help"}:
                return False
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return False
            command = command.commands[word]
    return True


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(Path("Makefile")), re.MULTILINE))
    used = {
        match[1]
        for path in PAGES
        for line in code_in(path)
        if (match := re.match(r"(?:cd \S+ && )?make ([a-z]+)", line))
    }
    assert used
    assert used - targets == set()


def test_every_call_named_exists() -> None:
    settings = Settings(_env_file=None, TOLLKEEPER_ENV="test")
    api = wiring.build_api(wiring.build_runtime(settings, "postgresql://unused@/unused"))
    calls = {
        f"{method.upper()} {re.sub('{.*?}', '{}', path)}"
        for path, methods in api.openapi()["paths"].items()
        for method in methods
    }
    found = [
        f"{path}: {word}"
        for path in WRITTEN
        for word in code_in(path)
        if re.fullmatch(r"(GET|POST|PATCH|DELETE) /(api|health|metrics)\S*", word)
        and re.sub("{.*?}", "{}", word) not in calls
    ]
    assert not found, "\n".join(found)


def test_every_code_and_name_exists() -> None:
    sources = "\n".join(path.read_text() for path in [*SRC.rglob("*.py"), *SRC.rglob("*.yaml")])
    words = set(re.findall(r"[a-z0-9]+(?:_[a-z0-9]+)+", sources))
    found = [
        f"{path}: {word}"
        for path in WRITTEN
        for word in code_in(path)
        if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", word) and word not in words
    ]
    assert not found, "\n".join(found)


def test_generated_pages_are_up_to_date() -> None:
    command = [sys.executable, "tools/build_docs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert done.returncode == 0, done.stdout + done.stderr


QUERIES = [(path, query) for path in WRITTEN for query in blocks_in(path, "sql")]


@pytest.mark.parametrize(("path", "query"), QUERIES, ids=[f"{path.stem}-{n}" for n, (path, _) in enumerate(QUERIES)])
def test_every_query_runs(database_url: str, path: Path, query: str) -> None:
    for word, value in PLACEHOLDERS.items():
        query = query.replace(word, value)
    assert "begin" not in query or query.rstrip().endswith("commit;"), path
    with psycopg.connect(database_url) as connection:
        connection.execute(re.sub(r"\b(begin|commit);", "", query))
        connection.rollback()


def test_the_example_catalogue_is_one() -> None:
    (example,) = blocks_in(Path("docs/guides/selling-plans.md"), "yaml")
    assert set(read_catalogue_file(example).plans) == {"free", "pro"}


def test_going_live_names_the_version_and_every_event() -> None:
    told = text_of(Path("docs/guides/going-live-with-stripe.md"))
    assert f"`{API_VERSION}`" in told
    assert [event for event in HANDLED if f"`{event}`" not in told] == []
