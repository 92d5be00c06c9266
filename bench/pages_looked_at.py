"""Which pages are looked at where it is measured what each takes, and which are not, and why."""

PUBLIC = (
    *("/", "/pricing", "/pricing?interval=year", "/login", "/login/sso", "/signup", "/password/forgot"),
    *("/verify/resend", "/docs", "/docs?q=limit", "/docs/api", "/docs/errors", "/docs/concepts/hard-limits"),
    *("/changelog", "/status", "/terms", "/privacy", "/imprint", "/robots.txt", "/sitemap.xml", "/ui"),
)
"""Looked at by nobody who is logged in."""
PORTAL = (
    *("/dashboard", "/usage", "/usage?span=90d", "/keys", "/audit", "/audit?area=key.", "/activity"),
    *("/team", "/team/roles/new", "/team/sign-on", "/team/transfer", "/team/leave", "/organizations/new"),
    *("/billing", "/billing?interval=year", "/billing/cancel", "/checkout/cancelled"),
    *("/checkout/return?session_id=cs_unknown&tries=1", "/checkout/return/state?session_id=cs_unknown&tries=1"),
    *("/profile", "/profile/delete", "/notifications", "/security", "/security/sign-in", "/security/totp/remove"),
    "/security/recovery-codes",
)
AT_THE_PROVIDER = (
    *("/billing/details", "/billing/payment-methods", "/billing/change?plan=plus&interval=month"),
    "/billing/addons?addon=more_prompts&quantity=2",
)
"""Pages that ask the payment provider while the customer waits: its imitation's time is in theirs."""
ADMIN = (
    *("/admin", "/admin/organizations", "/admin/organizations?q=77", "/admin/organizations?sort=name"),
    *("/admin/organizations?state=suspended", "/admin/organizations?plan=pro", "/admin/people", "/admin/people?q=77"),
    *("/admin/people?sort=email", "/admin/people?who=staff", "/admin/catalogue", "/admin/catalogue/file"),
    *("/admin/catalogue/plans/pro", "/admin/catalogue/versions", "/admin/catalogue/versions/1"),
    *("/admin/catalogue/versions/1/restore", "/admin/subscriptions", "/admin/subscriptions?state=active"),
    *("/admin/subscriptions?plan=pro", "/admin/subscriptions?state=canceled", "/admin/invoices"),
    *("/admin/invoices?state=paid", "/admin/invoices?state=void", "/admin/payments", "/admin/payments?state=failed"),
    *("/admin/refunds", "/admin/disputes", "/admin/disputes?state=waiting", "/admin/dunning", "/admin/webhooks"),
    *("/admin/webhooks?status=failed", "/admin/webhooks?type=charge.", "/admin/webhooks?id=evt_none", "/admin/jobs"),
    *("/admin/jobs?state=failed", "/admin/jobs?queue=billing", "/admin/system", "/admin/settings", "/admin/trail"),
    *("/admin/trail?area=subscription.", "/admin/trail?area=webhook.", "/admin/trail?from=2026-01-01"),
    *("/admin/mails", "/admin/mails/invitation", "/admin/mails/invitation/html"),
)
_OURS = "(select id from organizations where external_id = 'bench-0')"
_ORGANIZATIONS = "select id from organizations tablesample system (1)"
_PEOPLE = "select id from users tablesample system (1)"
_INVOICES = "select id from invoices tablesample system (1)"
_JOBS = "select id from procrastinate_jobs order by id desc limit 50"
_FAILED_JOBS = "select id from procrastinate_jobs where status = 'failed' limit 50"
VARYING = {
    "/keys/{}": f"select id from api_keys where organization_id = {_OURS}",
    "/keys/{}/revoke": f"select id from api_keys where organization_id = {_OURS}",
    "/team/members/{}": f"select user_id from members where organization_id = {_OURS} order by user_id desc limit 1",
    "/team/roles/{}": "select key from roles",
    "/billing/invoices/{}": "select i.id from invoices i join billing_customers c on c.id = i.customer_id"
    f" where c.organization_id = {_OURS}",
    "/billing/invoices/{}/pdf": "select i.id from invoices i join billing_customers c on c.id = i.customer_id"
    f" where c.organization_id = {_OURS}",
    "/admin/organizations/{}": _ORGANIZATIONS,
    "/admin/organizations/{} (the largest)": _OURS,
    **{
        f"/admin/organizations/{{}}/{act}": _ORGANIZATIONS
        for act in ("suspend", "reinstate", "credits", "trial", "cancel", "extend")
    },
    "/admin/organizations/{}/plan": _OURS,
    "/admin/organizations/{}/act-as": "select organization_id || '/members/' || user_id from members"
    " tablesample system (1) where role = 'owner'",
    "/admin/people/{}": _PEOPLE,
    "/admin/people/{}/log-out": _PEOPLE,
    "/admin/subscriptions/{}": "select id from subscriptions tablesample system (1)",
    "/admin/invoices/{}": _INVOICES,
    "/admin/invoices/{}/pdf": _INVOICES,
    "/admin/invoices/{}/refund": _INVOICES,
    "/admin/invoices/{}/credit": _INVOICES,
    "/admin/webhooks/{}": "select id from provider_events tablesample system (1)",
    "/admin/webhooks/{}/replay": "select id from provider_events where status = 'failed' limit 50",
    "/admin/jobs/{}": _JOBS,
    "/admin/jobs/{}/retry": _FAILED_JOBS,
    "/admin/jobs/{}/cancel": _FAILED_JOBS,
    "/admin/search?q={} (e-mail)": "select email from users tablesample system (1)",
    "/admin/search?q={} (name)": "select replace(name, ' ', '+') from organizations tablesample system (1)",
    "/admin/search?q={} (key)": "select last_four from api_keys tablesample system (1)",
    "/admin/search?q={} (nothing)": "select 'qzx' || i from generate_series(1, 50) i",
    "/admin/trail?organization={}": _ORGANIZATIONS,
    "/admin/trail?person={}": _PEOPLE,
    "/admin/trail?request={}": "select request_id from audit_trail tablesample system (1)",
}
"""Pages about one of many, and how some of these are found."""
NOT_LOOKED_AT = {
    "they lead away, or are files, or stay open": (
        *("/static/{name}", "/brand/{name}", "/auth/elsewhere/{provider}", "/auth/elsewhere/{provider}/callback"),
        *("/usage/live", "/profile/exports/live", "/admin/system/live", "/admin/jobs/live"),
        *("/profile/picture", "/profile/exports/{export_id}", "/step-up"),
    ),
    "a mail's link or a passkey is needed": (
        *("/verify", "/password/reset", "/invitation", "/security/totp", "/security/passkeys/add"),
        *("/security/passkeys/{passkey_id}", "/security/passkeys/{passkey_id}/remove"),
    ),
    "what they are about is not filled in: a code, a pause, an ended plan, a second card, a dispute, an open case": (
        *("/billing/promotion", "/billing/promotion/remove", "/billing/pause", "/billing/unpause"),
        *("/billing/reactivate", "/billing/payment-methods/{method_id}/remove", "/admin/disputes/{dispute_id}"),
        *("/admin/disputes/{dispute_id}/accept", "/admin/dunning/{case_id}/extend", "/admin/dunning/{case_id}/give-up"),
    ),
}
"""Pages that are left out, by why."""
