"""Running it: webhooks, jobs, the system's health, settings, and the trail over everybody.

Owns no data. What may be done with a webhook or a job is billing's and the queue's to say.
"""

from fastapi import APIRouter

from . import jobs, settings, system, trail, webhooks

router = APIRouter()
for each in (webhooks, jobs, system, settings, trail):
    router.include_router(each.router)

__all__ = ["router"]
