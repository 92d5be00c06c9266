"""The source files as the house rules see them."""

import ast
import gc
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"


def tracked(*patterns: str) -> list[Path]:
    """Files git knows or is about to know, as paths from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - git
    return [Path(line) for line in sorted(set(listed.stdout.splitlines())) if (ROOT / line).is_file()]


@cache
def tree(path: Path) -> ast.Module:
    # CPython 3.11 loses count of its own depth when a collection runs finalizers while a tree is being made.
    gc.disable()
    try:
        return ast.parse((ROOT / path).read_text(), str(path))
    finally:
        gc.enable()


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file with the last part of what is called: `a.b.commit()` is `commit`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr, node
            elif isinstance(node.func, ast.Name):
                yield node.func.id, node


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every string in a file that is not a docstring, with its line; of f-strings the constant parts in one."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {id(part) for node in ast.walk(tree(path)) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | parts:
            yield node.lineno, node.value


def room(path: Path) -> str:
    """The room of a domain a file lies in: `billing/store.py` and `billing/invoices/store/lines.py` are `store`."""
    rooms = {"model", "rules", "tables", "store", "service", "http", "jobs", "checks"}
    return next((part for part in reversed(path.with_suffix("").parts) if part in rooms), path.stem)


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def floors() -> dict[str, int]:
    """Package -> its floor, counted from the top."""
    contracts = project()["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(contract["layers"] for contract in contracts if contract["id"] == "floors")
    return {name.strip().strip("()"): floor for floor, layer in enumerate(layers) for name in layer.split("|")}
