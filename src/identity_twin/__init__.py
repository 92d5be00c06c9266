"""A stateful imitation of an OpenID Connect issuer and of GitHub's sign-in, reached only over HTTP.

Run it as `python -m identity_twin --port N`. It keeps its state in memory: a restart forgets codes and tokens, and
rolls the keys, as issuers do. It refuses to start where TOLLKEEPER_ENV is production.

Owns: discovery, the page where a person says who they are (a plain form: any name and address will do), codes that are
good once and for a minute and hold to PKCE, ID tokens signed by keys that roll, the key set, userinfo; as many issuers
as are asked for, each under `/o/<name>`; GitHub's four addresses under `/github`; one misbehaviour at a time, asked for
at `POST /_twin/misbehave`.

Does not own: passwords (whoever looks at the page is believed), registration of clients (any `client_id` will do; its
secret is `secret-of-<client_id>`), refresh tokens, logout.

Invariants: a code is spent by the first attempt to trade it; a browser is only sent back to this machine; what a
misbehaviour does is one thing wrong and everything else right; every time is whole Unix seconds of the wall clock.

What a pass against it proves: "works with the protocol as written", not "works with this or that issuer".
"""
