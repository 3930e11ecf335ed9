"""Which tests are slow, and why: `python -m pytest -m "not slow"` leaves them out between two edits."""

from __future__ import annotations

import pytest

MARKERS = {
    "benchmark": "measures for minutes",
    "endurance": "kills processes for minutes",
    "browser": "starts Chromium",
    "fuzz": "feeds generated inputs",
}
WITHOUT_LIMIT = ("benchmark", "endurance")
FIXTURES = {
    "browser": "starts Chromium",
    "postgres": "starts PostgreSQL",
    "prefect_server": "starts Prefect",
    "undisturbed": "watches ten weeks of simulated scenes first",
    "prepared": "fetches scenes and draws cases for the desk first",
}
PARAMETERS = {"postgresql": "starts PostgreSQL"}
EXTRACT = "tests/detectors/objects/test_extract.py"
PLACES = {
    "tests/alerts/test_delivery.py": "waits for receivers that are slow on purpose",
    "tests/alerts/test_killed_sending.py": "kills processes",
    "tests/alerts/test_sending.py": "waits for receivers that fail on purpose",
    "tests/alerts/test_sending_histories.py": "plays random histories",
    "tests/benchmarks/": "measures the detectors",
    "tests/cli/test_sentinelhub.py": "starts Prefect",
    "tests/cli/test_watch.py": "starts Prefect",
    "tests/desk/test_operations.py": "starts reruns as processes",
    "tests/detectors/claims/test_structure_states.py": "draws years of simulated scenes",
    "tests/detectors/monitor/": "watches whole histories",
    f"{EXTRACT}::test_the_fringe_of_a_strong_change_is_not_counted": "watches a whole history",
    f"{EXTRACT}::test_what_is_covered_by_half_is_counted": "watches a whole history",
    f"{EXTRACT}::test_what_it_is_does_not_depend_on_how_much_of_a_pixel_it_covers": "watches whole histories",
    "tests/detectors/sensitivity/": "watches whole histories with probes in them",
    "tests/imagery/archive/test_remote_copy.py": "starts an S3 server",
    "tests/imagery/sentinelhub/": "fetches from a server on loopback, and waits where it fails on purpose",
    "tests/imagery/simulation/test_physics.py": "draws years of simulated scenes",
    "tests/imagery/simulation/test_truth.py": "draws years of simulated scenes",
    "tests/imagery/stac/test_planetary_computer.py": "fetches from a server on loopback",
    "tests/imagery/test_bad_input.py": "waits for servers that fail on purpose",
    "tests/imagery/test_late_tiles.py": "fetches from a server on loopback",
    "tests/imagery/test_real_archives.py": "reads real imagery",
    "tests/imagery/test_versions.py": "fetches from a server on loopback",
    "tests/jobs/test_bad_channels.py": "starts Prefect",
    "tests/jobs/test_engines.py": "watches on three engines, and kills workers",
    "tests/jobs/test_upkeep.py": "starts Prefect",
    "tests/jobs/test_watch.py": "starts Prefect",
    "tests/ledger/test_backup.py": "backs up and restores between databases",
    "tests/ledger/test_histories.py": "plays random histories",
    "tests/ledger/test_processes.py": "kills processes",
    "tests/ledger/test_strain.py": "fills disks and holds locks",
    "tests/operations/": "starts Prefect",
    "tests/pipeline/test_archive_limits.py": "watches weeks first",
    "tests/pipeline/test_area.py": "replays weeks",
    "tests/pipeline/test_claim_answers.py": "fetches months of simulated scenes first",
    "tests/pipeline/test_cost_estimate.py": "fetches from a server on loopback",
    "tests/pipeline/test_outputs_mirror.py": "starts an S3 server",
    "tests/pipeline/test_scene_versions.py": "replays weeks",
    "tests/publication/test_media_files.py": "draws all pictures of a place",
    "tests/publication/test_media_public.py": "looks for pictures in images of places",
    "tests/security/": "attacks running servers, and feeds generated inputs",
    "tests/test_house.py::test_tools_find_nothing": "type-checks everything; `pre-commit` does it too",
    "tests/whole/test_at_once.py": "starts processes that run at the same time",
    "tests/whole/test_catalogs.py": "watches catalogs of every make",
    "tests/whole/test_demonstration.py": "watches two places of the demonstration",
    "tests/whole/test_earlier_version.py": "starts Prefect",
    "tests/whole/test_fresh_disk.py": "starts PostgreSQL and an S3 server",
    "tests/whole/test_killed.py": "kills processes",
    "tests/whole/test_providers.py": "watches from three servers on loopback",
    "tests/whole/test_real_archives.py": "replays real imagery",
}


BEGIN_WITH = (
    "tests/jobs/test_engines.py",
    "tests/alerts/test_killed_sending.py",
    "tests/security/test_prefect_server.py",
    "tests/operations/",
    "tests/test_house.py",
    "tests/whole/",
)
"""Files of few long tests: at the end of the suite one process would work on them while the other waits."""


def longest_first(tests: list[pytest.Item]) -> None:
    """Move the tests of `BEGIN_WITH` to the front; the others keep their order."""
    places = (*BEGIN_WITH, "")
    tests.sort(key=lambda test: next(n for n, place in enumerate(places) if test.nodeid.startswith(place)))


def reason_to_be_slow(test: pytest.Item) -> str | None:
    """Say why a test belongs to the slow ones.

    Parameters
    ----------
    test
        A collected test.

    Returns
    -------
    str or None
        The first reason of the tables above that holds for it; None where it is fast.
    """
    parameters = getattr(getattr(test, "callspec", None), "params", {}).values()
    needed = getattr(test, "fixturenames", ())
    reasons = [
        *(why for place, why in PLACES.items() if test.nodeid.startswith(place)),
        *(why for name, why in MARKERS.items() if test.get_closest_marker(name)),
        *(why for name, why in FIXTURES.items() if name in needed),
        *(PARAMETERS[value] for value in parameters if isinstance(value, str) and value in PARAMETERS),
    ]
    return next(iter(reasons), None)


def mark_slow_tests(tests: list[pytest.Item]) -> None:
    """Mark the slow ones among `tests` with the reason; measurements may take as long as they need."""
    for test in tests:
        if reason := reason_to_be_slow(test):
            test.add_marker(pytest.mark.slow(reason=reason))
        if any(test.get_closest_marker(name) for name in WITHOUT_LIMIT):
            test.add_marker(pytest.mark.timeout(0))
