"""What is invented never mixes with what is real: the folders of the two worlds, and refusals with their mend."""

from __future__ import annotations

import json
from pathlib import Path

from flows.config.settings import DEMONSTRATION, OUTPUTS, Settings, SettingsError, SourceName
from flows.ledger.ledger import Ledger
from flows.ledger.worlds import World, world_at, world_of

SETTINGS_OF_THE_RUN = "run-settings.json"


def check_world(settings: Settings) -> None:
    """Check that the record and the folder of the settings hold nothing, or the world of their source.

    Nothing is made or changed. Raises `SettingsError` with the mend where they are not, and `LedgerError` for a ledger
    that cannot be read.
    """
    _check_demonstration_of_before(settings)
    outputs = settings.outputs
    found = [
        (f"the record in `{outputs}`", world_at(_ledger_in(outputs))),
        (f"what the last run left in `{outputs}`", _world_of_last_run(outputs)),
    ]
    if settings.ledger_url is not None:
        found.insert(0, ("the record that SITEWATCH_LEDGER_URL names", world_at(settings.ledger)))
    for what, world in found:
        if world is not None and world is not world_of(settings.source):
            raise SettingsError(_complaint(what, world, settings))


def at_record(settings: Settings) -> Settings:
    """Find the record that is to be read where the settings name neither outputs nor source.

    Returns the settings over the folder with it.

    That of real places comes first, then the demonstration's.
    """
    if settings.model_fields_set & {"outputs", "source"}:
        return settings
    if settings.ledger_url is not None:
        is_demonstration = world_at(settings.ledger) is World.SIMULATED and DEMONSTRATION.exists()
    else:
        is_demonstration = not _has_ledger(OUTPUTS) and _has_ledger(DEMONSTRATION)
    return settings.model_copy(update={"outputs": DEMONSTRATION if is_demonstration else OUTPUTS})


def other_record() -> str:
    """Tell where the demonstration's record is read, beside the one in `outputs`.

    Empty where there are not both.
    """
    if _has_ledger(OUTPUTS) and _has_ledger(DEMONSTRATION):
        return f"Of the record in `{OUTPUTS}`; the demonstration's is read by --outputs {DEMONSTRATION}."
    return ""


def mixed_record(ledger: Ledger) -> str:
    """Tell a reader of a record of both worlds what to know before anything else; empty for any other."""
    if ledger.world is not World.MIXED:
        return ""
    return (
        "This record holds simulated and real places together, which an earlier version let happen. "
        "Its alerts say which of the two they are."
    )


def _ledger_in(outputs: Path) -> str:
    return f"sqlite:///{(outputs / 'ledger.sqlite').absolute()}"


def _has_ledger(outputs: Path) -> bool:
    return (outputs / "ledger.sqlite").exists()


def _world_of_last_run(outputs: Path) -> World | None:
    """By the settings that it left; None where there are none that can be read."""
    try:
        source = json.loads((outputs / SETTINGS_OF_THE_RUN).read_text())["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return world_of(str(source))


def _complaint(what: str, world: World, settings: Settings) -> str:
    where = "another folder with --outputs"
    if settings.ledger_url is not None:
        where += " and another database with SITEWATCH_LEDGER_URL"
    if world is World.MIXED:
        return (
            f"{what} holds simulated and real places together, which an earlier version let happen, so no run goes on "
            f"with it; name {where} for each of the two. What is there stays and can still be read"
        )
    asked = f"source `{settings.source}` is {world_of(settings.source)}"
    mend = f"name {where}, or move what is there away"
    is_for_demonstration = settings.source is SourceName.SIMULATED and settings.outputs != DEMONSTRATION
    if is_for_demonstration and settings.ledger_url is None:
        mend = f"leave --outputs out, and the demonstration goes to `{DEMONSTRATION}`, or {mend}"
    return f"{what} is {world}, and {asked}: the two never share one; {mend}"


def _check_demonstration_of_before(settings: Settings) -> None:
    """Earlier versions kept the demonstration where real records go; it is neither lost nor begun a second time."""
    if settings.source is not SourceName.SIMULATED or "outputs" in settings.model_fields_set:
        return
    if (DEMONSTRATION / "archive").exists() or not (OUTPUTS / "archive").exists():
        return
    if world_at(settings.model_copy(update={"outputs": OUTPUTS}).ledger) is World.SIMULATED:
        raise SettingsError(
            f"`{OUTPUTS}` holds a demonstration of an earlier version, and `{DEMONSTRATION}` is its place now; go on "
            f"with it by --outputs {OUTPUTS} (SITEWATCH_OUTPUTS={OUTPUTS}), or move `{OUTPUTS}` away to begin anew"
        )
