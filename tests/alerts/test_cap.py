"""CAP documents against the schema of the OASIS standard, and against the rules that no schema can hold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from lxml import etree
from pydantic import ValidationError
from shapely.geometry import shape

from aois.week import Week
from flows.alerts import Channel, Setting, parcel, send
from flows.alerts.cap import NAMESPACE, instant
from flows.records.ids import AlertId

SCHEMA = etree.XMLSchema(file=str(Path(__file__).with_name("CAP-v1.2.xsd")))
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
STEPS = [{"on": "2026-09-07", "added_m2": 1400.0}, {"on": "2026-11-03", "added_m2": 1031.0}]
ALERT = AlertId("al-0123456789ab")
CLIPPED = {
    "type": "MultiPolygon",
    "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]], [[[2, 0], [3, 0], [3, 1], [2, 0]]]],
}


def find(root, path):
    return root.findall("/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/")))


@pytest.fixture
def documents(feature, tmp_path):
    """Every kind of document that a channel can write, in a language, with or without places."""

    def documents(lang, *, is_restricted):
        setting = Setting("https://watch.example.org/2026-W47/index.html", lang=lang, is_restricted=is_restricted)
        told: tuple[tuple[str, str], ...] = (
            ("provisional", "provisional"),
            ("confirmed", "confirmed"),
            ("confirmed", "step-2"),
        )
        told += (("finished", "merged"), ("provisional", "parted"), ("retracted", "retracted"))
        for number, (state, said) in enumerate(told):
            one = feature(state=state, steps=STEPS, news=["state"], merged_into="ev-1" if said == "merged" else None)
            one = replace(one, geometry=shape(CLIPPED) if number % 2 else one.geometry)
            content = parcel([one], Week(2026, 47), setting, key=f"sw-{number}", messages={ALERT: [f"{ALERT}:{said}"]})
            channel = Channel(kind="cap", path=tmp_path, sender="watch@example.org")
            at = NOW + timedelta(minutes=number)
            assert send(content, channel, made_at=at, now=at) == ""
        return {path.stem.partition(".")[2]: etree.parse(path).getroot() for path in tmp_path.glob("*.xml")}

    return documents


@pytest.mark.parametrize("is_restricted", [False, True])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_document_is_valid(documents, lang, is_restricted):
    found = documents(lang, is_restricted=is_restricted)
    assert len(found) == 6
    for root in found.values():
        SCHEMA.assertValid(root)
        for name in ("identifier", "sender"):
            assert not set(find(root, name)[0].text) & set(" ,<&")
        for reference in find(root, "references"):
            sender, identifier, sent = reference.text.split(",")
            assert (sender, identifier, sent) == (
                "watch@example.org",
                f"{ALERT}.provisional",
                "2026-11-23T06:00:00-00:00",
            )
        for ring in find(root, "info/area/polygon"):
            points = ring.text.split()
            assert len(points) >= 4
            assert points[0] == points[-1]
            assert all(re.fullmatch(r"-?\d+\.\d+,-?\d+\.\d+", point) for point in points)
        assert bool(find(root, "info/area/polygon")) is is_restricted
        assert find(root, "scope")[0].text == "Restricted"
        assert find(root, "restriction")[0].text


def test_what_each_document_is(documents):
    found = documents("en", is_restricted=False)
    kinds = {name: find(root, "msgType")[0].text for name, root in found.items()}
    assert kinds == {
        "provisional": "Alert",
        "confirmed": "Update",
        "step-2": "Update",
        "merged": "Update",
        "parted": "Update",
        "retracted": "Cancel",
    }
    certain = {name: find(root, "info/certainty")[0].text for name, root in found.items()}
    assert (certain["step-2"], certain["parted"], certain["retracted"]) == ("Observed", "Possible", "Unlikely")
    assert find(found["step-2"], "info/description")[0].text.endswith("second step; +1,000 m² since 3 November 2026")


def test_the_schema_would_notice(documents):
    root = documents("en", is_restricted=False)["confirmed"]
    for path, wrong in (("sent", "2026-11-23T06:00:00Z"), ("info/urgency", "unknown"), ("status", "actual")):
        (element,) = find(root, path)
        right, element.text = element.text, wrong
        assert not SCHEMA.validate(root)
        element.text = right
    assert SCHEMA.validate(root)


def test_instants_are_in_utc_as_the_standard_writes_it():
    assert instant(datetime(2026, 11, 23, 8, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-23T06:00:00-00:00"


@pytest.mark.parametrize("sender", ["Sitewatch Desk", "a,b", "a&b", "<a>", ""])
def test_a_sender_that_the_standard_does_not_allow_is_refused(tmp_path, sender):
    with pytest.raises(ValidationError, match="cannot be a sender in CAP"):
        Channel(kind="cap", path=tmp_path, sender=sender)
