"""Finding people and keys among very many, for staff.

Owns nothing that is kept. Does not own: who may look (the caller has seen that it is staff).
Invariants: every question is answered from an index, however many people there are; no secret is shown.
"""

from .model import Known, PeopleOrder
from .service import browse_people, get_known, keys_shown_as, people_called

__all__ = ["Known", "PeopleOrder", "browse_people", "get_known", "keys_shown_as", "people_called"]
