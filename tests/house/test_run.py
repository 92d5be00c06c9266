"""The house rules of a test run, the Makefile and the CI script."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from house_plugin import LONGEST

from .sources import ROOT

SKIPPING = """
import pytest

@pytest.mark.{mark}
def test_it():
    pytest.skip("no browser")
"""


def run_pytest(folder: Path, text: str, **environment: str) -> tuple[int, str]:
    (folder / "test_sample.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = plain\n")
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "pytest", "-p", "house_plugin", "-p", "no:cacheprovider", "-ra", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "TOLLKEEPER_REQUIRE_SERVICES": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


def test_a_skip_fails_where_services_are_promised(tmp_path: Path) -> None:
    text = SKIPPING.format(mark="plain")
    assert run_pytest(tmp_path, text)[0] == 0
    code, output = run_pytest(tmp_path, text, TOLLKEEPER_REQUIRE_SERVICES="1")
    assert code == 1
    assert "must run here" in output
    assert "no browser" in output


def test_a_module_that_skips_itself_fails_too(tmp_path: Path) -> None:
    text = 'import pytest\npytest.importorskip("no_such_module")\ndef test_it(): pass\n'
    code, output = run_pytest(tmp_path, text, TOLLKEEPER_REQUIRE_SERVICES="1")
    assert code != 0
    assert "must run here" in output


def test_an_allowed_skip_stays_one(tmp_path: Path) -> None:
    text = SKIPPING.format(mark='skip_allowed("there is none for this machine")')
    code, output = run_pytest(tmp_path, text, TOLLKEEPER_REQUIRE_SERVICES="1")
    assert code == 0
    assert "1 skipped" in output


def test_make_help_lists_every_target_in_words() -> None:
    makefile = (ROOT / "Makefile").read_text()
    public = set(makefile.partition(".PHONY:")[2].partition("\n")[0].split())
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)  # noqa: S607
    listed = set(re.findall(r"^\s+([a-z][\w-]*)\s{2,}\S", re.sub(r"\x1b\[[0-9;]*m", "", done.stdout), re.MULTILINE))
    assert {"install", "up", "test", "check", "fix", "bench", "lock", "clean"} <= listed
    assert listed == public


@pytest.mark.parametrize("script", [".ci/run"])
def test_scripts_are_executable_and_parse(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    done = subprocess.run(["/bin/bash", "-n", ROOT / script], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


def test_what_goes_first_is_there() -> None:
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []
