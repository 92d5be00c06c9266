"""A stateful imitation of Stripe, reached only over HTTP by the official SDK. Shares no code with the product.

Run it as `python -m stripe_twin --port N --data DIR`. It speaks one API version (`core.version`), keeps everything
in one SQLite file under DIR, takes test keys only, and refuses to start where TOLLKEEPER_ENV is production.

Owns: products, prices, customers with balances and tax ids, cards and bank accounts, intents, refunds, disputes,
checkout, subscriptions with schedules, pauses and waiting changes, invoices and credit notes, coupons and promotion
codes, tax rates, meters, test clocks, the customer portal, events and their signed delivery; the pages buyers see; its
own clock. Parameters that Stripe takes and this does not imitate are refused with the code
`twin_unsupported_parameter`, never ignored.

Does not own: Connect, Terminal, Issuing, payment links, quotes, payouts; the amount of automatic tax (its switch is
kept and says whether the place is known, the tax itself comes from tax rates).

Invariants: a change, its events and their pending deliveries commit together; an answer under an idempotency key is
given once; every money amount is an integer in minor units; every time is whole Unix seconds, UTC, of the virtual
clock, except the timestamp in a webhook's signature, which is wall-clock time.

Rooms: `core` is the machinery and knows no resource, `rules` are pure, `resources` has one module per family of
Stripe's objects, `pages` is HTML and the control addresses under `/_twin`.

What a pass against it proves: "works with this imitation, whose shapes are those of the SDK", not "works with
Stripe".
"""
