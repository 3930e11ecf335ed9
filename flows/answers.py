"""Answers by link: the page of the alerts room, over the ledger."""

from __future__ import annotations

from fastapi import FastAPI

from flows.alerts.answering import answer_app
from flows.alerts.errors import AlertsError
from flows.alerts.signing import Answer
from flows.channels import routes_of
from flows.delivery import utc_now
from flows.ledger.errors import LedgerError
from flows.settings import Settings, SettingsError
from flows.terminal import existing_ledger


def answers(settings: Settings) -> FastAPI:
    """The app behind the links of the settings' routes; raises `SettingsError` when they make none."""
    secret = routes_of(settings).acknowledge_secret
    if secret is None:
        raise SettingsError("the routes have no acknowledge_secret, so no link can be checked; set one in their file")

    def acknowledge(answer: Answer) -> None:
        try:
            with existing_ledger(settings) as ledger:
                ledger.acknowledge(answer.alert_id, by=f"{answer.by} (by link)", on=utc_now().date())
        except LedgerError as error:
            raise AlertsError(str(error)) from None

    return answer_app(secret.get_secret_value(), acknowledge, clock=utc_now)
