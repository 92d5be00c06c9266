"""What a story's browsers do: each form they send that is not refused, as the grid of pages calls it.

A story says what it performs: `@pytest.mark.acts("POST /keys", ...)`, with `scripts=False` for what it does in a
browser without scripts. Its browsers must have sent each of them, or it fails; and `promises/test_stories.py` fails for
a form that no story performs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Response

from promises.pages import PAGES

REFUSED = 400
"""Statuses from here on say that nothing was done,"""
PASSED_ON = 307
"""and so does this one: the form goes along to the page that asks for a proof."""


@dataclass(frozen=True)
class Act:
    """A form by its method and path as the router has them, and whether the browser that sent it runs scripts."""

    call: str
    scripts: bool = True


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", path)
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts))


# Where two fit, what is spelt out comes before what stands for anything, as it does for the router.
FORMS = sorted(
    ((_pattern(page.path), page.call) for page in PAGES if page.writes),
    key=lambda each: each[1].count("{"),
)


def act_of(answer: Response, *, scripts: bool) -> Act | None:
    """Return what was done; None for what only looks, was refused, or is no form of ours."""
    if answer.request.method != "POST" or answer.status >= REFUSED or answer.status == PASSED_ON:
        return None
    path = urlsplit(answer.url).path
    return next((Act(call, scripts) for pattern, call in FORMS if pattern.fullmatch(path)), None)


def declared(marks: Iterable[pytest.Mark]) -> set[Act]:
    """Return what a story says it performs, by its marks."""
    return {Act(call, **mark.kwargs) for mark in marks if mark.name == "acts" for call in mark.args}
