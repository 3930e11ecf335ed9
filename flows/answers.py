"""Answers by link: the page of the alerts room, over the ledger."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from flows.alerts.answering import answer_app
from flows.alerts.errors import AlertsError
from flows.alerts.signing import Answer
from flows.channels import routes_of
from flows.delivery import utc_now
from flows.ledger.errors import LedgerError
from flows.settings import Settings, SettingsError
from flows.terminal import existing_ledger


def answers(settings: Settings, *, host: str = "127.0.0.1") -> FastAPI:
    """Make the app behind the links of the settings' routes; raises `SettingsError` when they make none.

    It answers under the name that the links lead to, under the address `host` where it listens, and on loopback.
    """
    routes = routes_of(settings)
    secret = routes.acknowledge_secret
    if secret is None:
        raise SettingsError("the routes have no acknowledge_secret, so no link can be checked; set one in their file")

    def acknowledge(answer: Answer) -> None:
        try:
            with existing_ledger(settings) as ledger:
                ledger.acknowledge(answer.alert_id, by=f"{answer.by} (by link)", on=utc_now().date())
        except LedgerError as error:
            raise AlertsError(str(error)) from None

    app = answer_app(secret.get_secret_value(), acknowledge, clock=utc_now)
    named = urlsplit(routes.acknowledge_base or "").hostname
    names = [name for name in ("127.0.0.1", "localhost", host, named) if name]
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)
    return app
