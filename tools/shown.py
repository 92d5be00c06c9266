"""A running Tollkeeper with something to see on every page: customers in every state, and somebody of the staff.

`make lighthouse` measures its pages, `make screenshots` takes pictures of them, and the tests walk them. All of it goes
away afterwards.
"""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg
import pyotp

import program
from live_server import LiveServer, surroundings
from tollkeeper import catalog
from tollkeeper.infra.embedded import EmbeddedPostgres

from .people import PASSWORD, Person, Provider

CUSTOMER, STAFF, COLLEAGUE = "ada@example.com", "grace@example.com", "charles@example.com"
DISPUTED_CARD = "4000000000000259"
DAYS = 13
"""So long is somebody a customer whose charts have a course: nearly two weeks, as the overview shows."""
NEWCOMERS = (
    *(("Katherine Johnson", "pro"), ("Annie Easley", ""), ("Dorothy Vaughan", "premium"), ("Radia Perlman", "pro")),
    *(("Joan Clarke", ""), ("Barbara Liskov", "premium"), ("Jean Bartik", "pro")),
)
"""Who comes while these days pass, one after the other, and what each buys; of the first, no second payment comes."""
_START_SECONDS, _MAIL_SECONDS = 240, 60
_DAYTIME, _SATURDAY = range(7, 19), 5
_GIVEN_UP, _PUT_OFF = "orgs.forget_invitations", "orgs.delete_people"
_JOBS = """
insert into procrastinate_jobs (queue_name, task_name, args, status, attempts, scheduled_at) values
    ('default', %s, '{"timestamp": 1}', 'failed', 10, now()),
    ('default', %s, '{"timestamp": 1}', 'todo', 0, now() + make_interval(hours => %s + 24))
"""
Say = Callable[[str, str], str]
"""What is written into a field: from the field's name and what people would write there."""


def plainly(_field: str, words: str) -> str:
    """Write what people would write."""
    return words


@dataclass(frozen=True, slots=True)
class Shown:
    """Where it answers, everybody's cookies by name, what addresses are filled in with, and what was logged."""

    url: str
    cookies: dict[str, str]
    known: dict[str, str]
    said: list[str]


@contextmanager
def running(say: Say = plainly, *, hours: int = DAYS * 24) -> Iterator[Shown]:
    """Serve while inside, filled; everything of it is deleted afterwards. `hours` of use are behind the customer."""
    data_dir = Path(tempfile.mkdtemp(prefix="tollkeeper-shown-"))
    server = LiveServer(data_dir, start_seconds=_START_SECONDS, settings={"TOLLKEEPER_PAUSE": "60"})
    try:
        server.start()
        yield _Filling(server, say, hours).filled()
    finally:
        if server.process is not None:
            server.stop()
        shutil.rmtree(data_dir, ignore_errors=True)


class _Filling:
    """Makes everybody and everything."""

    def __init__(self, server: LiveServer, say: Say, hours: int) -> None:
        self._server, self._say, self._hours = server, say, hours
        # Passkeys belong to names, not to numbers.
        self._base = server.url.replace("127.0.0.1", "localhost")
        self._people: dict[str, Person] = {}

    def filled(self) -> Shown:
        """Fill it; the order is that of a shop's life: purchases, days that pass, and what is done with them."""
        for email, name in ((CUSTOMER, "Ada Lovelace"), (STAFF, "Grace Hopper"), ("hedy@example.com", "Hedy Lamarr")):
            self._sign_up(email, name)
        self._command("staff", "add", STAFF, "--role", "admin")
        ada, grace = self._people["ada"], self._people["grace"]
        for each in (ada, grace):
            self._prove(each)
        provider = Provider(ada.buy("pro"))
        # Whoever logged in before has to prove it again before something dangerous: so Hedy stays.
        self._days_pass(provider)
        for each in (ada, grace):
            each.log_in()
        self._account(ada)
        self._usage(ada)
        self._team(ada)
        self._billing(ada)
        self._others(provider)
        known = self._staffs(grace, ada)
        cookies = {name: each.cookies for name, each in self._people.items()}
        for each in self._people.values():
            each.close()
        provider.close()
        return Shown(self._base, {"": "", **cookies}, known, self._server.said)

    def _days_pass(self, provider: Provider) -> None:
        """Let the time pass; in days, not in hours, others come meanwhile."""
        newcomers = NEWCOMERS if self._hours > 2 * len(NEWCOMERS) else ()
        share = self._hours // (len(newcomers) + 1)
        for number, (name, plan) in enumerate(newcomers):
            self._command("clock", "advance", f"{share}h")
            newcomer = self._sign_up(f"{name.split()[0].lower()}@example.com", name)
            if plan:
                newcomer.buy(plan)
            if number == 0:
                provider.fail_to_pay(newcomer.email)
        self._command("clock", "advance", f"{self._hours - share * len(newcomers)}h")

    def _prove(self, person: Person) -> None:
        """Have somebody's address be theirs, by the mail that asks."""
        person.api("POST", "/auth/verify", {"token": self._mailed(person.email, "verify")})

    def _sign_up(self, email: str, name: str) -> Person:
        person = Person(self._base, email).sign_up(self._say("person", name))
        self._people[email.partition("@")[0]] = person
        return person

    def _command(self, *words: str) -> None:
        """Run one of the program's own commands on this server's data."""
        line = [*words, "--data-dir", str(self._server.data_dir)]
        done = program.run(line, surroundings(), seconds=900)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")

    def _account(self, ada: Person) -> None:
        """Give her login everything that protects one; the app's key is begun, not confirmed."""
        ada.add_passkey(self._say("passkey", "Laptop"))
        ada.send("/security", "/security/totp")

    def _usage(self, ada: Person) -> None:
        """Use what the plan has: prompts with two keys, the rest with the first."""
        made = [
            ada.api("POST", "/keys", {"name": self._say(field, name)})["secret"]
            for field, name in (("key", "production server"), ("second key", "night jobs"))
        ]
        now = datetime.fromisoformat(ada.api("GET", "/usage?feature=prompts")["history"]["to"])
        first = (("prompts", 3000), ("ai_tokens", 620_000), ("preview_minutes", 240), ("sandbox_runs", 90))
        for key, uses in zip(made, ((*first, ("deployments", 4)), (("prompts", 1100),)), strict=True):
            for feature, a_day in uses:
                items = self._course(now, feature, a_day)
                ada.api("POST", "/usage/track/batch", {"items": items}, key=key)

    def _course(self, now: datetime, feature: str, a_day: int) -> list[dict[str, Any]]:
        """Return what is used in each hour until now, about so much a day in the end; the same numbers each time.

        More by day than by night, less at weekends, and the more the later.
        """
        rough, items = Random(a_day), list[dict[str, Any]]()
        for hour in range(self._hours):
            at = now - timedelta(hours=hour)
            busy = (1.6 if at.hour in _DAYTIME else 0.4) * (0.35 if at.weekday() >= _SATURDAY else 1)
            used = a_day / 24 * busy * (1 - 0.6 * hour / self._hours) * rough.uniform(0.7, 1.3)
            count = int(used) + (rough.random() < used % 1)
            if count:
                items.append({"feature": feature, "count": count, "idempotency_key": f"{feature}-{a_day}-{hour}"})
                items[-1] |= {"at": at.isoformat()} if hour else {}
        return items or [{"feature": feature}]

    def _team(self, ada: Person) -> None:
        """Invite two, of whom one joins; make a role, and claim a domain for single sign-on."""
        for address, role in ((COLLEAGUE, "developer"), ("mary@example.com", "viewer")):
            ada.api("POST", "/invitations", {"email": address, "role": role})
        colleague = {"name": self._say("colleague", "Charles Babbage"), "password": PASSWORD}
        ada.api("POST", "/invitations/join", {"token": self._mailed(COLLEAGUE, "invitation"), **colleague})
        wish = {"name": self._say("role", "Auditor"), "description": self._say("role's description", "Reads bills")}
        ada.api("POST", "/roles", {"key": "auditor", "permissions": ["billing:read"], **wish})
        ada.api("POST", "/sso/domains", {"domain": "analytical.example"})
        ada.api(
            "PATCH",
            "/organizations/" + ada.api("GET", "/auth/me")["organization"]["id"],
            {"name": self._say("organization", "Analytical Engines")},
        )

    def _mailed(self, email: str, page: str) -> str:
        """Return the token of the mail that leads somebody to a page, once the mailbox has it."""
        mails = next(found[1] for line in self._server.said if (found := re.search(r"Mails\s+(http://\S+)", line)))
        deadline = time.monotonic() + _MAIL_SECONDS
        while time.monotonic() < deadline:
            listed = httpx.get(f"{mails}/?to={email}", trust_env=False).text
            for path in re.findall(r'href="(/[^"]+)"', listed):
                found = re.search(rf"/{page}\?token=([\w.-]+)", httpx.get(mails + path, trust_env=False).text)
                if found:
                    return found[1]
            time.sleep(0.2)
        raise TimeoutError(f"no mail for {email}")

    def _billing(self, ada: Person) -> None:
        details = {
            "name": self._say("payer", "Ada Ltd"),
            "address": {"country": "GB", "city": self._say("city", "London")},
        }
        ada.api("PATCH", "/billing/details", details)
        ada.api("POST", "/billing/tax-ids", {"type": "gb_vat", "value": "GB123456789"})
        ada.api("POST", "/subscription/promotion", {"code": "LAUNCH20"})
        ada.api("POST", "/subscription/addons", {"addon": "extra_prompts", "quantity": 1})

    def _others(self, provider: Provider) -> None:
        """Customers whose plan rests, has ended, is owed for, and whose bank wants the money back."""
        until = (datetime.now(UTC) + timedelta(days=20, hours=self._hours)).isoformat()
        resting = self._sign_up("emmy@example.com", "Emmy Noether")
        resting.buy("pro")
        resting.send("/billing/pause", "/billing/pause", until=until[:10])
        ended = self._sign_up("rosalind@example.com", "Rosalind Franklin")
        ended.buy("pro")
        provider.ask("DELETE", f"/subscriptions/{provider.subscription(ended.email)}")
        owing = self._sign_up("mary.s@example.com", "Mary Somerville")
        owing.buy("premium")
        provider.fail_to_pay(owing.email)
        self._sign_up("sofia@example.com", "Sofia Kovalevskaya").buy("pro", DISPUTED_CARD)
        self._protected(ended)
        ended.until("GET", "/subscription/status", lambda told: told["plan"] != "pro")

    def _protected(self, person: Person) -> None:
        """Have an app asked for its codes beside the password."""
        secret = person.api("POST", "/profile/totp")["secret"]
        now = datetime.now(UTC) + timedelta(hours=self._hours)
        person.api("POST", "/profile/totp/confirm", {"code": pyotp.TOTP(secret).at(now)})

    def _staffs(self, grace: Person, ada: Person) -> dict[str, str]:
        """Do what staff do, with a reason; returns what it was done with."""
        me = ada.api("GET", "/auth/me")
        known = {"organization_id": me["organization"]["id"], "person_id": me["user"]["id"]}
        for thing in ("organizations/{organization_id}", "people/{person_id}"):
            page = "/admin/" + thing.format(**known)
            grace.send(page, f"{page}/notes", body=self._say("note", "She asked about her invoices."))
        suspended = self._people["sofia"].api("GET", "/auth/me")["organization"]["id"]
        page = f"/admin/organizations/{suspended}/suspend"
        grace.send(page, page, reason=self._say("reason", "The bank takes the payment back"))
        told = json.dumps(self._say("plan", "For people who ship every day"))
        source = catalog.demo_catalogue().replace("For people who build every day", told, 1)
        note = self._say("version", "Better words for Pro")
        grace.send("/admin/catalogue/file", "/admin/catalogue/apply", source=source, base="1", note=note)
        self._plant_jobs()
        return {**known, "suspended": suspended} | {
            state: re.findall(r"/admin/jobs/(\d+)", grace.browser.get(f"/admin/jobs?state={state}").text)[0]
            for state in ("failed", "later")
        }

    def _plant_jobs(self) -> None:
        """Have a job that was given up and one whose time has yet to come; both are harmless whenever they run."""
        with EmbeddedPostgres(self._server.data_dir) as embedded, psycopg.connect(embedded.start()) as connection:
            connection.execute(_JOBS, [_GIVEN_UP, _PUT_OFF, self._hours])
