"""The admin's navigation: which pages there are, by what staff come for."""

from typing import NamedTuple


class Place(NamedTuple):
    """A page in the navigation; `icon` is a lucide icon's name."""

    href: str
    icon: str
    title: str


class Group(NamedTuple):
    """Places under one heading; without a heading where `title` is empty."""

    title: str
    places: tuple[Place, ...]


PEOPLE = (
    Place("/admin", "layout-dashboard", "Home"),
    Place("/admin/organizations", "building-2", "Organizations"),
    Place("/admin/people", "users", "People"),
)
MONEY = (
    Place("/admin/catalogue", "package", "Catalogue"),
    Place("/admin/subscriptions", "repeat", "Subscriptions"),
    Place("/admin/invoices", "receipt-text", "Invoices"),
    Place("/admin/payments", "banknote", "Payments"),
    Place("/admin/disputes", "gavel", "Disputes"),
    Place("/admin/dunning", "kanban", "Failed payments"),
)
RUNNING = (
    Place("/admin/system", "activity", "System"),
    Place("/admin/jobs", "list-checks", "Jobs"),
    Place("/admin/webhooks", "webhook", "Webhooks"),
    Place("/admin/trail", "history", "Trail"),
    Place("/admin/mails", "mail", "Mails"),
    Place("/admin/settings", "settings-2", "Settings"),
)

GROUPS = (Group("", PEOPLE), Group("Money", MONEY), Group("Running it", RUNNING))
