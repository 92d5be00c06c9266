"""Small functions and files, declared dependencies, and nothing in the tree that belongs to one machine."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

from .sources import ROOT, tracked, tree

MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 400

# What is longer, each with its present length and its reason. A length may only shrink; what fits leaves the list.
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {}
LONG_FILES: dict[str, tuple[int, str]] = {}

# Migrations are lists of statements, mostly generated, and never change again.
CODE = [path for path in tracked("src/*.py", "tools/*.py", "bench/*.py", "proof/*.py") if "versions" not in path.parts]
# Modules that are no package's, each with where it comes from.
FROM_ELSEWHERE = {"stripe_sdk_validate": "lies with the recorded exchanges that STRIPE_RECORDINGS points to"}
FIRST_PARTY = {
    "tollkeeper",
    "stripe_twin",
    "captcha_twin",
    "mailbox_twin",
    "identity_twin",
    "twin_kit",
    "tollkeeper_sdk",
    "tests",
    "tools",
    "bench",
    "proof",
}


def longer(found: dict[str, int], excused: dict[str, tuple[int, str]], bound: int) -> list[str]:
    grown = [f"{name}: {lines} lines" for name, lines in found.items() if lines > excused.get(name, (bound, ""))[0]]
    outdated = [
        f"{name}: now {found.get(name, 0)} lines; lower or remove its entry"
        for name, (lines, _) in excused.items()
        if found.get(name, 0) < lines
    ]
    return grown + outdated


def test_functions_are_short() -> None:
    found = {
        f"{path}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in CODE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert found, "there is code"
    assert not longer(found, LONG_FUNCTIONS, MAX_FUNCTION_LINES)


def test_files_are_short() -> None:
    found = {str(path): len((ROOT / path).read_text().splitlines()) for path in CODE}
    assert not longer(found, LONG_FILES, MAX_FILE_LINES)


def declared(*names: str) -> set[str]:
    lines = [line for name in names for line in (ROOT / "requirements" / f"{name}.in").read_text().splitlines()]
    wanted = [re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith(("#", "-"))]
    return {normal(match.group()) for match in wanted if match}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_what_is_imported_is_declared() -> None:
    providers = importlib.metadata.packages_distributions()
    runtime, everything = declared("runtime"), declared("runtime", "dev", "node")
    beside_tests = {path.stem for path in tracked("tests/*.py")} | {path.parts[1] for path in tracked("tests/*/*.py")}
    found = [
        f"{path} imports {name} ({', '.join(providers.get(name, ['unknown']))})"
        for path in tracked("*.py")
        for name in sorted(
            imported(path) - FIRST_PARTY - beside_tests - FROM_ELSEWHERE.keys() - sys.stdlib_module_names
        )
        if not {normal(dist) for dist in providers.get(name, [name])}
        & (runtime if path.parts[0] == "src" else everything)
    ]
    assert not found, "imported but not in requirements/*.in:\n" + "\n".join(found)


# Written in pieces, so that this file does not contain what it looks for.
FOREIGN = re.compile(
    r"https?://[a-z0-9.-]*(?:registry|packages|hos" + r"ted)[a-z0-9.-]*/"
    r"|(?:^|[^a-zA-Z0-9_.-])/(?:work|root|farm|home/[a-z]\w*)/",
)


def test_nothing_names_a_registry_or_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        if path.suffix == ".svg":
            continue
        try:
            lines = (ROOT / path).read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path}:{number} {line.strip()[:80]}" for number, line in enumerate(lines, 1) if FOREIGN.search(line)
        ]
    assert not found, "addresses or paths that hold on one machine only:\n" + "\n".join(found)


def test_such_names_are_recognised() -> None:
    for text in ("https://registry." + "example.org/x", "see /root" + "/x", "path=/home" + "/ann/data"):
        assert FOREIGN.search(text), text
    for text in ("https://docs.example.org/x", "https://example.org/work/", "src/work/", "/api/auth/login"):
        assert not FOREIGN.search(text), text
