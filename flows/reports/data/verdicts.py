"""Reviewers' verdicts as pages that travel may show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from flows.ledger.ledger import Ledger
from flows.reports.inputs import Said


def said_in(ledger: Ledger, area_id: str) -> Mapping[str, tuple[Said, ...]]:
    """The verdicts that stand on each event of an area, under initials: a report may reach anyone.

    Two people of one event with the same initials are told apart by a number.
    """
    found: dict[str, list[Said]] = defaultdict(list)
    people: dict[str, dict[str, str]] = defaultdict(dict)
    for record in ledger.verdicts(area_id=area_id):
        words, known = record.judgement, people[record.event_id]
        if words.by not in known:
            same = sum(name.split(" ")[0] == initials(words.by) for name in known.values())
            known[words.by] = initials(words.by) + (f" {same + 1}" if same else "")
        reason = "" if words.reason is None else words.reason.value
        found[record.event_id].append(Said(known[words.by], record.at.date(), words.verdict.value, reason))
    return {event_id: tuple(said) for event_id, said in found.items()}


def initials(name: str) -> str:
    """The first letter of each of up to three words of a name: ``A.B.``"""
    letters = [word[0].upper() for word in name.replace("@", " ").split() if word[0].isalnum()]
    return "".join(f"{letter}." for letter in letters[:3]) or "?"
