"""What the issue asks for and no figure can say: each line names the test that holds it."""

from __future__ import annotations

PLEDGES = (
    ("orbits never mixed", "detectors/monitor/test_steps.py", "orbits_are_never_mixed"),
    (
        "a radar platform kept apart until it is placed",
        "detectors/monitor/test_new_platforms.py",
        "a_new_platform_says_nothing_until_three_of_it_are_averaged",
    ),
    (
        "three dates, whatever the evidence",
        "detectors/events/test_lifecycle.py",
        "never_confirmed_on_fewer_than_three_dates",
    ),
    (
        "an acquisition too far off refused",
        "detectors/sensor_series/test_series.py",
        "an_acquisition_too_far_off_is_refused_with_the_reason",
    ),
    ("the baseline rebuilt", "detectors/sensor_series/test_series.py", "rebased_ground_is_expected_as_it_is_now"),
    ("phases as steps of one event", "detectors/monitor/test_steps.py", "phases_are_steps_of_one_event"),
    ("criteria of a suspect", "detectors/events/test_site_criteria.py", "every_criterion_lies_between_nought_and_one"),
    (
        "MAD is χ² under no change",
        "benchmarks/test_accuracy_parts.py",
        "mad_is_chi_squared_where_nothing_changed_and_its_rounds_only_widen_it",
    ),
    ("`sitewatch detectability`", "pipeline/test_detectability_probes.py", "it_says_what_would_have_been_seen"),
)


def rows() -> list[str]:
    """The lines of the table."""
    return [f"| {what} | | | | | by test | `{file}::test_{name}` |" for what, file, name in PLEDGES]
