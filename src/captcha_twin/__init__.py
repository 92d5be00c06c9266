"""An imitation of reCAPTCHA v3: a script that hands out tokens, and a verifier that judges each once.

Shares no code with the product. Run it as `python -m captcha_twin --port N` and set

    TOLLKEEPER_CAPTCHA_API=http://127.0.0.1:N/recaptcha
    TOLLKEEPER_CAPTCHA_SITE_KEY=site-key
    TOLLKEEPER_CAPTCHA_SECRET=secret-key

Browsers load `/recaptcha/api.js`, servers ask `/recaptcha/api/siteverify`. How it judges and misbehaves is set with
`PUT /_twin/behaviour`; programs get tokens from `POST /_twin/tokens`. It keeps everything in memory and refuses to
start where TOLLKEEPER_ENV is production.
"""
