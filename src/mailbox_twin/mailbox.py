"""The mails that came, as files, and what is in them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

KEPT = 1000
"""So many mails are kept; older ones go."""
_LINK = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it was read. `to` is whom the envelope named; `html` is empty when the mail has none."""

    id: int
    to: tuple[str, ...]
    sender: str
    subject: str
    date: str
    text: str
    html: str
    headers: dict[str, str]

    @property
    def links(self) -> list[str]:
        """The addresses in the plain text, each once, in order."""
        return list(dict.fromkeys(_LINK.findall(self.text)))

    def as_json(self) -> dict[str, object]:
        """What programs read."""
        return {
            "id": self.id,
            "to": list(self.to),
            "from": self.sender,
            "subject": self.subject,
            "date": self.date,
            "text": self.text,
            "html": self.html,
            "links": self.links,
            "headers": self.headers,
        }


class Mailbox:
    """All mails, whoever they are for, in one folder."""

    def __init__(self, folder: Path) -> None:
        """Read on in `folder`, which is made when it is missing."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._next = max(self._ids(), default=0) + 1

    def keep(self, recipients: Iterable[str], content: bytes) -> int:
        """Keep a mail and return its number, which only grows."""
        number, self._next = self._next, self._next + 1
        envelope = "".join(f"X-Envelope-To: {each}\r\n" for each in recipients)
        scratch = self._folder / f"{number}.part"
        scratch.write_bytes(envelope.encode() + content)
        scratch.replace(self._path(number))
        for old in self._ids()[:-KEPT]:
            self._path(old).unlink(missing_ok=True)
        return number

    def letters(self, to: str = "") -> list[Letter]:
        """Return the mails, newest first; those for one address when `to` is given."""
        found = [letter for number in reversed(self._ids()) if (letter := self.letter(number))]
        return [each for each in found if not to or to.lower() in {address.lower() for address in each.to}]

    def letter(self, number: int) -> Letter | None:
        """Return one mail; None when there is none, or none any more."""
        try:
            content = self._path(number).read_bytes()
        except FileNotFoundError:
            return None
        return _read(number, message_from_bytes(content, _class=EmailMessage, policy=default))

    def wipe(self) -> None:
        """Throw all mails away. Numbers go on."""
        for number in self._ids():
            self._path(number).unlink(missing_ok=True)

    def _ids(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.eml"))

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.eml"


def _read(number: int, message: EmailMessage) -> Letter:
    envelope = tuple(str(each) for each in message.get_all("X-Envelope-To", []))
    del message["X-Envelope-To"]
    return Letter(
        id=number,
        to=envelope,
        sender=str(message.get("From", "")),
        subject=str(message.get("Subject", "")),
        date=str(message.get("Date", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers={name: str(value) for name, value in message.items()},
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""
