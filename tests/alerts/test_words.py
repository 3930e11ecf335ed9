from __future__ import annotations

from html import unescape
from io import StringIO

import pytest
from rich.console import Console

from aois.week import Week
from flows.alerts import AlertsError, Setting, console_table, digest
from flows.alerts.digest import SHOWN
from flows.alerts.dispatch_content import parcel
from flows.alerts.language import language, two_figures
from flows.records.ids import AlertId
from flows.records.messages import ProvisionalOutcomes

WEEK = Week(2026, 47)
REPORT = "outputs/reports/2026-W47/index.html"
PLAIN = Setting(REPORT)
EN = language("en")
CALM, CAUTION, PROVISIONAL = (EN.say(f"body.{name}") for name in ("calm", "caution", "provisional"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, 0),
        (0.7, 1),
        (7.4, 7),
        (99.6, 100),
        (2431.0, 2_400),
        (996.0, 1_000),
        (10_000.0, 10_000),
    ],
)
def test_measures_have_two_significant_figures(value, written):
    assert two_figures(value) == written


@pytest.mark.parametrize(
    ("area", "written"),
    [
        ((2431.0, 1790.0, 3049.0), "2,400 m² (1,800 to 3,000)"),
        ((10_000.0, 8_000.0, 12_345.0), "10,000 m² (8,000 to 12,000)"),
        ((24_310.0, 9_000.0, 31_000.0), "2.4 ha (0.9 to 3.1)"),
        ((12_345_678.0, 9e6, 2e7), "1,234.6 ha (900.0 to 2,000.0)"),
    ],
)
def test_areas_are_in_the_unit_that_people_use(feature, area, written):
    names = ("area_m2", "area_m2_low", "area_m2_high")
    assert EN.size(feature(**dict(zip(names, area, strict=True)))) == written


def test_fences_have_a_length_and_say_how_far_they_close(feature):
    fence = feature(change="fencing", length_m=312.0, closure=0.6)
    assert EN.size(fence).endswith("310 m long, 60 % of a closed ring")


def test_a_digest_reads_like_this(feature):
    message = digest(
        [
            feature(area_id="pier-2", alert_id="al-3", state="provisional", last_clear_look="2026-11-20"),
            feature(),
            feature(alert_id="al-2", state="retracted", kind="change", change="clearing"),
        ],
        WEEK,
        PLAIN,
    )
    assert message.title == "Sitewatch 2026-W47: 3 alerts at 2 places"
    assert (
        message.body_text
        == """\
Sitewatch, week 2026-W47 (16 November 2026 to 22 November 2026): 3 alerts at 2 places.

A suspect is a physical pattern to be checked by a person, never an accusation.

Provisional alerts rest on little evidence so far and may be retracted. None of the provisional alerts so far \
has been decided yet.

pier-1: 2 alerts (1 confirmed, 1 retracted)
- confirmed: construction, beyond the perimeter
  size 2,400 m² (1,800 to 3,000)
  confidence 0.82, seen by sentinel-1 and sentinel-2
  first seen 3 November 2026
  al-0123456789ab
- RETRACTED, no longer valid: clearing, inside the perimeter
  size 2,400 m² (1,800 to 3,000)
  confidence high, seen by sentinel-1 and sentinel-2
  first seen 3 November 2026
  al-2

pier-2: 1 alert (1 provisional)
- PROVISIONAL: construction, beyond the perimeter
  size 2,400 m² (1,800 to 3,000)
  confidence high, seen by sentinel-1 and sentinel-2
  first seen 3 November 2026, last clear image 20 November 2026
  al-3

Report: outputs/reports/2026-W47/index.html

This message gives references, not coordinates. People who may know the places can find them by these.
"""
    )


def test_a_confidence_that_reviewers_contradict_is_told_as_a_word(feature):
    lost = frozenset({0.8})
    console = Console(width=200, record=True, file=StringIO())
    console.print(console_table([feature(), feature(alert_id="al-2", confidence=0.93)], WEEK, contradicted=lost))
    table = console.export_text()
    text = digest([feature(), feature(confidence=0.93)], WEEK, Setting(REPORT, contradicted=lost)).body_text
    for told in (table, text):
        assert "0.82" not in told
        assert "high" in told
        assert "0.93" in told


def test_a_digest_does_not_depend_on_the_order_given(feature):
    features = [feature(), feature(alert_id="al-2"), feature(area_id="a")]
    assert digest(features, WEEK, PLAIN) == digest(features[::-1], WEEK, PLAIN)


def test_a_digest_warns_of_provisional_alerts_only_when_there_are_some(feature):
    assert PROVISIONAL not in digest([feature()], WEEK, PLAIN).body_text
    assert CAUTION in digest([feature()], WEEK, PLAIN).body_text


def test_a_quiet_week_is_not_called_calm():
    message = digest([], WEEK, PLAIN)
    assert message.title == "Sitewatch 2026-W47: no alert"
    assert CALM in message.body_text


def test_neither_digest_nor_table_tells_where_a_place_is(feature):
    places = feature(name="Old Pier", note="at 0.123456789 east")
    console = Console(width=200, record=True, file=StringIO())
    console.print(console_table([places], WEEK))
    for text in (digest([places], WEEK, PLAIN).body_text, console.export_text()):
        assert "0.1234" not in text
        assert "Old Pier" not in text


def test_the_table_holds_what_a_monitor_needs_and_marks_what_is_new(feature):
    console = Console(width=250, record=True, file=StringIO())
    console.print(console_table([feature(), feature(alert_id="al-[bold]", issued_on="2026-11-15")], WEEK))
    text = console.export_text()
    new, old = (line for line in text.splitlines() if "al-" in line)
    for word in ("pier-1", "expansion", "construction", "confirmed", "2,400 m² (1,800 to 3,000)", "0.82", "2026-11-03"):
        assert word in new
    assert "2026-11-22 (new)" in new
    assert "al-[bold]" in old
    assert "(new)" not in old
    assert "2 alerts, week 2026-W47" in text
    assert "never an accusation" in text


def test_a_language_without_a_catalog_is_refused_with_those_there_are():
    with pytest.raises(AlertsError, match="language `xx` has no catalog; use one of en, fr"):
        language("xx")


@pytest.mark.parametrize(
    ("lang", "written"), [("en", ["1 March 2026", "22 November 2026"]), ("fr", ["1er mars 2026", "22 novembre 2026"])]
)
def test_days_are_written_as_people_do(lang, written):
    assert [language(lang).day(day) for day in ("2026-03-01", "2026-11-22")] == written


def test_a_digest_in_french_reads_like_this(feature):
    provisional_outcomes = ProvisionalOutcomes(held=7, fell=2, open=3)
    setting = Setting(REPORT, lang="fr", is_simulated=True, provisional_outcomes=provisional_outcomes)
    message = digest([feature(state="provisional", last_clear_look="2026-11-20")], WEEK, setting)
    assert message.title == "SIMULÉ : Sitewatch 2026-W47 : 1 alerte dans 1 lieu"
    assert (
        message.body_text
        == """\
Exercice : les images sont simulées, rien de ceci n'a eu lieu.

Sitewatch, semaine 2026-W47 (du 16 novembre 2026 au 22 novembre 2026) : 1 alerte dans 1 lieu.

Un site suspect est une forme physique qu'une personne doit vérifier, jamais une accusation.

Les alertes provisoires reposent encore sur peu d'indices et peuvent être retirées. Parmi les alertes provisoires \
tranchées à ce jour, 78 % ont été confirmées ensuite (7 sur 9) ; 3 restent ouvertes.

pier-1 : 1 alerte (1 provisoire)
- PROVISOIRE : construction, au-delà du périmètre
  taille 2\u202f400 m² (de 1\u202f800 à 3\u202f000)
  confiance élevée, vu par sentinel-1 et sentinel-2
  vu pour la première fois le 3 novembre 2026, dernière image claire le 20 novembre 2026
  al-0123456789ab

Rapport : outputs/reports/2026-W47/index.html

Ce message donne des références, pas de coordonnées. Les personnes autorisées peuvent retrouver les lieux grâce à \
elles.
"""
    )


def test_only_a_restricted_message_says_where(feature):
    careful = digest([feature()], WEEK, PLAIN).body_text
    restricted = digest([feature()], WEEK, Setting(REPORT, is_restricted=True)).body_text
    assert "0.25" not in careful
    assert "  at 0.25000, 0.56173\n" in restricted
    assert "show it only to people who may know the places" in restricted


def test_what_became_of_an_event_is_said(feature):
    text = digest([feature(reopens="ev-1", merged_into="ev-2")], WEEK, PLAIN).body_text
    assert "  found again; it was retracted earlier, as event ev-1\n  now part of event ev-2\n" in text


def test_an_escalation_and_a_link_to_acknowledge_are_said(feature):
    setting = Setting(
        REPORT, is_escalation=True, links={AlertId("al-0123456789ab"): "https://desk.example.org/a?token=x"}
    )
    message = digest([feature()], WEEK, setting)
    assert message.title.startswith("Sitewatch 2026-W47, nobody has acknowledged: 1 alert")
    assert "  Acknowledge: https://desk.example.org/a?token=x\n" in message.body_text


def test_a_flood_of_alerts_is_counted_and_not_listed(feature):
    many = [feature(alert_id=f"al-{n:04}", area_id=f"pier-{n // 30}") for n in range(200)]
    message = digest(many, WEEK, PLAIN)
    assert message.title == "Sitewatch 2026-W47: 200 alerts at 7 places"
    assert message.body_text.count("al-") == SHOWN
    assert "pier-0: 30 alerts" in message.body_text
    assert "and 140 more alerts, in the report" in message.body_text


STEPS = [{"on": "2026-05-04", "added_m2": 9000.0}, {"on": "2026-08-01", "added_m2": 4100.0}]


@pytest.mark.parametrize(
    ("lang", "added", "number", "line"),
    [
        ("en", 4100.0, 2, "second step; +4,100 m² since 1 August 2026"),
        ("en", 41_000.0, 2, "second step; +4.1 ha since 1 August 2026"),
        ("en", None, 11, "11th step, begun 1 August 2026"),
        ("fr", 4100.0, 2, "deuxième étape ; +4\u202f100 m² depuis le 1er août 2026"),
        ("fr", 0.0, 11, "11e étape, commencée le 1er août 2026"),
    ],
)
def test_a_step_says_which_it_is_and_what_it_added(feature, lang, added, number, line):
    steps = [*[STEPS[0]] * (number - 1), {"on": "2026-08-01", "added_m2": added}]
    assert language(lang).step(feature(steps=steps)) == line


def test_an_alert_without_a_second_step_says_nothing_of_steps(feature):
    assert language("en").step(feature(steps=STEPS[:1])) == ""
    assert language("en").step(feature()) == ""


@pytest.mark.parametrize(
    ("news", "properties", "line"),
    [
        ("step", {}, "NEW: second step; +4,100 m² since 1 August 2026"),
        ("state", {}, "second step; +4,100 m² since 1 August 2026"),
        ("merged", {"merged_into": "ev-2"}, "NEW: now part of event ev-2"),
        ("parted", {}, "NEW: a separate event again; before, it was part of another event"),
        ("state", {"split_from": "ev-3"}, "now a separate event; before, it was part of event ev-3"),
    ],
)
def test_a_message_marks_what_is_new(feature, news, properties, line):
    text = digest([feature(steps=STEPS, news=[news], **properties)], WEEK, PLAIN).body_text
    assert f"  {line}\n" in text
    assert text.count("NEW") == ("NEW" in line)


@pytest.mark.parametrize("lang", ["km", "th", "vi", "zh", "id"])
def test_a_message_that_no_native_speaker_has_reviewed_says_so_at_its_end(feature, lang):
    one = feature(news=["issued"], alerts_before=2, told_before="2026-11-03", incident_id="in-0123456789ab")
    content = parcel(
        [one], Week(2026, 47), Setting("report", lang=lang), key="sw-1", messages={one.alert_id: ["al-0:confirmed"]}
    )
    last = content.text.rstrip("\n").split("\n")[-1]
    own, english = last.split(" / ")
    assert english == "Unreviewed translation: no native speaker has checked these words yet."
    assert own == language(lang).say("body.unreviewed") != english
    assert last in unescape(content.html)
    assert f'lang="{lang}"' in content.html
    assert language(lang).day("2026-11-03") in content.text, "further change at a place told on that day"
    assert "an alert" not in content.text


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_messages_in_the_languages_of_pages_say_nothing_of_a_review(feature, lang):
    one = feature()
    content = parcel([one], Week(2026, 47), Setting("report", lang=lang), key="sw-1", messages={one.alert_id: ["k"]})
    assert language(lang).say("body.unreviewed") not in content.text


def test_a_language_that_was_signed_off_says_nothing_more(feature, monkeypatch):
    monkeypatch.setattr("flows.alerts.language.reviewer_of", lambda lang: "Sok, 2026-12-01")
    assert language("km").unreviewed() == ()
