"""Documentation, changelog, status, legal texts and what crawlers read."""

import re
from pathlib import Path
from typing import Any

import pytest

from tollkeeper.infra import Health, Runtime
from tollkeeper.web.site import library
from tollkeeper.web.site.markdown import rendered
from tollkeeper.web.site.status import State, parts_of

from .conftest import Browser

ROOT = Path(__file__).parents[2]


def links_of(html: str) -> set[str]:
    return set(re.findall(r'href="([^"]+)"', html))


def test_markdown_is_shown_and_html_in_it_is_text() -> None:
    text = rendered(
        "# A <b>title</b>\n\nLead `x`.\n\n## Part one\n\n<script>alert(1)</script> [go](javascript:alert(1))\n"
    )
    assert (text.title, text.lead) == ("A <b>title</b>", "Lead x.")
    assert [(each.level, each.anchor) for each in text.headings] == [(2, "part-one")]
    assert '<h2 id="part-one">' in text.body
    assert "<script" not in text.body
    assert "href" not in text.body


def test_headings_of_the_same_words_have_anchors_of_their_own() -> None:
    text = rendered("## Again\n\n## Again\n\n### What's *this*, then?\n")
    assert [each.anchor for each in text.headings] == ["again", "again-1", "whats-this-then"]


def test_code_has_colours_by_class_alone() -> None:
    body = rendered('```python\nx = "<a>"  # note\n```\n\n```nonsense\n<b>\n```\n').body
    assert '<span class="c1"># note</span>' in body
    assert "&lt;a&gt;" in body
    assert "&lt;b&gt;" in body
    assert "style=" not in body


def test_every_page_is_listed_and_every_link_leads_on() -> None:
    files = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    names = {name.removesuffix("/README") for name in files} - {"README"}
    assert set(library.entries()) == names
    for name in names:
        text = library.text_of(name)
        assert text is not None
        assert text.title
        for link in links_of(text.body):
            path = link.partition("#")[0]
            assert not path.endswith(".md")
            if path.startswith("/docs/"):
                assert path.removeprefix("/docs/") in names, f"{name} links to {link}"


def test_a_search_finds_every_word_and_marks_it() -> None:
    found = library.found("webhook secret")
    assert found[0].entry.name == "runbooks/rotating-the-webhook-secret"
    assert "<mark>" in found[0].excerpt
    assert library.found("xyzzy plugh") == []
    assert library.found(" ") == []


async def test_the_documentation_is_read_and_searched(browser: Browser) -> None:
    contents = (await browser.get("/docs")).text
    for _, entry in library.entries().values():
        assert f'href="{entry.href}"' in contents
    shown = await browser.get("/docs/concepts/hard-limits")
    assert "How a hard limit holds" in shown.text
    assert 'aria-current="page"' in shown.text
    assert (await browser.get("/docs/concepts/nothing")).status_code == 404
    assert (await browser.get("/docs/..%2f..%2fpyproject.toml")).status_code == 404
    hostile = (await browser.get("/docs?q=%3Cscript%3Ealert(1)%3C/script%3E")).text
    assert "<script>alert" not in hostile


async def test_the_changelog_is_the_one_of_the_source(browser: Browser) -> None:
    first = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] in (await browser.get("/changelog")).text


async def test_crawlers_find_every_public_page_and_each_is_there(browser: Browser) -> None:
    assert "Sitemap: http://127.0.0.1:8000/sitemap.xml" in (await browser.get("/robots.txt")).text
    listed = re.findall(r"<loc>http://127.0.0.1:8000([^<]+)</loc>", (await browser.get("/sitemap.xml")).text)
    assert {"/", "/pricing", "/docs/guides/teams", "/imprint"} <= set(listed)
    for path in [each for each in listed if not each.startswith("/docs/")]:
        assert (await browser.client.get(path)).status_code == 200


async def test_legal_texts_are_marked_as_templates_until_there_are_own_ones(
    browser: Browser, runtime: Runtime, tmp_path: Path
) -> None:
    for path in ("/terms", "/privacy", "/imprint"):
        shown = (await browser.get(path)).text
        assert "This is a template" in shown
        assert "${" not in shown
    assert "TOLLKEEPER_SELLER_NAME" in (await browser.get("/imprint")).text
    (tmp_path / "imprint.md").write_text("# Imprint\n\n${seller_name}, here.\n")
    changed = {"texts": tmp_path, "seller_name": "Engines <& Co> *Ltd*"}
    kept, runtime.settings = runtime.settings, runtime.settings.model_copy(update=changed)
    try:
        own, template = (await browser.get("/imprint")).text, (await browser.get("/terms")).text
    finally:
        runtime.settings = kept
    assert "Engines &lt;&amp; Co&gt; *Ltd*, here." in own
    assert "This is a template" not in own
    assert "Engines &lt;&amp; Co&gt; *Ltd*" in template


def ok(**problems: str) -> dict[str, Any]:
    names = ("database", "jobs", "gate", "usage", "trail", "provider")
    return {name: {"status": "failing" if name in problems else "ok"} for name in names}


@pytest.mark.parametrize(
    ("checks", "states"),
    [
        (ok(), {State.WORKS}),
        (ok(provider="slow"), {State.WORKS, State.SLOW}),
        (ok(database="gone"), {State.WORKS, State.DOWN}),
        (None, {State.UNKNOWN}),
    ],
)
def test_the_status_says_what_health_says(checks: dict[str, Any] | None, states: set[State]) -> None:
    parts = parts_of(checks)
    assert {each.state for each in parts} == states


async def test_the_status_page_tells_of_a_disturbance(browser: Browser, runtime: Runtime, tmp_path: Path) -> None:
    async def report() -> dict[str, Any]:
        return {"status": "degraded", "checks": ok(jobs="late")}

    (tmp_path / "incidents.md").write_text("## 1 March\n\nMails were late for an hour.\n")
    before = runtime.parts.get(Health)
    runtime.provide(Health, Health(report))
    kept, runtime.settings = runtime.settings, runtime.settings.model_copy(update={"texts": tmp_path})
    try:
        shown = (await browser.get("/status")).text
    finally:
        runtime.settings = kept
        if before is not None:
            runtime.provide(Health, before)
    assert 'data-state="slow"' in shown
    assert "Mails were late for an hour." in shown
