"""Refuse a clock that cannot be right: a watch under it would put weeks on record that have not been."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flows.config.settings import SettingsError
from flows.ledger.ledger import Ledger

BEHIND = timedelta(days=1)  # a watch counts weeks; `doctor` names smaller differences
AHEAD = timedelta(weeks=26)  # longer than a watch stands still unnoticed, so it is said; chosen on 2026-11-29
ABSURD = timedelta(days=5 * 365)  # what no watch stands still; a clock that lost its battery is off by more
LOOK_BACK = 200
MEND = "set the clock (`timedatectl set-ntp true`)"


def check_clock(ledger: Ledger, *, now: datetime, today_is: date | None = None) -> str:
    """Check the time against what the watch has on record.

    Parameters
    ----------
    ledger
        The record; an empty one says nothing of the time.
    now
        What the clock says, UTC.
    today_is
        The operator's word that the clock is right, on that day alone.

    Returns
    -------
    str
        Words to tell where the newest week or run on record lies more than half a year back: the watch may have stood
        still for so long, which is no reason to let it stand longer. Empty where nothing is odd.

    Raises
    ------
    SettingsError
        When the newest week or run on record lies more than a day in the future, or more than five years back.
    """
    newest = _newest(ledger)
    if newest is None or today_is == now.date():
        return ""
    told, known = f"{now:%Y-%m-%d %H:%M} UTC", f"{newest:%Y-%m-%d %H:%M}"
    anyway = f"if {now:%Y-%m-%d} is right, say so for today: SITEWATCH_TODAY_IS={now:%Y-%m-%d}"
    if newest > now + BEHIND:
        raise SettingsError(
            f"the clock says {told}, and the record goes to {known}; {MEND}, or restore a backup made before the "
            f"clock was wrong (`sitewatch ledger restore`); {anyway}"
        )
    if now - newest <= AHEAD:
        return ""
    doubt = f"the clock says {told}, {(now - newest).days // 7} weeks after the newest thing on record, {known}"
    if now - newest > ABSURD:
        raise SettingsError(f"{doubt}; {MEND}; {anyway}")
    return f"{doubt}; if it is wrong, {MEND}"


def _newest(ledger: Ledger) -> datetime | None:
    """When the last watch began or ended, or the first day of the last week on record if that is later."""
    runs = [run for run in ledger.runs(limit=LOOK_BACK) if run.settings.get("flow", "watch") == "watch"]
    weeks = [one.week for one in ledger.observations()]
    moments = [run.finished_at or run.started_at for run in runs]
    if weeks:
        moments.append(datetime.combine(max(weeks).first_day, time(), UTC))
    return max(moments, default=None)
