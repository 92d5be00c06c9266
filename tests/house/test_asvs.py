"""The table of the verification standard: every demand once, each with a test that exists or an honest no."""

import ast
import re

from .sources import ROOT

PAGE = ROOT / "docs" / "reference" / "asvs.md"
ROW = re.compile(r"^\| (\d+)\.(\d+)\.(\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`((?:tests|tools)/[\w/]+\.py)(?:::(\w+))?`")


def rows() -> list[tuple[tuple[int, int, int], str]]:
    return [((int(a), int(b), int(c)), shown) for a, b, c, _, _, shown in ROW.findall(PAGE.read_text())]


def test_every_demand_stands_there_once_and_in_order() -> None:
    numbers = [number for number, _ in rows()]
    assert len(numbers) > 150
    assert numbers == sorted(set(numbers))
    assert len(numbers) == sum(
        line.startswith(("| 1", "| 2", "| 3", "| 4", "| 5", "| 6", "| 7", "| 8", "| 9"))
        for line in PAGE.read_text().splitlines()
    )


def test_each_is_shown_by_a_test_or_is_a_no() -> None:
    bare = [number for number, shown in rows() if not NAMED.search(shown) and not shown.startswith("**no**: ")]
    assert bare == []
    assert any(shown.startswith("**no**") for _, shown in rows()), "nobody keeps all of it"


def test_what_is_named_exists() -> None:
    missing = []
    for number, shown in rows():
        for path, name in NAMED.findall(shown):
            if not (ROOT / path).is_file():
                missing.append(f"{number}: {path}")
            elif name:
                tree = ast.parse((ROOT / path).read_text())
                functions = {
                    each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                }
                missing += [] if name in functions else [f"{number}: {path}::{name}"]
    assert not missing, "\n".join(missing)
