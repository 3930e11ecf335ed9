"""The QGIS project: whole, with relative files that are there; where QGIS is on the machine, it is opened and drawn."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import format_subjects
import numpy as np
import pytest
from format_subjects import EPSG, SHOAL, Made
from lxml import etree
from PIL import Image

CHILD = Path(__file__).parents[1] / "helpers" / "qgis_child.py"
PYTHON = "/usr/bin/python3"
ALONE = {"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin"}


@cache
def has_qgis() -> bool:
    """Whether Debian's Python knows QGIS."""
    try:
        return subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, env=ALONE).returncode == 0
    except OSError:
        return False


needs_qgis = pytest.mark.skipif(not has_qgis(), reason="needs QGIS: apt-get install python3-qgis")

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with format_subjects.opened(tmp_path_factory.mktemp("qgis") / "outputs") as made:
        yield made


@pytest.fixture(scope="module")
def pack(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack as somebody unpacks it."""
    folder = tmp_path_factory.mktemp("pack")
    for path, content in (made.files() | made.pictures).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def project(pack: Path) -> etree._Element:
    with zipfile.ZipFile(pack / "sitewatch.qgz") as archive:
        assert archive.namelist() == ["sitewatch.qgs"]
        return etree.fromstring(archive.read("sitewatch.qgs"))


def test_every_layer_is_in_the_tree_and_its_file_in_the_pack(project: etree._Element, pack: Path) -> None:
    layers = {one.findtext("id"): one for one in project.iterfind("projectlayers/maplayer")}
    leaves = {one.get("id"): one for one in project.iter("layer-tree-layer")}
    assert list(leaves) == list(layers) == [one.get("id") for one in project.iterfind("layerorder/layer")]
    assert list(layers) == ["sitewatch_events", "sitewatch_sites", "sitewatch_picture_002", "sitewatch_picture_003"]
    for name, layer in layers.items():
        source = layer.findtext("datasource")
        assert source.startswith("./")
        assert (pack / source.partition("|")[0]).is_file()
        assert (leaves[name].get("source"), leaves[name].get("providerKey")) == (source, layer.findtext("provider"))
    assert project.findtext("properties/Paths/Absolute") == "false"


def test_the_picture_from_before_is_there_but_not_shown_first(project: etree._Element) -> None:
    shown = {one.get("source"): one.get("checked") for one in project.iter("layer-tree-layer")}
    folder = f"./{SHOAL}/ev-construction-confirmed"
    assert shown[f"{folder}/true-colour-after.tif"] == "Qt::Checked"
    assert shown[f"{folder}/true-colour-before.tif"] == "Qt::Unchecked"


def test_it_asks_no_server_for_anything(project: etree._Element) -> None:
    assert re.findall(r"https?://", etree.tostring(project, encoding="unicode")) == []


def test_it_begins_at_the_places_and_with_their_days(project: etree._Element) -> None:
    ends = {one.tag: float(one.text) for one in project.find("mapcanvas/extent")}
    assert ends["xmin"] < ends["xmax"]
    assert ends["ymin"] < 110_568 < ends["ymax"]  # the shoal, metres north
    assert project.findtext("ProjectTimeSettings/TemporalRange/start") == "2026-09-07T00:00:00Z"
    assert project.findtext("ProjectTimeSettings/TemporalRange/end") == "2026-09-28T00:00:00Z"


@needs_qgis
def test_qgis_opens_and_draws_it(pack: Path, tmp_path: Path) -> None:
    picture = tmp_path / "map.png"
    said = opened_in_qgis(pack, picture)
    assert (said["read"], said["error"], said["errors"]) == (True, "", [])
    assert said["crs"] == f"EPSG:{EPSG}"
    assert said["time"] == ["2026-09-07T00:00:00Z", "2026-09-28T00:00:00Z"]
    layers = said["layers"]
    assert [layers[name]["valid"] for name in layers] == [True] * 4
    events = layers["sitewatch_events"]
    assert (events["features"], events["labels"], events["temporal"]) == (8, True, True)
    assert events["legend"][:2] == ["Construction", "Construction, provisional"]
    assert layers["sitewatch_picture_002"]["crs"] == f"EPSG:{EPSG}"
    assert len(np.unique(np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3), axis=0)) > 20


@needs_qgis
def test_qgis_shows_an_event_from_its_first_day_on(pack: Path, tmp_path: Path) -> None:
    for day in ("2026-09-09", "2026-09-11"):
        opened_in_qgis(pack, tmp_path / f"{day}.png", day)
    early, late = (np.asarray(Image.open(tmp_path / f"{day}.png")) for day in ("2026-09-09", "2026-09-11"))
    assert (early != late).any()


def opened_in_qgis(pack: Path, picture: Path, *day: str) -> dict[str, Any]:
    """What QGIS makes of the project."""
    command = [PYTHON, str(CHILD), str(pack / "sitewatch.qgz"), str(picture), *day]
    done = subprocess.run(command, capture_output=True, text=True, env=ALONE, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
