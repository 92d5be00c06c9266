"""Leaving for good: what somebody's deletion means for the organizations they belong to.

Owns: whether somebody may ask to be deleted, who inherits an organization, when one is given up.
Does not own: the wish and the deletion of the person (identity), what was bought (billing hears of it).
Invariants: who owns an organization with others in it hands it over before they can ask; when that became so only
later, the member nearest to owning it inherits it; an organization without members has no name, no working keys, and
what it bought ends.
What each time means: people are deleted within the hour after their `due_at`.
"""

from tollkeeper.identity import PersonErased
from tollkeeper.infra import Event, Projection

from .jobs import ask_to_leave, jobs
from .model import OrganizationAbandoned
from .service import delete_by_email, on_person_erased, stay

projections: dict[type[Event], Projection] = {PersonErased: on_person_erased}

__all__ = ["OrganizationAbandoned", "ask_to_leave", "delete_by_email", "jobs", "projections", "stay"]
