"""A stateful imitation of Stripe, reached only over HTTP by the official SDK. Shares no code with the product.

Run it as `python -m stripe_twin --port N --data DIR`. It speaks one API version (`core.version`), keeps everything
in one SQLite file under DIR, takes test keys only, and refuses to start where TOLLKEEPER_ENV is production.

Owns: products, prices, customers, cards, intents, refunds, checkout, subscriptions, invoices, the customer portal,
events and their signed delivery; the pages buyers see; its own clock. Parameters that Stripe takes and this does
not imitate are refused with the code `twin_unsupported_parameter`, never ignored.

Does not own: coupons, tax, disputes, credit notes, meters, schedules, test clocks.

Invariants: a change, its events and their pending deliveries commit together; an answer under an idempotency key is
given once; every money amount is an integer in minor units; every time is whole Unix seconds, UTC, of the virtual
clock, except the timestamp in a webhook's signature, which is wall-clock time.

Rooms: `core` is the machinery and knows no resource, `rules` are pure, `resources` has one module per family of
Stripe's objects, `pages` is HTML and the control addresses under `/_twin`.

What a pass against it proves: "works with this imitation, whose shapes are those of the SDK", not "works with
Stripe".
"""
