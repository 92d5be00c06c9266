"""Rolling the keys under which secrets rest: what was sealed with which key, and sealing it anew.

Owns: going through every sealed column. A column says that it is one, and for which purpose its values are sealed, by
`info=sealed_for("totp {user_id}")`; words in braces are columns of the same row.
Does not own: the tables, and what is sealed in them.
Invariants: a value that another transaction changes meanwhile is left to that one; none is ever written that could not
be opened before; what is under the newest key is not touched.
"""

from .service import Resealed, count_by_key, reseal, sealed_columns

__all__ = ["Resealed", "count_by_key", "reseal", "sealed_columns"]
