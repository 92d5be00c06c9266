"""Somebody at a running Tollkeeper: a program with a token, and a browser without scripts that keeps cookies."""

import html
import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx

from authenticator import Authenticator
from twin_process import CARD, KEY

PASSWORD = "a toll for every bridge"  # noqa: S105 - of logins that live as long as they are looked at
GOOD_CARD = "4242424242424242"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
_WAIT_SECONDS = 60


class Person:
    """One login. What is refused raises, so that nothing is missing later without anybody knowing why."""

    def __init__(self, base: str, email: str) -> None:
        self.base, self.email, self.name = base, email, ""
        self.browser = httpx.Client(base_url=base, headers=BROWSER, timeout=30, trust_env=False, follow_redirects=True)
        self._token = ""

    def sign_up(self, name: str) -> "Person":
        """Make an account of this name, and log in to it."""
        self.name = name
        wish = {"email": self.email, "password": PASSWORD, "name": name}
        self.browser.post("/api/auth/register", json=wish).raise_for_status()
        return self.log_in()

    def log_in(self) -> "Person":
        """Log in, the browser and the program; again when time has passed."""
        self.browser.cookies.clear()
        wish = {"email": self.email, "password": PASSWORD}
        self._token = self.browser.post("/api/auth/login", json=wish).raise_for_status().json()["access_token"]
        return self

    @property
    def cookies(self) -> str:
        """The browser's cookies as a header."""
        return "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())

    def api(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """Call `/api` with the token, or with a key; returns what the answer says, None where it says nothing."""
        bearer = {"Authorization": f"Bearer {key or self._token}", **({} if key else BROWSER)}
        url = f"{self.base}/api{path}"
        answer = httpx.request(method, url, json=body, headers=bearer, trust_env=False, timeout=30)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def send(self, page: str, path: str, **fields: str) -> str:
        """Send a form that stands on a page; returns the page it leads to."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.browser.get(page).text)
        if found is None:
            raise RuntimeError(f"{page} has no form")
        answer = self.browser.post(path, data={"csrf_token": html.unescape(found[1]), **fields})
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[-2000:]}")
        return answer.text

    def buy(self, plan: str, card: str = GOOD_CARD) -> str:
        """Pay on the hosted page, and wait until the plan is there; returns where the provider is."""
        hosted = str(self.api("POST", "/stripe/create-checkout", {"plan": plan})["url"])
        form = {"email": self.email, "card_number": card, **CARD, "name": self.name}
        httpx.post(hosted, data=form, trust_env=False, timeout=30)
        self.until("GET", "/subscription/status", lambda told: told["plan"] == plan)
        return str(httpx.URL(hosted).copy_with(path="/", query=None, fragment=None)).rstrip("/")

    def until(self, method: str, path: str, holds: Callable[[Any], bool]) -> Any:
        """Ask until it holds: the provider's word takes a moment."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while not holds(told := self.api(method, path)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} still says {told}")
            time.sleep(0.2)
        return told

    def close(self) -> None:
        """Close the browser; its cookies are good for others still."""
        self.browser.close()

    def add_passkey(self, name: str) -> None:
        """Add a passkey, as a browser with a device does."""
        asked = self.api("POST", "/profile/passkeys/options")["options"]
        made = Authenticator(self.base).create(asked)
        self.api("POST", "/profile/passkeys", {"name": name, "credential": made})


class Provider:
    """The provider's imitation, where things happen that no customer can do."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/v1", auth=(KEY, ""), trust_env=False, timeout=30)

    def ask(self, method: str, path: str, **data: str) -> Any:
        """Call it as the product does; returns what it says."""
        answer = self._client.request(method, path, data=data or None)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def customer(self, email: str) -> str:
        """Return its id of the customer who bought with this address."""
        every = self.ask("GET", "/customers?limit=100")["data"]
        return next(str(each["id"]) for each in every if email in json.dumps(each))

    def subscription(self, email: str) -> str:
        """Return its id of what this customer has bought."""
        return str(self.ask("GET", f"/subscriptions?customer={self.customer(email)}")["data"][0]["id"])

    def fail_to_pay(self, email: str) -> None:
        """Have a new period begin that the customer's card does not pay."""
        card = self.ask("POST", "/payment_methods/pm_card_chargeCustomerFail/attach", customer=self.customer(email))
        anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
        self.ask("POST", f"/subscriptions/{self.subscription(email)}", default_payment_method=card["id"], **anew)
