"""The addresses of the gate."""

from . import reservations
from .usage import gate_of, history_span, keys_router, limits_report, router

router.include_router(reservations.router)

__all__ = ["gate_of", "history_span", "keys_router", "limits_report", "router"]
