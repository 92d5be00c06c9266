"""A form that was refused for want of a fresh proof: carried over the proof, and sent again after it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from tollkeeper.infra import Runtime, Seal
from tollkeeper.kit import Actor, own_path
from tollkeeper.orgs import person_of

LIFE = timedelta(hours=1)
"""How long somebody may take to prove themselves; after it the form is filled in anew."""
_TYPED_AGAIN = frozenset({"password", "current_password", "new_password", "client_secret"})
_ONCE = frozenset({"code", "otp", "credential"})


@dataclass(frozen=True, slots=True)
class Kept:
    """What was sent to `to`, without what is secret: `asked` names the secrets that have to be typed again."""

    to: str
    fields: Mapping[str, str]
    asked: tuple[str, ...] = ()


def keep(runtime: Runtime, actor: Actor, to: str, fields: Mapping[str, str]) -> str:
    """Return a form so that only this person can send it again, within LIFE; empty when it cannot be kept.

    That is so where it answers a question that is asked once, as for a code: its page asks another.
    """
    if not own_path(to, "") or _ONCE & fields.keys():
        return ""
    asked = tuple(name for name in fields if name in _TYPED_AGAIN and fields[name])
    plain = {name: value for name, value in fields.items() if name not in _TYPED_AGAIN}
    content = {"at": runtime.clock.now().isoformat(), **asdict(Kept(to, plain, asked))}
    return _seal(runtime, actor).close(json.dumps(content).encode())


def taken_up(runtime: Runtime, actor: Actor, sealed: str) -> Kept | None:
    """Return the form that was kept; None: there is none, it is somebody else's, or it was kept for too long."""
    opened = _seal(runtime, actor).open(sealed) if sealed else None
    if opened is None:
        return None
    content = json.loads(opened)
    if runtime.clock.now() - datetime.fromisoformat(content.pop("at")) > LIFE:
        return None
    return Kept(content["to"], content["fields"], tuple(content["asked"]))


def _seal(runtime: Runtime, actor: Actor) -> Seal:
    return runtime.seal(f"form kept for {person_of(actor)}")
