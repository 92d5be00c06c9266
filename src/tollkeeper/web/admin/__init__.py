"""The operator's pages: staff look after people, organizations, money and the machine. Owns no data.

A page is a module with a `router`, named in `_PAGES`, and a row in `places.py`. `StaffDep` says who looks, `AdminDep`
who acts; `show` renders a template in the frame, `ask` asks before something is done. Addresses begin with `/admin`
and see the rows of every organization.
"""

from fastapi import APIRouter, Depends

from . import home, mails, money, people, running
from .guard import staff_viewer

router = APIRouter(include_in_schema=False, dependencies=[Depends(staff_viewer)])
_PAGES = (home, people, money, mails, running)
for each in _PAGES:
    router.include_router(each.router)

__all__ = ["router"]
