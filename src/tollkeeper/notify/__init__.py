"""Mails to people: written with the transaction that wants them, sent by the worker until the mail server has them.

Owns: the frame every mail shares, rendering, the conversation with the mail server.
Does not own: what is worth a mail, who gets it, the words of one (each template belongs to whoever sends it).
Invariants: a mail is sent exactly if the transaction that wanted it commits, and a second time only when it is not
known whether the server took it, under the same `Message-ID`; nothing of a mail rests readable in the database, since
the links in it are proofs; where no mail server is set, mails are dropped and the log says so.
What each time means: a mail's `Date` is the moment it was wanted, not when the server took it.

A mail named `invitation` is two templates, `invitation.txt` with its subject in a block and `invitation.html`. Both get
the data, and besides `site_name`, `site_url` (without a trailing slash) and `seller_email`.
"""

from .jobs import jobs
from .model import Mail, MailUnavailableError
from .rendering import Rendered, render
from .samples import SAMPLES, SampleMail
from .service import send_mail

__all__ = ["SAMPLES", "Mail", "MailUnavailableError", "Rendered", "SampleMail", "jobs", "render", "send_mail"]
