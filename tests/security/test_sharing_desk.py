"""What a viewer of the desk is given: no picture, no pass, no path; what nobody is given: files that were changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rasterio
from typer.testing import CliRunner

from flows.cli.desk import account_app
from tests.desk.conftest import Served, copied, prepared, serving

__all__ = ["prepared"]  # the fixture: a desk's outputs with people, cases and scenes


@pytest.fixture(scope="module")
def desk(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copied(prepared, tmp_path_factory.mktemp("sharing") / "outputs")) as served:
        yield served


def kept(desk: Served, event_id: str) -> dict[str, Any]:
    """What the desk has prepared of a case."""
    (path,) = desk.outputs.glob(f"desk/cases/*/*/{event_id}.json")
    return dict(json.loads(path.read_text()))


def test_a_viewer_gets_no_picture_by_any_address(desk: Served) -> None:
    names = kept(desk, "ev-a1")["pictures"]
    assert len(names) > 4
    with desk.client("vera") as viewer, desk.client("rita") as reviewer:
        for name in names:
            address = f"/cases/ev-a1/pictures/{name}.webp"
            assert viewer.get(address).status_code == 403
            assert reviewer.get(address).status_code == 200
        for event_id in ("ev-a1", "ev-a2", "ev-b1"):
            page = viewer.get(f"/cases/{event_id}").text
            assert "<img" not in page
            assert 'class="drawn"' in page
        assert "<img" in reviewer.get("/cases/ev-a1").text


def test_a_viewer_reads_no_pass_no_exact_size_and_no_dated_measurement(desk: Served) -> None:
    with desk.client("vera") as viewer, desk.client("rita") as reviewer:
        shown = reviewer.get("/cases/ev-a1").text
        assert re.search(r"sentinel-2_\d{8}T\d{6}", shown), "what is looked for is on the reviewer's page"
        assert "19,200 m²" in shown
        for path in ("/", "/?show=all", "/cases/ev-a1", "/cases/ev-a2", "/precision"):
            page = viewer.get(path).text
            assert not re.search(r"sentinel-\d_|\d{8}T\d{6}|_r\d{1,3}\b|\b[A-Z]{0,1}\d{1,2}:\d{2}:\d{2}", page)
            assert "19,200 m²" not in page
            assert not re.search(r'<path class="(?:inside|outside|joined|band)"', page)
    with desk.client("vera") as viewer:
        assert "as expected" in viewer.get("/cases/ev-a1").text
        viewer.cookies.set("sitewatch_language", "fr")
        assert "comme attendu" in viewer.get("/cases/ev-a1").text


def test_leave_for_coordinates_shows_a_viewer_the_pictures_too(prepared: Path, tmp_path: Path) -> None:
    with serving(copied(prepared, tmp_path / "outputs")) as desk:
        desk.ledger.accounts.change("vera", sees_positions=True)
        with desk.client("vera") as viewer:
            assert viewer.get("/cases/ev-a1/pictures/main-after.webp").status_code == 200
            assert "<img" in viewer.get("/cases/ev-a1").text


def test_a_changed_scene_is_not_drawn_and_the_page_says_so(prepared: Path, tmp_path: Path) -> None:
    with serving(copied(prepared, tmp_path / "outputs")) as desk:
        prepared_case = kept(desk, "ev-a1")["pictures"]["main-after"]
        own = desk.outputs / "archive" / Path(prepared_case["files"][0]).relative_to(prepared / "archive")
        content = mirrored(own)
        own.unlink()  # it is a link to that of other tests
        own.write_bytes(content)
        (path,) = desk.outputs.glob("desk/cases/*/*/ev-a1.json")
        text = path.read_text().replace(str(prepared), str(desk.outputs))
        path.unlink()
        path.write_text(text)
        with desk.client("rita") as reviewer:
            answer = reviewer.get("/cases/ev-a1/pictures/main-after.webp")
            assert answer.status_code == 409
            assert "has changed since it was archived" in answer.text
            page = reviewer.get("/cases/ev-a1").text
            assert "has changed since it was archived" in page
            assert own.name in page
            assert str(desk.outputs) not in page + answer.text
        with desk.client("ada") as admin:
            map_ = admin.get("/areas/heron/map").text
            tile = re.search(r'src="(/tiles/heron/picture/[^"]+)"', map_)
            assert tile is not None
            assert admin.get(tile[1]).status_code in (200, 409)


def mirrored(path: Path) -> bytes:
    """A scene left to right, as a valid file."""
    with rasterio.open(path) as source:
        profile, bands, names = source.profile, source.read(), source.descriptions
    other = path.with_name("mirrored.tif")
    with rasterio.open(other, "w", **profile) as target:
        target.write(bands[:, :, ::-1])
        target.descriptions = names
    content = other.read_bytes()
    other.unlink()
    return content


def test_paths_of_the_machine_reach_nobody(prepared: Path, tmp_path: Path) -> None:
    """A damaged scene, met while a case is prepared, is named without its folders, and to reviewers alone."""
    outputs = copied(prepared, tmp_path / "outputs")
    for scene in outputs.glob("archive/heron/*/*.tif"):
        scene.unlink()
        scene.write_bytes(b"torn")
    for case in outputs.glob("desk/cases/heron/*/*.json"):
        case.unlink()
    for folder in outputs.glob("desk/cases/heron/*"):
        folder.rmdir()
    with serving(outputs) as desk:
        with desk.client("vera") as viewer:
            page = viewer.get("/cases/ev-a1").text
            assert ".tif" not in page
            assert "damaged" not in page
        for name in ("rita", "ada"):
            with desk.client(name) as client:
                page = client.get("/cases/ev-a1").text
                assert "damaged" in page
                assert "sentinel" in page
                for place in (str(outputs), "outputs/", "archive/"):
                    assert place not in page


def test_whoever_makes_an_account_is_told_what_it_shows(desk: Served, prepared: Path, tmp_path: Path) -> None:
    with desk.client("ada") as admin:
        page = admin.get("/accounts").text
        assert "whoever sees them can find each place" in page
        assert "can find the places all the same" in page
    outputs = copied(prepared, tmp_path / "outputs")
    given = ["add", "Nora", "--role", "reviewer", "--password-stdin", "--outputs", str(outputs)]
    answer = CliRunner().invoke(account_app, given, input="five quite long words here\n")
    assert answer.exit_code == 0
    assert "anybody can find the place" in " ".join(answer.output.split()) or "anybody can find" in answer.output
