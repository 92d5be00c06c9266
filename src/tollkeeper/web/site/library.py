"""The documentation on the site: the files of `docs/`, in the order their own list of contents gives them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from textwrap import shorten

from markupsafe import Markup

from .markdown import Text, rendered

PACKED = Path(__file__).parent / "packed"
"""What the assets' build keeps of the documentation, for an installation without the source beside it."""
_SOURCE = Path(__file__).parents[4]
_SECTION = re.compile(r"^\*\*(?P<title>[\w ]+)\*\*[:,] ?(?P<words>[^:.]*)", re.MULTILINE)
_ENTRY = re.compile(r"\[(?P<title>[^\]]+)\]\((?P<path>[a-z]+/[\w.-]+)\.md\)(?::? (?P<words>[^\[\n]*))?")
_AROUND = 70
_FOUND = 20
_IN_TITLE, _IN_HEADING, _LONG = 40, 8, 4_000
_HEADING = re.compile(r"^#{1,4} (.+)$", re.MULTILINE)
_TARGET = re.compile(r"\]\([^)\s]*\)")
_MARKS = re.compile(r"<!--.*?-->|[`*|#\[\]]+|^[-=]{3,}$|\|[-:| ]+\|", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the documentation. `name` is its address below `/docs/`; `words` say what it is about."""

    name: str
    title: str
    words: str

    @property
    def href(self) -> str:
        """Where it is shown."""
        return f"/docs/{self.name}"


@dataclass(frozen=True, slots=True)
class Section:
    """Pages of one kind: guides, concepts, runbooks, reference."""

    title: str
    words: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A page that has what was looked for, and the place in its text with the words marked."""

    entry: Entry
    section: str
    excerpt: Markup


def home() -> Path:
    """Return the folder with `docs` and `CHANGELOG.md`: the source, else what was packed."""
    return _SOURCE if (_SOURCE / "docs" / "README.md").is_file() else PACKED


@cache
def sections() -> tuple[Section, ...]:
    """Return the list of contents; empty when no documentation is installed."""
    path = home() / "docs" / "README.md"
    text = path.read_text() if path.is_file() else ""
    starts = list(_SECTION.finditer(text))
    ends = [each.start() for each in starts[1:]] + [len(text)]
    found = []
    for start, end in zip(starts, ends, strict=True):
        entries = tuple(
            Entry(
                each["path"].removesuffix("/README"), _begun(each["title"]), _begun((each["words"] or "").strip(" ,."))
            )
            for each in _ENTRY.finditer(text, start.end(), end)
        )
        found.append(Section(start["title"], start["words"].strip(), tuple(dict.fromkeys(entries))))
    return tuple(found)


def _begun(words: str) -> str:
    words = words.strip(" ,.")
    return words[:1].upper() + words[1:]


@cache
def entries() -> dict[str, tuple[Section, Entry]]:
    """Return every page by its name."""
    return {entry.name: (section, entry) for section in sections() for entry in section.entries}


@cache
def text_of(name: str) -> Text | None:
    """Return a page of the list of contents; None: there is none of this name."""
    if name not in entries():
        return None
    path = _path_of(name)
    folder = path.relative_to(home() / "docs").parent.as_posix()
    return rendered(path.read_text(), lambda target: _leads_to(target, folder))


def _path_of(name: str) -> Path:
    path = home() / "docs" / f"{name}.md"
    return path if path.is_file() else home() / "docs" / name / "README.md"


@cache
def changelog() -> Text:
    """Return what changed, version by version."""
    path = home() / "CHANGELOG.md"
    return rendered(path.read_text() if path.is_file() else "", lambda target: target if "://" in target else "")


def _leads_to(target: str, folder: str) -> str:
    """Return where a link of a page in `folder` leads on the site; files that are no pages are not linked."""
    path, _, anchor = target.partition("#")
    if not path or "://" in path:
        return target
    steps: list[str] = []
    for step in (PurePosixPath(folder) / path).parts:
        if step == "..":
            if not steps:
                return "/changelog" if path.endswith("CHANGELOG.md") else ""
            steps.pop()
        else:
            steps.append(step)
    name = "/".join(steps).removesuffix(".md").removesuffix("/README")
    if name == "README":
        return "/docs"
    return f"/docs/{name}{'#' + anchor if anchor else ''}" if name in entries() else ""


@dataclass(frozen=True, slots=True)
class _Sought:
    """A page as it is searched: its words without marks, in small letters beside them as they are."""

    plain: str
    low: str
    title: str
    headings: str


@cache
def _sought() -> dict[str, _Sought]:
    """Return every page as it is searched. Marks are stripped rather than read: to read all takes a second."""
    pages = {}
    for _, entry in entries().values():
        source = _path_of(entry.name).read_text()
        headings = [each.strip() for each in _HEADING.findall(source)]
        plain = " ".join(_MARKS.sub(" ", _TARGET.sub("]", source)).split())
        title = f"{entry.title} {headings[0] if headings else ''}"
        pages[entry.name] = _Sought(plain, plain.lower(), title.lower(), " ".join(headings).lower())
    return pages


def found(words: str) -> list[Found]:
    """Return the pages that have every word, best first; the words of titles and headings weigh most."""
    wanted = [each for each in re.findall(r"\w+", words.lower()) if len(each) > 1]
    if not wanted:
        return []
    ranked = []
    for section, entry in entries().values():
        text = _sought()[entry.name]
        if all(word in text.low or word in text.title for word in wanted):
            shown = Found(entry, section.title, _excerpt(text.plain, wanted))
            ranked.append((sum(_rank(text, word) for word in wanted), shown))
    return [each for _, each in sorted(ranked, key=lambda pair: -pair[0])[:_FOUND]]


def _rank(text: _Sought, word: str) -> float:
    often = text.low.count(word) / (1 + len(text.low) / _LONG)
    return often + _IN_TITLE * (word in text.title) + _IN_HEADING * (word in text.headings)


def _excerpt(plain: str, wanted: list[str]) -> Markup:
    """Return the surroundings of the first word found, the words marked."""
    at = next((place for word in wanted if (place := plain.lower().find(word)) >= 0), 0)
    start = min(at, plain.find(" ", at - _AROUND) + 1) if at > _AROUND else 0
    part = ("… " if start else "") + shorten(plain[start:], 3 * _AROUND, placeholder=" …")
    marks = re.split(f"(\\b(?:{'|'.join(map(re.escape, wanted))}))", part, flags=re.IGNORECASE)
    return Markup().join(Markup("<mark>{}</mark>").format(each) if i % 2 else each for i, each in enumerate(marks))


__all__ = ["PACKED", "Entry", "Found", "Section", "changelog", "entries", "found", "sections", "text_of"]
