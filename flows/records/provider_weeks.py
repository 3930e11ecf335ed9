"""How a provider of imagery answered in a week: what a run leaves of it in its summary, and the weeks put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aois.week import Week, week_of
from flows.records.runs import RunRecord

BEFORE = 4  # weeks that a week is compared with
LEAST_FAULTS, LEAST_SHARE, TIMES = 5, 0.02, 2.0  # a week is worse from here on; chosen on 2026-11-30
ALONE_SHARE = 0.1  # likewise, without a week to compare with


@dataclass(frozen=True)
class ProviderWeek:
    """What one provider answered in one week, over all runs that ended in it.

    Attributes
    ----------
    provider, source
        Its host, and the name of the source that asked it.
    week
        The week.
    asked, faults
        Requests that were sent, and how many brought an error, came too late or not at all; each try counts.
    fetched, failed
        Scenes that came, and those that could not be fetched, counted in each run that tried.
    passed_over
        Items of its catalog that could not be used, the most that one run met.
    refused
        Scenes acquired in the week that were fetched and not used, since they could not be compared.
    """

    provider: str
    source: str
    week: Week
    asked: int = 0
    faults: int = 0
    fetched: int = 0
    failed: int = 0
    passed_over: int = 0
    refused: int = 0

    @property
    def fault_share(self) -> float:
        """Return the share of requests that did not bring what was asked for, 0 to 1."""
        return self.faults / self.asked if self.asked else 0.0


def provider_summary(
    provider: str, answers: Mapping[str, Any], *, fetched: int, failed: int, passed_over: int
) -> dict[str, Any]:
    """Make what the summary of a run holds of its provider.

    Parameters
    ----------
    provider
        Its name, without secrets.
    answers
        Requests and faults by their kind, with ``asked`` and ``clock_ahead_s`` among them.
    fetched, failed, passed_over
        As `ProviderWeek`, of this run.

    Returns
    -------
    dict
        JSON.
    """
    counts = {"fetched": fetched, "failed": failed, "passed_over": passed_over}
    return {"name": provider, "answers": dict(answers), **counts}


def provider_weeks(runs: Iterable[RunRecord], refused: Mapping[tuple[str, Week], int]) -> list[ProviderWeek]:
    """Put the summaries of runs together by provider and week.

    Parameters
    ----------
    runs
        Any; those without a provider are left out.
    refused
        Refused scenes by source and the week of their acquisition; they count for the last provider of the source.

    Returns
    -------
    list of ProviderWeek
        By provider, then week.
    """
    groups: dict[tuple[str, str, Week], list[Mapping[str, Any]]] = defaultdict(list)
    latest: dict[str, str] = {}
    for run in sorted(
        (run for run in runs if run.finished_at is not None), key=lambda run: (run.started_at, run.run_id)
    ):
        said = run.summary.get("provider")
        if isinstance(said, Mapping) and run.finished_at is not None:
            source = str(run.settings.get("source", ""))
            latest[source] = str(said["name"])
            groups[latest[source], source, week_of(run.finished_at.date())].append(said)
    for source, week in refused:
        if source in latest:
            groups[latest[source], source, week] = groups.get((latest[source], source, week), [])
    return [
        _together(*key, group, refused.get((key[1], key[2]), 0) if latest[key[1]] == key[0] else 0)
        for key, group in sorted(groups.items())
    ]


def is_worse(weeks: Sequence[ProviderWeek]) -> bool:
    """Tell whether the last week of one provider had clearly more faults than those before it.

    Parameters
    ----------
    weeks
        Of one provider, in order.

    Returns
    -------
    bool
        True from five faults and two per cent of the requests on, where that is twice the share of the up to four weeks
        before; without any week before, from a tenth of the requests on.
    """
    if not weeks:
        return False
    last, before = weeks[-1], weeks[-1 - BEFORE : -1]
    if last.faults < LEAST_FAULTS or last.fault_share < LEAST_SHARE:
        return False
    asked = sum(one.asked for one in before)
    least = TIMES * sum(one.faults for one in before) / asked if asked else ALONE_SHARE
    return last.fault_share >= least


def _together(provider: str, source: str, week: Week, group: Sequence[Mapping[str, Any]], refused: int) -> ProviderWeek:
    answers = [one.get("answers") or {} for one in group]
    asked = sum(int(one.get("asked", 0)) for one in answers)
    faults = sum(int(n) for one in answers for kind, n in one.items() if kind not in ("asked", "clock_ahead_s"))
    fetched, failed = (sum(int(one.get(name, 0)) for one in group) for name in ("fetched", "failed"))
    passed_over = max((int(one.get("passed_over", 0)) for one in group), default=0)
    return ProviderWeek(provider, source, week, asked, faults, fetched, failed, passed_over, refused)
