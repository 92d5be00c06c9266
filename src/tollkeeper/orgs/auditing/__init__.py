"""Reading the trail: whose records a caller may see, who the people in them are, and the same as a file.

Owns: nothing that is kept; the trail itself is below. Does not own: what is recorded.
Invariants: a member sees records of their organization and of their own person, nobody else's; operators see all.
What each time means: as in the trail.
"""

from .files import TrailFormat, head_of_file, lines_of_file
from .model import Told, flat
from .service import read_trail, whose_trail

__all__ = ["Told", "TrailFormat", "flat", "head_of_file", "lines_of_file", "read_trail", "whose_trail"]
