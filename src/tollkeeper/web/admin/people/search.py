"""Search over everything: people, organizations, keys, what the provider knows or tells by an id of its own, what
is sold, jobs and notes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import EventLine, SoughtEvents, list_received
from tollkeeper.billing.finding import Found, Kind, things_called
from tollkeeper.catalog import Addon, Catalogue, Feature, Plan, load_catalogue
from tollkeeper.identity import ApiKey
from tollkeeper.identity.finding import Known, keys_shown_as, people_called
from tollkeeper.infra import KnownJob, RuntimeDep, SoughtJobs, Tx, list_jobs
from tollkeeper.orgs import Organization
from tollkeeper.orgs.finding import organizations_called, organizations_of_ids
from tollkeeper.orgs.staff_notes import Note, notes_saying
from tollkeeper.web.admin.guard import StaffDep
from tollkeeper.web.admin.numbers import whole_number
from tollkeeper.web.admin.showing import show

from .addresses import ORGANIZATIONS, PEOPLE

router = APIRouter()

MOST = 10
"""How many of each kind are shown."""
LONGEST = 200
_SHOWN_OF_NOTE = 120
_JOB = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found; `tag` is a word beside its title, or empty."""

    href: str
    title: str
    note: str
    tag: str = ""
    tone: str = "neutral"


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found of one kind; `icon` is a lucide icon's name."""

    title: str
    icon: str
    hits: Sequence[Hit]


_BILLED = {
    Kind.CUSTOMER: ("Customers", ORGANIZATIONS + "/{organization_id}"),
    Kind.SUBSCRIPTION: ("Subscriptions", "/admin/subscriptions/{id}"),
    Kind.INVOICE: ("Invoices", "/admin/invoices/{id}"),
    Kind.PAYMENT: ("Payments", ORGANIZATIONS + "/{organization_id}#payments"),
    Kind.REFUND: ("Refunds", ORGANIZATIONS + "/{organization_id}#payments"),
    Kind.DISPUTE: ("Disputes", "/admin/disputes/{id}"),
}


@router.get("/admin/search")
async def search_page(request: Request, runtime: RuntimeDep, viewer: StaffDep, q: str = "") -> Response:
    """Show what is called so."""
    sought = " ".join(q.replace("\x00", "").split())[:LONGEST]
    async with runtime.transaction(of_all=True) as tx:
        found = await _find(tx, sought) if sought else []
    return show(request, viewer, "people/search.html", sought=sought, found=found)


async def _find(tx: Tx, sought: str) -> list[Hits]:
    organizations = await organizations_called(tx, sought, limit=MOST)
    people = await people_called(tx, sought, limit=MOST)
    keys = await keys_shown_as(tx, sought, limit=MOST)
    billed = await things_called(tx, sought, limit=MOST)
    told = (await list_received(tx, SoughtEvents(provider_id=sought), limit=1)).data if _is_event(sought) else []
    sold = _sold(await load_catalogue(tx), sought.lower())
    jobs = await _jobs(tx, sought)
    notes = await notes_saying(tx, sought, limit=MOST)
    owners = {each.organization_id for each in keys if each.organization_id}
    owners |= {each.subject.organization_id for each in notes if each.subject.organization_id}
    owners |= {each.organization_id for each in billed}
    names = {each.id: each.name for each in (await organizations_of_ids(tx, owners)).values()}
    found = [
        Hits("Organizations", "building-2", [_organization(each) for each in organizations]),
        Hits("People", "users", [_person(each) for each in people]),
        Hits("API keys", "key-round", [_key(each, names) for each in keys]),
        Hits("Webhooks", "webhook", [_event(each) for each in told]),
        Hits("Catalogue", "package", sold),
        Hits("Jobs", "list-checks", [_job(each) for each in jobs]),
        Hits("Notes", "book-open", [_note(each, names) for each in notes]),
        *(Hits(title, "receipt-text", list(_billed(kind, billed, names))) for kind, (title, _) in _BILLED.items()),
    ]
    return [each for each in found if each.hits]


def _organization(found: Organization) -> Hit:
    note = found.external_id or str(found.id)
    tag = "Suspended" if found.suspended_at else ""
    return Hit(f"{ORGANIZATIONS}/{found.id}", found.name, note, tag, "bad")


def _person(found: Known) -> Hit:
    tag = found.role.capitalize() if found.role else ""
    return Hit(f"{PEOPLE}/{found.user.id}", found.user.name or found.user.email, found.user.email, tag, "accent")


def _key(found: ApiKey, names: dict[UUID, str]) -> Hit:
    owner = names.get(found.organization_id, "") if found.organization_id else "Operator key"
    href = f"{ORGANIZATIONS}/{found.organization_id}#keys" if found.organization_id else "/admin/trail"
    tag = "Revoked" if found.revoked_at else ""
    return Hit(href, found.name, f"{found.prefix}…{found.last_four} · {owner}", tag)


def _is_event(sought: str) -> bool:
    return sought.startswith("evt_")


def _event(found: EventLine) -> Hit:
    return Hit(f"/admin/webhooks/{found.id}", found.type, found.provider_id, found.status.capitalize())


def _sold(catalogue: Catalogue, sought: str) -> list[Hit]:
    """Return what is sold that is called so: by its key, or by what its name has in it."""
    things: list[tuple[str, str, Plan | Addon | Feature]] = [
        *(("Plan", "plans", each) for each in catalogue.plans.values()),
        *(("Add-on", "addons", each) for each in catalogue.addons.values()),
        *(("Feature", "features", each) for each in catalogue.features.values()),
    ]
    found = [
        Hit(f"/admin/catalogue#{place}", each.name, f"{what} · {each.key}", "Archived" if each.archived_at else "")
        for what, place, each in things
        if each.key == sought or sought in each.name.lower()
    ]
    return found[:MOST]


async def _jobs(tx: Tx, sought: str) -> Sequence[KnownJob]:
    """Return jobs of this number or name that are not done; nothing else is asked for among them."""
    number = whole_number(sought, digits=_MOST_DIGITS)
    if number is None and not _JOB.fullmatch(sought):
        return []
    wanted = SoughtJobs(name=sought) if number is None else SoughtJobs(id=number)
    return (await list_jobs(tx, wanted, limit=MOST)).data


def _job(found: KnownJob) -> Hit:
    return Hit(f"/admin/jobs/{found.id}", found.name, f"Job {found.id}", found.state.value.capitalize())


def _note(found: Note, names: dict[UUID, str]) -> Hit:
    about, words = found.subject, " ".join(found.body.split())
    title = words if len(words) <= _SHOWN_OF_NOTE else f"{words[:_SHOWN_OF_NOTE]}…"
    if about.organization_id is None:
        return Hit(f"{PEOPLE}/{about.person_id}#notes", title, "About a person")
    return Hit(f"{ORGANIZATIONS}/{about.organization_id}#notes", title, names.get(about.organization_id, ""))


def _billed(kind: Kind, found: Iterable[Found], names: dict[UUID, str]) -> Iterable[Hit]:
    _, href = _BILLED[kind]
    for each in found:
        if each.kind is kind:
            path = href.format(id=each.id, organization_id=each.organization_id)
            yield Hit(path, each.name, names.get(each.organization_id, ""), each.state.replace("_", " ").capitalize())
