"""The addresses of the gate."""

from . import corrections, export, reservations
from .usage import gate_of, history_span, keys_router, limits_report, router

router.include_router(reservations.router)
router.include_router(corrections.router)
router.include_router(export.router)

__all__ = ["gate_of", "history_span", "keys_router", "limits_report", "router"]
