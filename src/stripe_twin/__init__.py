"""A stateful imitation of Stripe, reached only over HTTP. Shares no code with the product."""
