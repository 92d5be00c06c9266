"""Markdown as pages show it: headings that can be linked, code in colours, tables that scroll, links kept in order."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

Link = Callable[[str], str]
"""Where a link of the text leads on this site; empty: nowhere, its words stay as words."""

_COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_NO_ANCHOR = re.compile(r"[^\w\- ]")
# What a reader types has a shell's colours; output beside it has none.
_ALIASES = {"sh": "bash", "console": "console", "mermaid": "text", "": "text"}
_CODE = HtmlFormatter(nowrap=True)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below the title. `level` is 2 or 3."""

    level: int
    anchor: str
    words: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text ready to show. `lead` is its first paragraph in plain words; `plain` all of it, for searching."""

    title: str
    lead: str
    body: Markup
    headings: tuple[Heading, ...]
    plain: str


def anchor_of(words: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return _NO_ANCHOR.sub("", words.lower().strip()).replace(" ", "-")


def rendered(source: str, link: Link = lambda target: target) -> Text:
    """Turn Markdown into HTML. HTML within it is shown, not obeyed; the first heading becomes the title."""
    parser = _parser()
    tokens = parser.parse(_COMMENT.sub("", source))
    title = ""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        title, tokens = _words(tokens[1]), tokens[3:]
    headings = _marked(tokens)
    _linked(tokens, link)
    lead = next((_words(tokens[i + 1]) for i, each in enumerate(tokens) if each.type == "paragraph_open"), "")
    body = Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - made with html switched off
    return Text(title, lead, body, tuple(headings), " ".join(_words(each) for each in tokens if each.content))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_block", _fence)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


def _words(token: Token) -> str:
    """Return what a token says without its marks."""
    if token.children is None:
        return token.content
    return "".join(" " if each.type == "softbreak" else each.content for each in token.children)


def _marked(tokens: list[Token]) -> list[Heading]:
    """Give every heading its anchor; returns those that a list of contents names."""
    found: list[Heading] = []
    taken: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        words = _words(inline)
        anchor = anchor_of(words)
        taken[anchor] = taken.get(anchor, -1) + 1
        anchor = f"{anchor}-{taken[anchor]}" if taken[anchor] else anchor
        opening.attrSet("id", anchor)
        if opening.tag in {"h2", "h3"}:
            found.append(Heading(int(opening.tag[1]), anchor, words))
    return found


def _linked(tokens: list[Token], link: Link) -> None:
    """Lead every link to where it leads here; one that leads nowhere becomes its words."""
    for inline in tokens:
        kept: list[Token] = []
        dropped = 0
        for each in inline.children or []:
            if each.type == "link_open":
                target = link(str(each.attrGet("href")))
                each.attrSet("href", target)
                dropped += not target
                if not target:
                    continue
            elif each.type == "link_close" and dropped:
                dropped -= 1
                continue
            kept.append(each)
        if inline.children is not None:
            inline.children = kept


def _fence(_renderer: Any, tokens: list[Token], index: int, *_: Any) -> str:
    name = tokens[index].info.split(" ")[0].strip()
    try:
        lexer = get_lexer_by_name(_ALIASES.get(name, name))
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    coloured = highlight(tokens[index].content.rstrip("\n"), lexer, _CODE)
    return f'<pre class="code" tabindex="0"><code data-language="{escape(name)}">{coloured}</code></pre>\n'


def _table_open(*_: Any) -> str:
    return '<div class="panel relative overflow-x-auto" tabindex="0"><table class="data">\n'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"
