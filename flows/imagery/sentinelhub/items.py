"""What the catalog of a Sentinel Hub service says of a product, as an item of the watch."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flows.imagery.catalog_item import Bounds, SceneItem
from flows.imagery.platform_names import platform_of
from flows.imagery.scene import ImageryError, OpticalProduct, Sensor
from flows.imagery.stac.item import baseline_of, bounds_of, check_id, orbit_of
from flows.printable import printable
from flows.records.json_object import JsonObject

# S2A_MSIL2A_20230101T100421_N0509_R122_T33TWM_… with or without .SAFE, or S2A_OPER_MSI_L2A_TL_…_T33TWM_N05.09
_BASELINE = re.compile(r"_N(\d{2})\.?(\d{2})(?=[_.]|$)")
_S2_ORBIT = re.compile(r"_R(\d{3})_")
# S1A_IW_GRDH_1SDV_<start>_<end>_<absolute orbit>_…
_S1_ORBIT = re.compile(r"^S1([A-Z])_.*?_\d{8}T\d{6}_\d{8}T\d{6}_(\d{6})_")
# Relative orbit = (absolute orbit − first) mod 175 + 1, by satellite; one that is not listed is told by its direction.
# 1C was moved in June 2026; orbit 8018 is the last before that (isce-framework/isce2, pull requests 28123 and 28130).
_FIRST_ORBIT = {"A": 73, "B": 27, "C": 172, "D": 42}
_MOVED_AFTER, _FIRST_ORBIT_MOVED = {"C": 8018}, {"C": 99}
_ORBITS = 175


def item_of(feature: JsonObject, sensor: Sensor, product: OpticalProduct = OpticalProduct.LEVEL_2A) -> SceneItem:
    """The item that a feature of the catalog describes, without bands: the service is asked for those by name.

    Raises `ImageryError` for a feature without id or date, and for one that gives two processing baselines.
    """
    item_id, said = check_id(feature.get("id")), feature.get("properties")
    said = said if isinstance(said, dict) else {}
    try:
        acquired = datetime.fromisoformat(str(said["datetime"]))
    except (KeyError, ValueError):
        raise ImageryError(
            f"catalog item `{item_id}` has datetime `{printable(said.get('datetime'))}`, which is not a time; report "
            f"it to the service"
        ) from None
    is_radar = sensor is Sensor.SENTINEL_1
    return SceneItem(
        id=item_id,
        collection=printable(feature.get("collection") or "", longest=100),
        sensor=sensor,
        acquired=acquired.replace(tzinfo=acquired.tzinfo or UTC).astimezone(UTC),
        bounds=_bounds(feature),
        bands={},
        scl=None,
        processing_baseline=None if is_radar else _baseline(item_id, said),
        has_offset_removed=None,
        relative_orbit=_relative_orbit(item_id, said, is_radar=is_radar),
        orbit_direction=printable(said["sat:orbit_state"], longest=40).lower() if said.get("sat:orbit_state") else None,
        platform=platform_of(said.get("platform"), item_id),
        product=product,
    )


def _bounds(feature: JsonObject) -> Bounds | None:
    box = feature.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        return None
    return bounds_of([number for number in box if isinstance(number, int | float)])


def _baseline(item_id: str, said: JsonObject) -> str | None:
    """The processing baseline of the id, which every Sentinel-2 product carries, or of the properties."""
    match = _BASELINE.search(item_id)
    named = f"{match[1]}.{match[2]}" if match else None
    declared = said.get("s2:processing_baseline") or said.get("processing:version")
    if named and declared and str(declared) != named:
        raise ImageryError(
            f"catalog item `{item_id}` is of processing baseline {named} by its name and "
            f"{printable(declared, longest=40)} by its properties, so that its offset is not known; report it to "
            f"the service"
        )
    return named or baseline_of(declared or None)


def _relative_orbit(item_id: str, said: JsonObject, *, is_radar: bool) -> int | None:
    if (orbit := orbit_of(said.get("sat:relative_orbit"))) is not None:
        return orbit
    if not is_radar:
        match = _S2_ORBIT.search(item_id)
        return int(match[1]) if match else None
    match = _S1_ORBIT.match(item_id)
    if match is None or match[1] not in _FIRST_ORBIT:
        return None
    satellite, orbit = match[1], int(match[2])
    is_moved = orbit > _MOVED_AFTER.get(satellite, orbit)
    return (orbit - (_FIRST_ORBIT_MOVED if is_moved else _FIRST_ORBIT)[satellite]) % _ORBITS + 1
