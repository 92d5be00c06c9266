"""Tables whose order, filters and place stand in the address, so that what one sees can be sent to somebody else.

A page says once what its table can do, reads what the address asks for against that, and hands the template what to
show (`ui/tables.html` draws it):

    LISTED = Table(
        path="/admin/organizations",
        columns=(Column("name", "Organization", sorts=True), Column("created_at", "Since", sorts=True)),
        filters=(Filter("q", "Search", hint="Name or id"), Filter("state", "State", (Option("", "Any"), ...))),
        order="-created_at",
    )
    asked = LISTED.read(request.query_params)
    found = await list_organizations(tx, order=asked.order, descending=asked.descending, state=asked["state"], ...)
    page(request, "...", table=LISTED.shown(asked, next_cursor=found.next_cursor), rows=...)

Whatever the address says that is not on the list is as if it had not been said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

MAX_TYPED = 200
"""Characters that are read of a filter; nobody looks for more."""
MAX_CURSOR = 500


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `sorts`: its head is a link that sorts by `key`. `is_number`: flush right. `quiet`: title unseen."""

    key: str
    title: str
    sorts: bool = False
    is_number: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One value a filter can have, and its words. An empty key: the filter is off."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One thing to narrow the table by: one of `options`, or free text when there are none."""

    key: str
    title: str
    options: tuple[Option, ...] = ()
    hint: str = ""
    kind: str = "search"
    """The kind of input when there are no options: `search`, `date`, `text`, as HTML names them."""

    def read(self, typed: str) -> str:
        """Return what was chosen; empty for what is not to be chosen."""
        value = typed.strip()[:MAX_TYPED]
        if self.options and value not in {each.key for each in self.options}:
            return ""
        return value.replace("\0", "")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of a table. Everything in it is on the table's list.

    `order` is the key of the column that is sorted by; `cursor` is where the page begins, empty: at the beginning.
    """

    order: str
    descending: bool
    filters: Mapping[str, str]
    cursor: str = ""

    def __getitem__(self, key: str) -> str:
        return self.filters[key]

    @property
    def sort(self) -> str:
        """The order as addresses have it: `name`, or `-name` from the end."""
        return f"-{self.order}" if self.descending else self.order

    @property
    def is_filtered(self) -> bool:
        """Whether anything was narrowed."""
        return any(self.filters.values())


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column. `href` sorts by it, empty: it does not sort. `aria` is the value of `aria-sort`."""

    column: Column
    href: str
    aria: str


@dataclass(frozen=True, slots=True)
class ShownTable:
    """What the template draws. `first` and `next` are addresses of pages, empty where there is none."""

    table: "Table"
    asked: Asked
    heads: tuple[Head, ...]
    first: str
    next: str

    def __getitem__(self, key: str) -> Column:
        return next(head.column for head in self.heads if head.column.key == key)

    @property
    def kept(self) -> dict[str, str]:
        """What the form of the filters keeps beside them: the order, when it is not the usual one."""
        return {} if self.asked.sort == self.table.order else {"sort": self.asked.sort}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a page: where it is, what it shows, and what may be asked of it.

    `order` is how it is sorted when nobody asks: the key of a column that sorts, `-` before it for descending.
    """

    path: str
    columns: tuple[Column, ...]
    order: str
    filters: tuple[Filter, ...] = field(default=())
    anchor: str = ""
    """The id of what the page goes to when it is sorted or turned; empty: it begins at its top."""

    def read(self, query: Mapping[str, str]) -> Asked:
        """Return what an address asks for; what is not on the list is left out."""
        wanted = query.get("sort", "")
        if wanted.removeprefix("-") not in {each.key for each in self.columns if each.sorts}:
            wanted = self.order
        return Asked(
            order=wanted.removeprefix("-"),
            descending=wanted.startswith("-"),
            filters={each.key: each.read(query.get(each.key, "")) for each in self.filters},
            cursor=query.get("cursor", "")[:MAX_CURSOR],
        )

    def shown(self, asked: Asked, *, next_cursor: str | None = None) -> ShownTable:
        """Return what the template draws. `next_cursor` continues the list; None: this is the last page."""
        return ShownTable(
            table=self,
            asked=asked,
            heads=tuple(self._head(each, asked) for each in self.columns),
            first=self.href(asked) if asked.cursor else "",
            next=self.href(asked, cursor=next_cursor) if next_cursor else "",
        )

    def href(self, asked: Asked, **changed: str) -> str:
        """Return the address of this table as asked for, with some of it changed. A new order begins at the start."""
        said = {"sort": "" if asked.sort == self.order else asked.sort, **asked.filters, **changed}
        if said["sort"] == self.order:
            said["sort"] = ""
        query = urlencode({name: value for name, value in said.items() if value})
        place = f"#{self.anchor}" if self.anchor else ""
        return f"{self.path}?{query}{place}" if query else f"{self.path}{place}"

    def _head(self, column: Column, asked: Asked) -> Head:
        if not column.sorts:
            return Head(column, "", "")
        is_sorted = column.key == asked.order
        turned = column.key if not is_sorted or asked.descending else f"-{column.key}"
        aria = ("descending" if asked.descending else "ascending") if is_sorted else "none"
        return Head(column, self.href(asked, sort=turned), aria)
