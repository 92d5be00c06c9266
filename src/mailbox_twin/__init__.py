"""A mail server that delivers nothing: it takes every mail and shows it. Shares no code with the product.

Run it as `python -m mailbox_twin --port N --smtp-port N --data DIR`. Mails come over real SMTP; people read them at
`/`, programs at `/api/mails`. It keeps mails as files under DIR, the newest `mailbox.KEPT`, and refuses to start where
TOLLKEEPER_ENV is production.

Two addresses behave badly, for tests of the sender: whoever is called `busy@` takes no mail now (450), and there is no
mailbox `nobody@` (550), whatever the domain.
"""
