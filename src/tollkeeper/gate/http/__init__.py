"""The addresses of the gate."""

from fastapi import APIRouter

from . import corrections, events, export, grants, members, profile, reservations
from .usage import gate_of, history_span, keys_router, limits_report
from .usage import router as usage_router

usage_router.include_router(reservations.router)
usage_router.include_router(corrections.router)
usage_router.include_router(export.router)
usage_router.include_router(grants.router)
usage_router.include_router(members.router)

router = APIRouter()
for each in (usage_router, profile.router):
    router.include_router(each)

arrays_router = APIRouter()
for each in (events.router, events.bulk_router):
    arrays_router.include_router(each)

__all__ = ["arrays_router", "gate_of", "history_span", "keys_router", "limits_report", "router"]
