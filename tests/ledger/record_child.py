"""Run as a script: open a ledger, new or not, and record twenty weeks of an area.

record_child.py LEDGER AREA
"""

from __future__ import annotations

import sys

from conftest import area, event, observation  # type: ignore[import-not-found]

from flows.ledger import open_ledger

url, area_id = sys.argv[1:]
with open_ledger(url) as ledger:
    ledger.record_areas([area(area_id)])
    for number in range(20):
        listed = [event(key, area_id=area_id, area_m2=100.0 + number) for key in "abc"]
        ledger.record_week(observation(number, area_id=area_id), listed)
