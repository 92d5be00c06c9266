"""Every page and form, for every kind of visitor. What they promise is in `pages.py`."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from tollkeeper import identity
from tollkeeper.infra import Runtime, every_error
from tollkeeper.kit import ROLE_PERMISSIONS, Permission, Role

from .grid import ADMIN, PERSON, PUBLIC, STAFF, ZERO
from .pages import PAGES, Page
from .test_grid import of_the_api, routes_of
from .visits import FORM_TOKEN, Visits

ROOT = Path(__file__).parents[2]
FORMS = [page for page in PAGES if page.writes and not page.foreign]
COOKIE_FLAGS = ("; HttpOnly; Path=/; SameSite=lax", "; Path=/; SameSite=lax")
SPEAK_FOR_THEMSELVES = {
    *("POST /signup", "POST /login", "POST /logout", "POST /step-up", "POST /security/totp"),
    "POST /admin/organizations/{organization_id}/members/{person_id}/act-as",
}
"""Forms that lead to a page about nothing else; every other act says on the next page that it is done."""
OF_STAFF = {STAFF: ("ada",), ADMIN: ("ada", "staff")}
"""Who may not, of what is for staff."""
NONSENSE = ("", "x" * 3000, "-1", "a\x00b", "' or 1=1 --", "<script>alert(1)</script>", "//evil.example", "9" * 400)


def told(page: Page, answer: httpx.Response, *allowed: int) -> Iterator[str]:
    """What is wrong with an answer that should have one of these statuses and break nothing."""
    if answer.status_code not in allowed:
        shown = re.search(r"<h1.*?</h1>.{,300}", answer.text, re.DOTALL)
        words = " ".join((shown[0] if shown else answer.text[:200]).split())
        yield f"{page.call}: {answer.status_code}, not {allowed}: {words}"
    if "Traceback" in answer.text or "site-packages" in answer.text:
        yield f"{page.call} lets a trace out"


def says_what_is_wrong(html: str) -> bool:
    """Whether a page marks a field, has a notice, or is itself about what is wrong."""
    if re.search(r'role="(alert|status)"|aria-invalid="true"|notice-bad|error', html):
        return True
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    return heading is not None and unescape(heading[1]).strip() in {each.title for each in every_error()}


def test_every_page_is_in_the_grid(runtime: Runtime) -> None:
    found = {call for call in routes_of(runtime) if not of_the_api(call)}
    listed = [page.call for page in PAGES]
    assert len(listed) == len(set(listed))
    assert found - set(listed) == set(), "say in pages.py what these need, even when it is nothing"
    assert set(listed) - found == set(), "these are gone"


def test_every_page_keeps_every_promise_that_applies() -> None:
    """Nothing is left out by being forgotten: what cannot be tried from the row names the test that tells it."""
    assert [page.call for page in PAGES if "{" in page.path and page.others is None] == []
    assert [page.call for page in PAGES if page.writes and page.form is None] == []
    assert [page.call for page in FORMS if page.wrong is None] == []
    assert [page.call for page in FORMS if page.form and page.wrong and not page.wrong[0] and not page.told] == []
    assert [page.call for page in PAGES if page.success is None and not (ROOT / page.told).is_file()] == []


async def test_a_good_call_succeeds(visits: Visits) -> None:
    faults: list[str] = []
    for page in PAGES:
        if page.success is not None:
            answer = await visits.good(page)
            faults += told(page, answer, page.success)
            if page.writes and answer.status_code == 303 and page.call not in SPEAK_FOR_THEMSELVES:
                said = any(each.startswith("tk_toast=") for each in answer.headers.get_list("set-cookie"))
                faults += [] if said else [f"{page.call} does not say that it is done"]
            await visits.renew(page)
    assert not faults, "\n".join(faults)


async def test_what_is_wrong_is_said_beside_its_field(visits: Visits) -> None:
    faults: list[str] = []
    for page in FORMS:
        if not page.wrong or not page.wrong[0]:
            continue
        sent, names = page.wrong
        answer = await visits.good(page, form={**(page.form or {}), **sent})
        faults += told(page, answer, page.refused)
        marked = {
            match[1]
            for tag in re.findall(r"<(?:input|select|textarea)[^>]*aria-invalid=\"true\"[^>]*>", answer.text)
            if (match := re.search(r'\bname="([^"]+)"', tag))
        }
        if not names <= marked:
            faults.append(f"{page.call} marks {sorted(marked)}, not all of {sorted(names)}")
        if not names and not answer.has_redirect_location and not says_what_is_wrong(answer.text):
            faults.append(f"{page.call} does not say what is wrong")
    assert not faults, "\n".join(faults)


async def test_nonsense_breaks_no_page(visits: Visits) -> None:
    faults: list[str] = []
    for page in PAGES:
        for name in [*page.query, *(page.form or {})]:
            for value in NONSENSE:
                changed: dict[str, Any] = (
                    {"form": {**(page.form or {}), name: value}}
                    if page.writes
                    else {"params": {**page.query, name: value}}
                )
                answer = await visits.good(page, **changed)
                if answer.status_code >= 500 or "<script>alert(1)" in answer.text:
                    faults.append(f"{page.call} {name}={value[:30]!r}: {answer.status_code}")
                if "evil.example" in answer.headers.get("location", "").partition("?")[0]:
                    faults.append(f"{page.call} {name} leads away: {answer.headers['location']}")
    assert not faults, "\n".join(faults)


async def test_without_a_login_one_is_sent_to_log_in(visits: Visits) -> None:
    faults: list[str] = []
    for page in PAGES:
        if page.needs == PUBLIC:
            continue
        for session in (None, "nonsense", "x" * 5000):
            answer = await visits.good(page, session=session)
            faults += told(page, answer, 303)
            if not answer.headers.get("location", "").startswith("/login"):
                faults.append(f"{page.call} leads to {answer.headers.get('location')}, not to /login")
    assert not faults, "\n".join(faults)


def roles_without(permission: str) -> list[Role]:
    return [role for role, held in ROLE_PERMISSIONS.items() if Permission(permission) not in held]


async def test_without_the_right_there_is_a_403(visits: Visits) -> None:
    faults: list[str] = []
    tried = set()
    for page in PAGES:
        if page.needs in {PUBLIC, PERSON}:
            continue
        if page.needs in OF_STAFF:
            for caller in OF_STAFF[page.needs]:
                faults += [f"as {caller}: {fault}" for fault in told(page, await visits.good(page, by=caller), 403)]
            continue
        # Nothing has to be made for what is refused before it is looked for.
        known = dict.fromkeys(re.findall(r"\{(\w+)\}", page.path), ZERO)
        for role in roles_without(page.needs):
            await visits.now_is(role)
            tried.add(page.needs)
            faults += [
                f"as {role}: {fault}" for fault in told(page, await visits.good(page, by="ada", known=known), 403)
            ]
    assert tried
    assert not faults, "\n".join(faults)


async def test_what_belongs_to_another_tenant_does_not_exist(visits: Visits) -> None:
    faults: list[str] = []
    for page in PAGES:
        if page.others is not None:
            theirs = dict(page.others)
            by = theirs.pop("as", page.caller)
            faults += told(page, await visits.good(page, by=by, known=theirs), 404)
    assert not faults, "\n".join(faults)


async def test_a_form_without_its_token_is_refused(visits: Visits) -> None:
    faults: list[str] = []
    for page in FORMS:
        session = visits.sessions.get(page.caller)
        of_another = identity.csrf_token(visits.sessions["eve" if page.caller != "eve" else "ada"])
        for token in (None, "", "0" * 64, "\u00e9", of_another):
            faults += [
                f"{str(token)[:8]!r}: {fault}" for fault in told(page, await visits.good(page, token=token), 403)
            ]
        good = identity.csrf_token(session) if session else FORM_TOKEN
        answer = await visits.good(page, token=good, headers={"Sec-Fetch-Site": "cross-site"})
        faults += [f"from another site: {fault}" for fault in told(page, answer, 403)]
    assert not faults, "\n".join(faults)


async def test_a_form_sent_twice_does_no_harm(visits: Visits) -> None:
    faults: list[str] = []
    for page in FORMS:
        if page.success is None:
            continue
        known = await visits.fill(page, {})
        first = await visits.good(page, known=known)
        faults += [f"first: {fault}" for fault in told(page, first, page.success)]
        again = await visits.good(page, known=known)
        faults += [f"again: {fault}" for fault in told(page, again, *page.twice, 404)]
        await visits.renew(page)
    assert not faults, "\n".join(faults)


async def test_private_pages_are_kept_by_nobody(visits: Visits) -> None:
    faults: list[str] = []
    for page in PAGES:
        if page.success is None or page.path.startswith("/static"):
            continue
        answer = await visits.good(page)
        policy = answer.headers["content-security-policy"]
        kept = answer.headers["cache-control"]
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        if page.needs == PUBLIC and not is_page:
            continue  # what crawlers read, the same for all
        if "no-store" not in kept and (is_page or "private" not in kept):
            faults.append(f"{page.call} may be kept: {kept}")
        if "default-src 'none'" not in policy or "unsafe" in policy:
            faults.append(f"{page.call} has the policy {policy}")
        bare = [each for each in answer.headers.get_list("set-cookie") if not each.endswith(COOKIE_FLAGS)]
        faults += [f"{page.call} sets {cookie} without its flags" for cookie in bare]
        await visits.renew(page)
    assert not faults, "\n".join(faults)
