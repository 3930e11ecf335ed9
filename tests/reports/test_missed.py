"""What may have been missed: figures from answers, and the words of the page with and without them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from shapely.geometry import box

from aois.week import Week
from detectors.inference.exact_intervals import rate_interval, share_interval
from detectors.inference.quiet_sample import SeenClass
from flows.ledger.precision import Precision
from flows.records.ids import AreaId
from flows.records.quiet_places import QuietAnswer, QuietKind, QuietPlace, QuietReview
from flows.reports.build import render
from flows.reports.exports import write_figures
from flows.reports.inputs import ReportInputs
from flows.reports.missed import missed_figures
from flows.reports.report_page import page_of
from flows.reports.words import words_for

WEEK, AT = Week(2026, 47), datetime(2026, 11, 23, tzinfo=UTC)
QUARTER = 91 / 365.25


def place(number, *, kind=QuietKind.SITE, seen=SeenClass.WELL, week=WEEK, of=40, km2=0.25):
    since = week.plus(-12).first_day
    return QuietPlace(
        f"k{number}", week, AreaId("a"), kind, seen, 0.7, of, since, week.last_day, km2, box(0, 0, 1, 1), number
    )


def said(number, answer=QuietAnswer.NOTHING, changes=0):
    return QuietReview(number, answer, changes, "", "rita", AT)


def judged(confirmed, rejected, waiting=0):
    return Precision("all", confirmed, rejected, 0, waiting, None, None, None)


def page(figures, lang="en"):
    inputs = ReportInputs(WEEK, "stac", (), missed=figures)
    return render(page_of(inputs), words_for(lang), {})


def test_counts_and_exposure_give_the_exact_interval():
    places = [place(n) for n in range(10)]
    answers = [said(n) for n in range(7)] + [said(7, QuietAnswer.MISSED, 2), said(8, QuietAnswer.UNSURE)]
    (part,) = missed_figures(places, answers, [judged(12, 3, 4)], week=WEEK).parts
    (stratum,) = part.strata
    assert (stratum.answered, stratum.missed, stratum.unsure, stratum.waiting) == (8, 2, 1, 1)
    known, told = rate_interval(2, 8 * QUARTER), part.estimate.total
    assert (told.value, told.low, told.high) == pytest.approx((known.value, known.low, known.high))


def test_ground_counts_by_area():
    (part,) = missed_figures([place(1, kind=QuietKind.GROUND)], [said(1, QuietAnswer.MISSED, 1)], [], week=WEEK).parts
    assert part.estimate.total.value == pytest.approx(1 / (0.25 * QUARTER))


def test_the_last_answer_counts_and_old_weeks_do_not():
    places = [place(1), place(2, week=WEEK.plus(-52))]
    answers = [said(1, QuietAnswer.MISSED, 5), said(2, QuietAnswer.MISSED, 5), said(1)]
    (part,) = missed_figures(places, answers, [], week=WEEK).parts
    assert (part.drawn, part.missed) == (1, 0)


def test_precision_is_that_of_the_alerts_that_went_out():
    figures = missed_figures([], [], [judged(12, 3, 4)], week=WEEK)
    assert (figures.confirmed, figures.decided, figures.waiting) == (12, 15, 4)
    assert figures.held == share_interval(12, 15)


def test_without_answers_the_page_says_that_nobody_has_looked():
    text = page(missed_figures([place(1), place(2)], [], [], week=WEEK))
    assert "Nobody has looked. 2 places were drawn" in text
    assert "Nobody has judged an alert." in text
    assert "Personne n’a regardé. 2 lieux" in page(missed_figures([place(1), place(2)], [], [], week=WEEK), "fr")
    assert "no sample has been drawn yet" in page(missed_figures([], [], [], week=WEEK))


def test_the_page_shows_the_interval_and_what_it_stands_for():
    places = [place(1, of=30), place(2, seen=SeenClass.HARDLY, of=10)]
    text = page(missed_figures(places, [said(1)], [judged(3, 1)], week=WEEK))
    assert "0.00 per site and year (0.00 to 14.81)" in text
    assert "The figure stands for 75 % of such places." in text
    assert "3 of 4 alerts that were judged held: 75 % (19 % to 99 %)." in text


def test_a_table_lies_beside_the_page(tmp_path):
    places = [place(1, of=30), place(2, seen=SeenClass.HARDLY, of=10)]
    inputs = ReportInputs(WEEK, "stac", (), missed=missed_figures(places, [said(1)], [], week=WEEK))
    write_figures(inputs, tmp_path)
    head, *rows = (tmp_path / "missed.csv").read_text(encoding="utf-8-sig").splitlines()
    assert head.startswith("kind,seen,looked_at,missed,unsure,waiting,missed_per_year")
    assert rows == [
        "site,well,1,0,0,0,0.0,0.0,14.8062,site-year",
        "site,hardly,0,0,0,1,,,,site-year",
        "site,all,1,0,0,1,0.0,0.0,14.8062,site-year",
    ]
