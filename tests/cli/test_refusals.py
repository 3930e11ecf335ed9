"""What the command line answers before anything is done: one message, and exit status 2."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind, Sensitivity
from aois.demonstration import DEMONSTRATION_IDS
from aois.reading import to_feature_collection


@pytest.fixture
def areas(tmp_path, made):
    return made.write_list(tmp_path / "areas.geojson", [made.site("pier-1"), made.site("pier-2", east_m=5_000)])


@pytest.fixture
def refuse(call, tmp_path):
    """Calls the command line, which must refuse; the one message."""

    def refuse(*arguments: object, **environment: str) -> str:
        said = call(*arguments, cwd=tmp_path, **environment)
        assert said.status == 2, said
        assert said.out == ""
        assert said.err.startswith("error: ")
        assert "Traceback" not in said.err
        return said.err.removeprefix("error: ").strip()

    return refuse


WRONG_WATCHES = {
    "no date": (["--since", "yesterday"], "--since `yesterday` is not a date; write it as 2026-11-22"),
    "no such day": (["--until", "2024-02-30"], "--until `2024-02-30` is not a date; write it as 2026-11-22"),
    "since after until": (
        ["--since", "2024-06-30", "--until", "2024-06-01"],
        "--since 2024-06-30 lies after the end of the run, 2024-06-01; swap or correct the dates",
    ),
    "until in the future": (
        ["--until", "2999-01-01"],
        "--until 2999-01-01 lies in the future; leave it out for the latest complete week",
    ),
    "unknown area": (["--area", "pier-9"], "area `pier-9` is not in the list; it holds pier-1, pier-2"),
    "catalog not there": (
        ["--source", "stac", "--catalog", "nowhere/catalog.json"],
        "catalog `nowhere/catalog.json` is not a file; name its catalog.json, an address, or one of "
        "earth-search, earth-search-c1, planetary-computer, planetary-computer-rtc, cdse-stac",
    ),
    "catalog for the simulated source": (
        ["--catalog", "catalog.json"],
        "catalog `catalog.json` is read only by the source `stac`; add --source stac, or leave it out",
    ),
}


@pytest.mark.parametrize(("options", "message"), WRONG_WATCHES.values(), ids=WRONG_WATCHES)
def test_a_wrong_watch_is_refused(refuse, areas, options, message):
    assert refuse("watch", "--areas", areas, *options) == message


def test_a_search_is_for_regions_of_the_list(refuse, areas):
    message = "the list holds no region to search; add an area with `kind` region"
    assert refuse("search", "--areas", areas) == message
    message = "area `pier-2` is a site; `sitewatch watch` watches it, a search is for regions"
    assert refuse("search", "pier-2", "--areas", areas) == message


def test_made_up_pictures_of_a_list_of_ones_own_must_be_asked_for(refuse, areas):
    """Else a forgotten --source would raise invented alerts about a real place."""
    message = refuse("watch", "--areas", areas, source=None)
    assert message.startswith(f"list `{areas}` is not the demonstration's, and no source of imagery is named")
    assert message.endswith("add --source stac for real pictures, or --source simulated for made-up ones")


def test_a_key_in_the_address_of_a_catalog_is_told_to_nobody(call, areas, tmp_path, unused_port, prefect_server):
    address = f"http://bob:hunter2@127.0.0.1:{unused_port}/catalog.json?api_key=sesame9"
    said = call("watch", "--areas", areas, "--source", "stac", "--catalog", address, cwd=tmp_path)
    assert said.status == 1, said
    assert f"catalog `http://127.0.0.1:{unused_port}/catalog.json` cannot be read" in said.out
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    prefect = [path.read_bytes() for path in Path(os.environ["PREFECT_HOME"]).rglob("*.db*")]
    for secret in ("hunter2", "sesame9"):
        assert secret not in said.out + said.err
        assert not any(secret.encode() in content for content in written + prefect)


def test_the_demonstration_is_not_asked_of_a_satellite(refuse, tmp_path):
    message = refuse("watch", "--source", "stac", "--catalog", tmp_path)
    assert message.startswith(f"area `{min(DEMONSTRATION_IDS)}` belongs to the fictional demonstration")
    assert message.endswith("give your own list with --areas FILE, or use --source simulated")


def test_a_source_that_there_is_not_is_refused_with_those_there_are(call, tmp_path):
    said = call("watch", "--source", "landsat", cwd=tmp_path)
    assert said.status == 2
    assert "landsat" in said.err
    assert "simulated" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"source": "landsat"}, "setting `source`: Input should be 'simulated', 'stac' or 'sentinelhub'"),
        ({"history_days": "-1"}, "setting `history_days`: Input should be greater than or equal to 0"),
        ({"workers": "many", "seed": "x"}, "setting `workers`: Input should be a valid integer"),
        ({"ledger_url": "nonsense"}, "the ledger's URL cannot be read"),
        ({"archive_url": "outputs/archive"}, "archive `outputs/archive` is not an object store; write it as s3://"),
    ],
)
def test_wrong_settings_are_named(refuse, environment, message):
    assert refuse("watch", **environment).startswith(message)


def test_no_secret_of_the_settings_is_repeated(refuse):
    message = refuse("watch", ledger_url="nosuchbase://watcher:hunter2@127.0.0.1/x")
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory); check the path"),
        ("{", "not JSON at line 1, column 2"),
        ('{"type": "FeatureCollection", "features": []}', "has no features; add at least one area"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused(refuse, tmp_path, content, message):
    path = tmp_path / "list [new].geojson"
    if content is not None:
        path.write_text(content)
    for command in (["watch", "--areas", path], ["areas", "check", path], ["areas", "list", "--areas", path]):
        said = refuse(*command)
        assert said.startswith(f"{path}: ")
        assert message in said


def test_outputs_that_cannot_be_written_are_refused(refuse, areas, tmp_path):
    (tmp_path / "taken").write_text("a file")
    for outputs in ("taken", "taken/below"):
        message = refuse("watch", "--areas", areas, "--outputs", outputs)
        assert message.startswith(f"outputs `{outputs}` cannot be written: ")
        assert message.endswith("name another folder with --outputs")


@pytest.mark.parametrize(
    "command",
    [
        ["report"],
        ["alerts", "list"],
        ["alerts", "show", "al-0123456789ab"],
        ["alerts", "acknowledge", "al-0123456789ab", "--by", "Anna"],
        ["alerts", "judge", "al-0123456789ab", "confirmed", "--by", "Anna"],
        ["alerts", "precision"],
        ["alerts", "outbox"],
        ["alerts", "answer"],
        ["alerts", "deliver"],
        ["ledger", "backup", "ledger.backup"],
        ["rerun", "pier-1", "--areas", "areas.geojson"],
    ],
    ids=" ".join,
)
def test_nothing_can_be_asked_of_a_record_that_there_is_not(refuse, areas, tmp_path, command):
    message = "no ledger in `outputs`; run `sitewatch watch` first or name the folder with --outputs"
    assert refuse(*command) == message
    assert not (tmp_path / "outputs").exists()


def test_a_list_is_checked_and_listed_without_coordinates(call, areas, tmp_path):
    checked = call("areas", "check", areas, cwd=tmp_path)
    assert (checked.status, checked.err) == (0, "")
    assert "2 sites and 0 regions, nothing to mend" in checked.out
    listed = call("areas", "list", "--areas", areas, cwd=tmp_path)
    assert [line.split()[:2] for line in listed.out.splitlines()] == [["pier-1", "site"], ["pier-2", "site"]]
    demonstration = call("areas", "list", cwd=tmp_path)
    assert [line.split()[0] for line in demonstration.out.splitlines()] == list(DEMONSTRATION_IDS)


def test_regions_of_a_list_are_cut_into_parts(call, refuse, tmp_path):
    areas = [
        Area("gulf", AreaKind.REGION, box(103.0, 8.0, 105.0, 8.2), sensitivity=Sensitivity.PUBLIC),
        Area("pier", AreaKind.SITE, box(102.0, 8.0, 102.01, 8.01)),
    ]
    (tmp_path / "province.geojson").write_text(json.dumps(to_feature_collection(areas)))
    assert "cut it with `sitewatch areas split`" in refuse("areas", "check", "province.geojson")
    said = call("areas", "split", "province.geojson", "--to", "parts.geojson", "--side-km", "25", cwd=tmp_path)
    assert (said.status, said.err) == (0, "")
    assert "gulf: 9 parts" in said.out
    assert "10 areas written to parts.geojson" in said.out
    parts = json.loads((tmp_path / "parts.geojson").read_text())["features"]
    assert [one["id"] for one in parts] == [*(f"gulf-{n}" for n in range(1, 10)), "pier"]
    assert {one["properties"]["sensitivity"] for one in parts[:9]} == {"public"}
    assert call("areas", "check", "parts.geojson", cwd=tmp_path).status == 0
    assert "exists and is not overwritten" in refuse("areas", "split", "province.geojson", "--to", "parts.geojson")
    assert "choose 2 to 100 km" in refuse("areas", "split", "province.geojson", "--to", "x.geojson", "--side-km", "1")
    taken = [*areas, Area("gulf-3", AreaKind.SITE, box(101.0, 8.0, 101.01, 8.01))]
    (tmp_path / "province.geojson").write_text(json.dumps(to_feature_collection(taken)))
    said = refuse("areas", "split", "province.geojson", "--to", "x.geojson")
    assert said == "area `gulf` would be cut into `gulf-3`, an id of the list; rename one of them"


def test_the_owner_is_told_how_parts_of_a_restricted_region_count(call, tmp_path):
    areas = [Area("gulf", AreaKind.REGION, box(103.0, 8.0, 103.5, 8.2))]
    (tmp_path / "province.geojson").write_text(json.dumps(to_feature_collection(areas)))
    said = call("areas", "split", "province.geojson", "--to", "parts.geojson", cwd=tmp_path)
    assert "gulf: 6 parts, each a restricted place of its own in the totals of the public edition" in said.out


def test_a_list_is_imported_once_and_not_over_another(call, refuse, tmp_path):
    (tmp_path / "places.csv").write_text("name,lon,lat\nOuter Pier,3.5,1.5\n")
    said = call("areas", "import", "places.csv", cwd=tmp_path)
    assert (said.status, said.err) == (0, "")
    assert "1 areas written to places.sitewatch.geojson" in said.out
    written = tmp_path / "places.sitewatch.geojson"
    assert json.loads(written.read_text())["features"][0]["id"] == "outer-pier"
    assert written.stat().st_mode & 0o077 == 0
    assert call("areas", "check", written, cwd=tmp_path).status == 0
    before = written.read_bytes()
    assert "exists and is not overwritten" in refuse("areas", "import", "places.csv")
    assert "cannot be written" in refuse("areas", "import", "places.csv", "--to", "nowhere/list.geojson")
    assert written.read_bytes() == before
