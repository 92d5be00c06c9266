"""The imitation of an identity provider as a process of its own, and what a person does on its page."""

import re

from imitation import Imitation


class IdentityProcess(Imitation):
    """The imitation on a port of its own, in memory."""

    def __init__(self) -> None:
        super().__init__("identity_twin")

    def misbehave(self, kind: str) -> None:
        """Do this wrong from now on."""
        assert self.http.post("/_twin/misbehave", data={"kind": kind}).status_code == 303

    def roll(self, *, forget: bool = False) -> None:
        """Sign with another key; `forget` withdraws the older ones, too."""
        assert self.http.post("/_twin/roll", data={"forget": "yes"} if forget else {}).status_code == 303

    def answer(self, url: str, email: str, *, name: str = "Ada", verified: bool = True, allow: bool = True) -> str:
        """Open the page a browser was sent to and answer it; return where that sends the browser."""
        shown = self.http.get(url)
        assert shown.status_code == 200, shown.text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.text))
        fields = {name: value.replace("&#34;", '"').replace("&amp;", "&") for name, value in hidden.items()}
        fields |= {"email": email, "name": name, "answer": "allow" if allow else "deny"}
        sent = self.http.post(url.partition("?")[0], data=fields | ({"email_verified": "yes"} if verified else {}))
        assert sent.status_code == 303, sent.text
        return sent.headers["location"]
