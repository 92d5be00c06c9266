"""The pages people see: public, and a customer's own. Server-rendered, working without JavaScript.

Owns: templates, styles, scripts, the forms' protection and the pages' security policy.
Does not own: any data or rule; pages ask the doors of the floors below and show what they say.
Invariants: nothing inline, nothing from another origin; a page never decides, it shows decisions.
What each time means: shown in UTC; with JavaScript in the reader's own zone.
"""

from .portal import router as portal_router
from .site import routers as site_routers
from .ui import DemoLogin, Site, error_page, static_router

page_routers = [static_router, *site_routers, portal_router]

__all__ = ["DemoLogin", "Site", "error_page", "page_routers"]
