"""The inventory as a page of the documentation."""

from tollkeeper.infra import metadata

from .inventory import HELD, Held

_HEAD = """# Personal data

What is held of people, what for, for how long, and what becomes of it when somebody is deleted. Exports
(`POST /api/profile/exports`) and the check (`tollkeeper privacy check`) are made from the same list; a table that is
not thought of in it fails the build.

"""


def inventory_page() -> str:
    """Return the whole inventory as Markdown."""
    return _HEAD + "\n".join(_section(held) for held in sorted(HELD, key=lambda each: each.table))


def _section(held: Held) -> str:
    columns = ", ".join(f"`{each.name}`" for each in metadata.tables[held.table].c)
    rows = {
        "holds": held.what,
        "for": held.why,
        "until": held.until,
        "after deletion": held.after,
        "in exports": "yes" if held.exported else "no",
        "columns": columns,
    }
    body = "\n".join(f"| {name} | {words} |" for name, words in rows.items())
    return f"## {held.table}\n\n| | |\n|---|---|\n{body}\n"
