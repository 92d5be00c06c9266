"""The grid's rows of the operator's pages. `staff` is of support, `boss` an admin; ada has nothing to look for here."""

from typing import Any

from .grid import ADMIN, STAFF, ZERO, wrong
from .page import Page, form_of


def look(call: str, **more: Any) -> Page:
    """Return the row of a page that staff look at."""
    return Page(call, STAFF, **{"caller": "staff", **more})


def asks(call: str, **more: Any) -> Page:
    """Return the row of a page on which an admin confirms something."""
    return Page(call, ADMIN, **{"caller": "boss", **more})


def act(call: str, form: Any = None, **more: Any) -> Page:
    """Return the row of a form by which an admin does something."""
    return form_of(call, ADMIN, form, **{"caller": "boss", **more})


MAILS_TOLD = "tests/web/test_mails.py"

MONEY_TOLD = "tests/web/test_admin_money.py"


def _of_one(thing: str, name: str) -> tuple[str, dict[str, Any]]:
    """Return the address of one thing, and how a row of it says that there are none in this world."""
    return f"/admin/{thing}/{{{name}}}", {"success": None, "told": MONEY_TOLD, "others": {name: ZERO}}


_SUBSCRIPTION, _NO_SUBSCRIPTION = _of_one("subscriptions", "subscription_id")
_INVOICE, _NO_INVOICE = _of_one("invoices", "invoice_id")
_DISPUTE, _NO_DISPUTE = _of_one("disputes", "dispute_id")
_CASE, _NO_CASE = _of_one("dunning", "case_id")
_THING: dict[str, Any] = {"success": None, "told": MONEY_TOLD, "others": {"section": "plans", "thing": "nothing"}}

_REFUSED: dict[str, Any] = {"success": 422, "twice": frozenset({422}), "told": MONEY_TOLD}

MONEY_PAGES: tuple[Page, ...] = (
    look("GET /admin/catalogue"),
    look("GET /admin/catalogue/versions", query={"before": "9"}),
    look("GET /admin/catalogue/versions/{number}", success=None, told=MONEY_TOLD, others={"number": "99"}),
    asks("GET /admin/catalogue/versions/{number}/restore", success=None, told=MONEY_TOLD, others={"number": "99"}),
    asks("GET /admin/catalogue/file"),
    act("POST /admin/catalogue/file", {"source": "plans: {}", "note": "x"}, success=200, told=MONEY_TOLD),
    act("POST /admin/catalogue/preview", {"source": "plans: {}", "base": "1"}, **_REFUSED),
    act("POST /admin/catalogue/apply", {"source": "plans: {}", "base": "1"}, **_REFUSED),
    asks("GET /admin/catalogue/{section}/{thing}", **_THING),
    act("POST /admin/catalogue/{section}/{thing}", **_THING),
    act("POST /admin/catalogue/{section}/{thing}/archive", **_THING),
    look("GET /admin/subscriptions", query={"state": "active", "plan": "pro", "cursor": ""}),
    look(f"GET {_SUBSCRIPTION}", **_NO_SUBSCRIPTION),
    look("GET /admin/invoices", query={"state": "paid", "cursor": ""}),
    look(f"GET {_INVOICE}", **_NO_INVOICE),
    look(f"GET {_INVOICE}/pdf", **_NO_INVOICE),
    asks(f"GET {_INVOICE}/refund", **_NO_INVOICE),
    act(f"POST {_INVOICE}/refund", {"amount": "1", "reason": "duplicate"}, **_NO_INVOICE),
    asks(f"GET {_INVOICE}/credit", **_NO_INVOICE),
    act(f"POST {_INVOICE}/credit", {"amount": "1"}, **_NO_INVOICE),
    look("GET /admin/payments", query={"state": "failed", "cursor": ""}),
    look("GET /admin/refunds", query={"cursor": ""}),
    look("GET /admin/disputes", query={"state": "waiting", "cursor": ""}),
    look(f"GET {_DISPUTE}", **_NO_DISPUTE),
    act(f"POST {_DISPUTE}", {"customer_name": "Ada", "act": "save"}, **_NO_DISPUTE),
    asks(f"GET {_DISPUTE}/accept", **_NO_DISPUTE),
    act(f"POST {_DISPUTE}/accept", **_NO_DISPUTE),
    act(f"POST {_DISPUTE}/release", **_NO_DISPUTE),
    look("GET /admin/dunning"),
    act(f"POST {_CASE}/retry", **_NO_CASE),
    asks(f"GET {_CASE}/extend", **_NO_CASE),
    act(f"POST {_CASE}/extend", {"days": "7"}, **_NO_CASE),
    asks(f"GET {_CASE}/give-up", **_NO_CASE),
    act(f"POST {_CASE}/give-up", **_NO_CASE),
)

RUNNING_TOLD = "tests/web/test_admin_running.py"
_NO_JOB: Any = {"success": None, "told": RUNNING_TOLD, "others": {"number": "999999"}}
_NO_WEBHOOK: Any = {"success": None, "told": RUNNING_TOLD, "others": {"event_id": ZERO}}

RUNNING_PAGES: tuple[Page, ...] = (
    look("GET /admin/system"),
    look("GET /admin/system/live", success=None, told=RUNNING_TOLD),
    look("GET /admin/jobs", query={"state": "failed", "queue": "default", "cursor": "7"}),
    look("GET /admin/jobs/live", success=None, told=RUNNING_TOLD),
    look("GET /admin/jobs/{number}", **_NO_JOB),
    asks("GET /admin/jobs/{number}/retry", **_NO_JOB),
    act("POST /admin/jobs/{number}/retry", **_NO_JOB),
    asks("GET /admin/jobs/{number}/cancel", **_NO_JOB),
    act("POST /admin/jobs/{number}/cancel", **_NO_JOB),
    look("GET /admin/webhooks", query={"status": "processed", "type": "invoice.", "id": "", "cursor": ""}),
    look("GET /admin/webhooks/{event_id}", **_NO_WEBHOOK),
    asks("GET /admin/webhooks/{event_id}/replay", **_NO_WEBHOOK),
    act("POST /admin/webhooks/{event_id}/replay", **_NO_WEBHOOK),
    look("GET /admin/trail", query={"area": "login.", "person": "ada@example.com", "from": "2026-01-01"}),
    look("GET /admin/settings", query={"source": "default", "q": "mail"}),
)

PEOPLE_TOLD = "tests/web/test_admin_people.py"
_WHOM, _NOBODY = "/admin/organizations/{organization_id}", {"organization_id": ZERO}
_PERSON, _NO_PERSON = "/admin/people/{person_id}", {"person_id": ZERO}
_ELSEWHERE: dict[str, Any] = {"success": None, "told": PEOPLE_TOLD}


def says(call: str, form: Any = None, **more: Any) -> Page:
    """Return the row of a form that any of the staff may send."""
    return form_of(call, STAFF, form, **{"caller": "staff", **more})


PEOPLE_PAGES: tuple[Page, ...] = (
    look("GET /admin/search", query={"q": "ada"}),
    look("GET /admin/organizations", query={"q": "a", "state": "suspended", "plan": "", "sort": "name", "cursor": ""}),
    look("GET /admin/people", query={"q": "a", "who": "staff", "sort": "email", "cursor": ""}),
    look(f"GET {_WHOM}", others=_NOBODY),
    look(f"GET {_PERSON}", others=_NO_PERSON),
    says(f"POST {_WHOM}/notes", {"body": "She called."}, wrong=wrong(body=" "), others=_NOBODY),
    says(f"POST {_PERSON}/notes", {"body": "She called."}, wrong=wrong(body=" "), others=_NO_PERSON),
    says(f"POST {_WHOM}/notes/{{note_id}}/remove", others={"note_id": ZERO}, **_ELSEWHERE),
    says(f"POST {_PERSON}/notes/{{note_id}}/remove", others={"note_id": ZERO}, **_ELSEWHERE),
    asks(f"GET {_WHOM}/suspend", others=_NOBODY),
    act(f"POST {_WHOM}/suspend", {"reason": "x"}, wrong=wrong(reason=""), others=_NOBODY, **_ELSEWHERE),
    asks(f"GET {_WHOM}/reinstate", others=_NOBODY),
    act(f"POST {_WHOM}/reinstate", others=_NOBODY),
    asks(f"GET {_WHOM}/credits", others=_NOBODY),
    act(
        f"POST {_WHOM}/credits",
        {"feature": "prompts", "amount": "5", "until": "", "reason": "An outage"},
        wrong=wrong(amount="-1"),
        others=_NOBODY,
    ),
    asks(f"GET {_WHOM}/trial", others=_NOBODY),
    act(f"POST {_WHOM}/trial", {"until": "2026-12-01"}, wrong=wrong(until="soon"), others=_NOBODY, **_ELSEWHERE),
    asks(f"GET {_WHOM}/extend", others=_NOBODY),
    act(
        f"POST {_WHOM}/extend",
        {"days": "7", "reason": "An outage", "end": "1790000000"},
        wrong=wrong(days="many", reason=""),
        others=_NOBODY,
        **_ELSEWHERE,
    ),
    asks(f"GET {_WHOM}/cancel", others=_NOBODY),
    act(f"POST {_WHOM}/cancel", {"at": "period_end"}, wrong=wrong(at="never"), others=_NOBODY, **_ELSEWHERE),
    asks(f"GET {_WHOM}/plan", others=_NOBODY),
    act(f"POST {_WHOM}/plan/preview", {"to": "x", "at": ""}, wrong=wrong(to="x"), others=_NOBODY, **_ELSEWHERE),
    act(f"POST {_WHOM}/plan", {"to": "x", "at": ""}, wrong=wrong(to="x"), others=_NOBODY, **_ELSEWHERE),
    look(f"GET {_WHOM}/members/{{person_id}}/act-as", others=_NO_PERSON),
    says(
        f"POST {_WHOM}/members/{{person_id}}/act-as",
        {"reason": "She asked for help"},
        wrong=wrong(reason=""),
        others=_NO_PERSON,
    ),
    asks(f"GET {_PERSON}/log-out", others=_NO_PERSON),
    act(f"POST {_PERSON}/log-out", others=_NO_PERSON, **_ELSEWHERE),
)

ADMIN_PAGES: tuple[Page, ...] = (
    *RUNNING_PAGES,
    *MONEY_PAGES,
    look("GET /admin"),
    *PEOPLE_PAGES,
    look("GET /admin/mails"),
    look("GET /admin/mails/{template}", success=None, told=MAILS_TOLD, others={"template": "nothing"}),
    look("GET /admin/mails/{template}/html", success=None, told=MAILS_TOLD, others={"template": "nothing"}),
)
