"""Pages for people, without script: checkout, the bank's challenge, invoice, portal, and a front page."""
