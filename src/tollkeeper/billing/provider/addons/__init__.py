"""Where the prices of add-ons stand at the provider.

Owns: the ids of those prices at each provider account. Does not own: what add-ons are (catalog), who has which
(subscriptions).
Invariants: a price of ours has one price at each provider account.
What each time means: `pushed_at` is ours.
"""

from .service import addon_price_at_provider, addon_prices, push_addons

__all__ = ["addon_price_at_provider", "addon_prices", "push_addons"]
