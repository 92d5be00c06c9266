"""The pages people see: public, a customer's own, and the operator's. Server-rendered, working without JavaScript.

Owns: templates, styles, scripts, the forms' protection and the pages' security policy.
Does not own: any data or rule; pages ask the doors of the floors below and show what they say.
Invariants: nothing inline, nothing from another origin; a page never decides, it shows decisions.
What each time means: shown in UTC; with JavaScript in the reader's own zone.
"""

from .admin import router as admin_router
from .portal import router as portal_router
from .site import routers as site_routers
from .site import watch_status
from .ui import DemoLogin, Live, Site, components_router, error_page, look_router, static_router

page_routers = [static_router, look_router, components_router, *site_routers, portal_router, admin_router]

__all__ = ["DemoLogin", "Live", "Site", "error_page", "page_routers", "watch_status"]
