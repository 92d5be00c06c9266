"""Versions of the catalogue: every file that was applied, kept as it was written, with what it changed.

Owns: the numbered files. Does not own: what stands now (the catalogue's own tables), who applied a version (the trail:
`record_id` names the record).
Invariants: numbers count up by one; a version is never changed nor removed, so that going back to an older one makes a
new one; a version exists exactly if its changes committed.
What each time means: `applied_at` is since when the version holds, until the next one does.
"""

from .model import MAX_NOTE, CatalogueMovedError, CatalogueVersion, VersionNotFoundError
from .rules import data_of, line_changes, words_of_data, words_of_file
from .service import get_version, keep, latest_version, list_versions, must_be_latest, version_mark

__all__ = [
    "MAX_NOTE",
    "CatalogueMovedError",
    "CatalogueVersion",
    "VersionNotFoundError",
    "data_of",
    "get_version",
    "keep",
    "latest_version",
    "line_changes",
    "list_versions",
    "must_be_latest",
    "version_mark",
    "words_of_data",
    "words_of_file",
]
