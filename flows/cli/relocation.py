"""The command `sitewatch relocation`: does growth follow responses elsewhere more often than by chance?"""

from __future__ import annotations

from typing import Annotated, Optional

import typer
from rich.table import Table

from aois.week import parse_week
from flows.cli.options import OutputsOption, console, existing_ledger, record_settings
from flows.reports.relocation import NamedPair, RelocationFigures, relocation_figures


def relocation(
    km: Annotated[
        Optional[list[float]],  # noqa: UP045
        typer.Option("--km", help="A distance that counts as near; may be repeated. Those of the list if left out."),
    ] = None,
    days: Annotated[
        Optional[list[int]],  # noqa: UP045
        typer.Option("--days", help="Days that count as soon after; may be repeated. 90 and 180 if left out."),
    ] = None,
    week: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--week", help="As of the end of this week, such as 2026-W47; of the last on record if left out."),
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Name the pairs: only for people who may see where places lie.")
    ] = False,
    outputs: OutputsOption = None,
) -> None:
    """Test whether growth and new suspects lie nearer to responses elsewhere than chance would have them."""
    with existing_ledger(record_settings(outputs)) as ledger:
        areas, seen = ledger.areas(), ledger.observations()
        asked = None if week is None else parse_week(week)
        last = asked or max((one.week for one in seen), default=None)
        if last is None:
            console.print("No week is on record yet.")
            return
        first = {one.area_id: one.week for one in reversed(seen)}
        events = {area.id: ledger.events(area.id, as_of=last) for area in areas}
    found = relocation_figures(areas, events, first, until=last.last_day, km=km or (), days=days or ())
    _show(found)
    if pairs:
        for pair in found.pairs:
            console.print(_pair(pair), highlight=False, markup=False, soft_wrap=True)


def _show(found: RelocationFigures) -> None:
    test = found.test
    if test is None:
        console.print(
            f"Too little for a test: {found.responses} responses, {found.growth} places that began to grow.",
            highlight=False,
        )
        return
    table = Table("within", "pairs", "by chance", "p", "noticed only from")
    for one in test.counts:
        power = "nothing is seen" if one.detectable is None else f"{one.detectable:g} times chance"
        where = f"{one.distance_m / 1000:g} km, {one.lag_days} days"
        table.add_row(where, str(one.observed), f"{one.expected:.1f}", f"{one.p:.3f}", power)
    console.print(table)
    words = "more pairs than chance explains" if test.p <= 0.05 else "no more pairs than chance explains"
    console.print(
        f"All together: {words} (p = {test.p:.3f}; {test.responses} responses, {test.growth} beginnings of growth, "
        f"{test.permutations} shuffles). It does not say why. The last column says how little such a test can see.",
        highlight=False,
        soft_wrap=True,
    )


def _pair(pair: NamedPair) -> str:
    return (
        f"{pair.response_area.id} ({pair.response.action}, {pair.response.date}) -> {pair.growth.area.id} "
        f"({pair.growth.event.change}, {pair.growth.day}): {pair.km:g} km, {pair.days} days"
    )
