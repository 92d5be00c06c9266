"""Every form of every page is sent by somebody with a browser, in a story of `tests/browser`.

A story says by its `acts` mark what it performs; when it runs, its browsers must have done so. Here nothing runs: what
is declared is held against the grid of pages, so that a new form without a story is noticed at once.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from browser import acts
from browser.acts import Act, declared

from .pages import PAGES

STORIES = Path(acts.__file__).parent
FORMS = {page.call for page in PAGES if page.writes and not page.foreign}
WITHOUT_SCRIPTS = {"POST /signup", "POST /billing/checkout", "POST /keys", "POST /billing/cancel"}
"""What must work in a browser that runs no scripts, from beginning to end."""


def told() -> Iterator[Act]:
    """What all stories together say they perform."""
    for file in sorted(STORIES.glob("test_*.py")):
        for thing in vars(import_module(f"browser.{file.stem}")).values():
            if callable(thing):
                yield from declared(getattr(thing, "pytestmark", ()))


def test_every_form_is_sent_in_a_story() -> None:
    performed = {act.call for act in told()}
    assert FORMS - performed == set(), "no browser story performs these: mark the one that does"
    assert performed - FORMS == set(), "stories perform what no page has"


def test_what_must_work_without_scripts_is_shown_without_them() -> None:
    assert {act.call for act in told() if not act.scripts} >= WITHOUT_SCRIPTS
