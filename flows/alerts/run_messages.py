"""The messages of a watch: what the operator is to know and what people are to hear, at the end of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aois.errors import UserError
from aois.week import Week
from flows.alerts.claim_news import post_claim_news
from flows.alerts.muting import settle_muted
from flows.alerts.operator_notices import conditions_of, post_notices
from flows.alerts.prefect_events import send_signals
from flows.alerts.route_settings import MessageRoutes
from flows.alerts.sending import BUSY, PATIENCE_S, deliver_pending
from flows.config.deployment import Operating
from flows.ledger.ledger import Ledger
from flows.telemetry.logs import log


@dataclass(frozen=True)
class RunMessages:
    """Sends what waits at the end of a run, which has its evidence still to write: so nothing here may end it."""

    ledger: Ledger
    ways: MessageRoutes
    operating: Operating
    week: Week
    listed: tuple[str, ...]

    def keep_muted(self) -> tuple[str, ...]:
        """Settle which new messages are sent in no channel, for the report to count them; return why that failed."""
        return _reasons_of(self._mute)

    def send(self, *, again: str | None) -> tuple[str, ...]:
        """Send the operator's notices, news of claims and all that waits; return why something could not be sent.

        Routes that cannot be used, a record that another process is sending from, and defects are such reasons too.
        What was not sent waits in the ledger for the next delivery.
        """
        steps = (self._notices, self._claims, lambda: self._deliver(again))
        return tuple(reason for step in steps for reason in _reasons_of(step))

    def _mute(self) -> tuple[str, ...]:
        with self.ledger.exclusively("delivery", complaint=BUSY, patience_s=PATIENCE_S):
            settle_muted(self.ledger, self.ways.incident_rule, now=datetime.now(UTC))
        return ()

    def _notices(self) -> tuple[str, ...]:
        now = datetime.now(UTC)
        conditions = conditions_of(self.ledger.observations(), self.listed, self.operating, now=now)
        post_notices(self.ledger, self.ways, conditions, now=now)
        return ()

    def _claims(self) -> tuple[str, ...]:
        post_claim_news(self.ledger, self.ways, self.week, now=datetime.now(UTC))
        return ()

    def _deliver(self, again: str | None) -> tuple[str, ...]:
        outcome = deliver_pending(self.ledger, self.ways, week=self.week, signal=send_signals, again=again)
        return (*outcome.failed, *(f"given up: {reason}" for reason in outcome.given_up))


def _reasons_of(step: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """What a step could not do; a step that raises could do nothing."""
    try:
        return step()
    except UserError as error:
        log.error("messages not sent: %s", error)
        return (str(error),)
    except Exception as error:  # noqa: BLE001 - a defect: it is logged, and the run goes on to its evidence
        log.exception("messages not sent")
        return (f"it failed in a way that nobody foresaw ({type(error).__name__}); see the log",)
