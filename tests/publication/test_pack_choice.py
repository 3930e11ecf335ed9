"""Which events a pack shows, by what was named, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pack_record import FIRST_WEEK, HERON, IBIS, WEEK, key_of

from flows.ledger import Ledger
from flows.ledger.ids import alert_id
from flows.publication.errors import PublicationError
from flows.publication.pack_choice import PackChoice, read_selection, subjects_of


def test_an_event_brings_its_place_and_the_whole_watch(ledger: Ledger) -> None:
    [subject] = subjects_of(PackChoice(event=key_of(IBIS, "clearing")), ledger)
    assert (subject.area.id, [one.event_id for one in subject.events]) == ("ibis", [key_of(IBIS, "clearing")])
    assert (subject.first, subject.until) == (FIRST_WEEK.first_day, WEEK.last_day)
    assert subject.events[0].geometry is not None


def test_an_alert_brings_its_event(ledger: Ledger) -> None:
    [subject] = subjects_of(PackChoice(alert=alert_id(key_of(HERON, "fencing"))), ledger)
    assert [one.alert_id for one in subject.events] == [alert_id(key_of(HERON, "fencing"))]


def test_an_area_brings_what_was_not_found_to_be_wrong(ledger: Ledger) -> None:
    [subject] = subjects_of(PackChoice(area="heron"), ledger)
    assert {one.change for one in subject.events} == {"construction", "fencing"}
    [subject] = subjects_of(PackChoice(area="heron", since=date(2026, 9, 1), until=date(2026, 9, 30)), ledger)
    assert (subject.first, subject.until, len(subject.events)) == (date(2026, 9, 1), date(2026, 9, 30), 2)


def test_a_selection_is_put_in_order_by_place(ledger: Ledger, tmp_path: Path) -> None:
    listed = tmp_path / "ids.txt"
    listed.write_text(f"{key_of(IBIS, 'fencing')}  # the wall\n\nheron, {key_of(HERON, 'fencing')}\n")
    names = read_selection([str(listed), key_of(IBIS, "construction")])
    assert len(names) == 4
    found = subjects_of(PackChoice(selection=names), ledger)
    assert [(one.area.id, len(one.events)) for one in found] == [("heron", 2), ("ibis", 2)]


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        (PackChoice(), "exactly one of --event"),
        (PackChoice(event="ev-1", area="heron"), "exactly one of --event"),
        (PackChoice(event="ev-000000000000"), "`ev-000000000000` is not on record"),
        (PackChoice(event="heron"), "its id begins with ev-"),
        (PackChoice(alert="ev-1"), "its id begins with al-"),
        (PackChoice(alert="al-000000000000"), "`al-000000000000` is not on record"),
        (PackChoice(area="gull"), "area `gull` is not on record"),
        (PackChoice(area="heron", until=date(2026, 8, 1)), "has no event on record"),
        (PackChoice(area="heron", since=date(2026, 9, 2), until=date(2026, 9, 1)), "is after --until"),
        (PackChoice(event="ev-1", since=date(2026, 9, 2)), "belong to --area"),
        (PackChoice(selection=("gull",)), "`gull` is not on record"),
    ],
)
def test_what_is_not_there_is_refused_by_name(ledger: Ledger, choice: PackChoice, complaint: str) -> None:
    with pytest.raises(PublicationError, match=complaint):
        subjects_of(choice, ledger)


def test_a_selection_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(PublicationError, match="names nothing"):
        read_selection([str(tmp_path / "empty.txt")])
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PublicationError, match="cannot be read"):
        read_selection([str(tmp_path / "bytes.txt")])
