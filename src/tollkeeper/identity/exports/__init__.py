"""What a person is told of themselves: exports of everything that is held of them.

Owns: exports and their files. Does not own: what is in them, which wiring gathers from every domain.
Invariants: an export holds one person's data and is given to that person alone; while one is being made no second is
begun, and of those made only the newest is kept.
What each time means: an export can be fetched until its `expires_at`, exclusive, and is then deleted.
"""

from .jobs import ask_for_export, export_progress, jobs
from .model import Export, ExportNotFoundError, ExportNotReadyError, PersonalData, PersonNotFoundError
from .service import export_file, export_of, list_exports

__all__ = [
    "Export",
    "ExportNotFoundError",
    "ExportNotReadyError",
    "PersonNotFoundError",
    "PersonalData",
    "ask_for_export",
    "export_file",
    "export_of",
    "export_progress",
    "jobs",
    "list_exports",
]
