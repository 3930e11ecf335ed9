"""A project that QGIS opens with the layers of a pack, their styles and their time; it asks no server for anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import shapely
from lxml import etree
from pyproj import CRS, Transformer
from rasterio.errors import RasterioIOError
from rasterio.io import MemoryFile

from aois.grid import utm_epsg
from flows.publication.formats.balloons import AFTER, is_of_area
from flows.publication.formats.stored_zip import stored_zip
from flows.publication.pack_subject import PackSubject
from flows.reports.layers import LAYER
from flows.reports.qgis_style import (
    COLOURS,
    DOCTYPE,
    HELD,
    PROVISIONAL,
    VERSION,
    Names,
    event_style_parts,
    site_style_parts,
)
from flows.reports.words import Words, brief, printable

NAME = "sitewatch.qgs"
SITES = "sites"
ID_START = "sitewatch_"  # QGIS gives another id to a layer whose id has ten letters or fewer
WEB_MERCATOR, DEGREES = 3857, 4326
ROOM_AROUND = 0.15  # of the larger side
LEAST_ROOM_M = 200.0
RASTERS = (".tif", ".tiff")


@dataclass(frozen=True)
class ProjectLayer:
    """A layer of the project: an element of the list of layers, and a leaf of the tree.

    Attributes
    ----------
    layer_id
        Its id, the same in both.
    name
        What the tree calls it.
    source
        The file, by a path that is relative to the project, and what QGIS needs to find the layer in it.
    provider
        ``ogr`` or ``gdal``.
    epsg
        Its coordinate system.
    parts
        Elements that say how it is drawn.
    is_shown
        Whether it is drawn when the project is opened.
    """

    layer_id: str
    name: str
    source: str
    provider: str
    epsg: int
    parts: tuple[str, ...]
    is_shown: bool = True


def qgis_project(
    subjects: Sequence[PackSubject], *, geopackage: str, words: Words, attribution: str, pictures: Mapping[str, bytes]
) -> bytes:
    """Write a project (``.qgz``) that lies beside the GeoPackage and the GeoTIFFs of a pack and shows them.

    Parameters
    ----------
    subjects
        The places and their events; their days are the time of the project.
    geopackage
        The path of the GeoPackage within the pack; the project lies in the same folder.
    words
        The language of the names.
    attribution
        Where the pictures come from.
    pictures
        The files of the pack, by their paths; GeoTIFFs of the subjects' areas become layers below the events.

    Returns
    -------
    bytes
        The same inputs give the same bytes.
    """
    epsg = _common_system(subjects)
    rasters = _rasters(subjects, pictures)
    vectors = [
        ProjectLayer(
            ID_START + LAYER,
            words("formats.layer_events"),
            f"./{geopackage}|layername={LAYER}",
            "ogr",
            DEGREES,
            event_style_parts(legend_names(words)),
        ),
        ProjectLayer(
            ID_START + SITES,
            words("formats.layer_sites"),
            f"./{geopackage}|layername={SITES}",
            "ogr",
            DEGREES,
            site_style_parts(),
        ),
    ]
    root = etree.Element("qgis", version=VERSION, projectname=words("formats.title"))
    _put(root, "title", words("formats.title"))
    _put(root, "projectCrs").append(_system(epsg))
    root.append(_tree(vectors, rasters, words))
    layers = _put(root, "projectlayers")
    layers.extend(_layer(one, attribution) for one in (*vectors, *rasters))
    order = _put(root, "layerorder")
    for one in (*vectors, *rasters):
        _put(order, "layer", id=one.layer_id)
    root.append(_canvas(subjects, epsg))
    root.append(_metadata(words, attribution))
    root.append(_properties(attribution))
    root.append(_time(subjects))
    etree.indent(root)
    text = etree.tostring(root, encoding="unicode")
    return stored_zip({NAME: f"{DOCTYPE}\n{text}\n".encode()})


def legend_names(words: Words) -> Names:
    """Say what the legend calls each kind of change, held or provisional."""
    held = {(change, HELD): words(f"change.{change}") for change in COLOURS}
    waiting = words("state.provisional")
    return held | {(change, PROVISIONAL): f"{name}, {waiting}" for (change, _), name in held.items()}


def _common_system(subjects: Sequence[PackSubject]) -> int:
    """The UTM zone of the places, or the system of web maps where they lie in several."""
    middles = [subject.area.geometry.centroid for subject in subjects]
    zones = {utm_epsg(middle.x, middle.y) for middle in middles}
    return zones.pop() if len(zones) == 1 else WEB_MERCATOR


def _rasters(subjects: Sequence[PackSubject], pictures: Mapping[str, bytes]) -> list[ProjectLayer]:
    """The GeoTIFFs of the pack in the order of their paths; the one that is shown of each folder lies above."""
    paths = [
        path
        for path in sorted(pictures)
        if path.endswith(RASTERS) and any(is_of_area(path, subject.area.id) for subject in subjects)
    ]
    shown = {path.rpartition("/")[0]: path for path in sorted(paths, key=_worth)}
    made = (
        _raster(number, path, pictures[path], is_shown=path in shown.values()) for number, path in enumerate(paths, 1)
    )
    return sorted((one for one in made if one is not None), key=lambda one: not one.is_shown)


def _worth(path: str) -> tuple[bool, bool]:
    """What people look for first: the picture from after the change, in true colour."""
    return AFTER in path, "true-colour" in path


def _raster(number: int, path: str, content: bytes, *, is_shown: bool) -> ProjectLayer | None:
    """None for a TIFF without a place, which is no layer of a map."""
    try:
        with MemoryFile(content) as held, held.open() as opened:
            epsg = None if opened.crs is None else opened.crs.to_epsg()
            bands, is_drawn = opened.count, opened.dtypes[0] == "uint8"
    except RasterioIOError:
        return None
    if epsg is None:
        return None
    name = path.rpartition(".")[0]
    parts = (_pipe(bands, is_drawn=is_drawn),)
    return ProjectLayer(
        f"{ID_START}picture_{number:03d}", name, f"./{path}", "gdal", epsg, parts, is_shown="after" in name
    )


def _pipe(bands: int, *, is_drawn: bool) -> str:
    """How a picture is drawn: as it is where it was drawn already, else each band between its ends."""
    stretch = "NoEnhancement" if is_drawn else "StretchToMinimumMaximum"
    limits = f"<minMaxOrigin><limits>{'None' if is_drawn else 'CumulativeCut'}</limits><extent>WholeRaster</extent>"
    limits += "<statAccuracy>Exact</statAccuracy><cumulativeCutLower>0.02</cumulativeCutLower>"
    limits += "<cumulativeCutUpper>0.98</cumulativeCutUpper><stdDevFactor>2</stdDevFactor></minMaxOrigin>"
    if bands < 3:
        drawn = (
            f'<rasterrenderer type="singlebandgray" grayBand="1" opacity="1" gradient="BlackToWhite">{limits}'
            f"<contrastEnhancement><algorithm>{stretch}</algorithm></contrastEnhancement></rasterrenderer>"
        )
    else:
        drawn = (
            '<rasterrenderer type="multibandcolor" redBand="1" greenBand="2" blueBand="3" opacity="1" '
            f'alphaBand="{4 if bands == 4 and is_drawn else -1}">{limits}</rasterrenderer>'
        )
    return f"<pipe>{drawn}</pipe>"


def _tree(vectors: Sequence[ProjectLayer], rasters: Sequence[ProjectLayer], words: Words) -> etree._Element:
    tree = etree.Element("layer-tree-group")
    for one in vectors:
        tree.append(_leaf(one))
    if rasters:
        name = words("formats.layer_pictures")
        group = _put(tree, "layer-tree-group", name=name, checked="Qt::Checked", expanded="1")
        group.extend(_leaf(one) for one in rasters)
    return tree


def _leaf(layer: ProjectLayer) -> etree._Element:
    shown = "Qt::Checked" if layer.is_shown else "Qt::Unchecked"
    return etree.Element(
        "layer-tree-layer",
        id=layer.layer_id,
        name=_line(layer.name),
        source=layer.source,
        providerKey=layer.provider,
        checked=shown,
        expanded="1",
    )


def _layer(layer: ProjectLayer, attribution: str) -> etree._Element:
    is_vector = layer.provider == "ogr"
    made = etree.Element("maplayer", type="vector" if is_vector else "raster")
    if is_vector:
        made.attrib.update({"geometry": "Polygon", "wkbType": "MultiPolygon", "labelsEnabled": "1"})
    _put(made, "id", layer.layer_id)
    _put(made, "datasource", layer.source)
    _put(made, "layername", _line(layer.name))
    _put(made, "attribution", attribution)
    _put(made, "srs").append(_system(layer.epsg))
    provider = _put(made, "provider", layer.provider)
    if is_vector:
        provider.set("encoding", "UTF-8")
    made.extend(etree.fromstring(part) for part in layer.parts)
    return made


def _system(epsg: int) -> etree._Element:
    system = etree.Element("spatialrefsys")
    _put(system, "wkt", CRS.from_epsg(epsg).to_wkt())  # QGIS believes the name alone only beside a number of its own
    _put(system, "authid", f"EPSG:{epsg}")
    return system


def _canvas(subjects: Sequence[PackSubject], epsg: int) -> etree._Element:
    """The piece of ground that is shown first: all places with some room around them."""
    to_map = Transformer.from_crs(DEGREES, epsg, always_xy=True)
    shapes = [subject.area.geometry for subject in subjects]
    shapes += [event.ground for subject in subjects for event in subject.events]
    west, south, east, north = to_map.transform_bounds(*shapely.total_bounds(shapes))
    room = max(LEAST_ROOM_M, ROOM_AROUND * max(east - west, north - south))
    canvas = etree.Element("mapcanvas", name="theMapCanvas")
    _put(canvas, "units", "meters")
    extent = _put(canvas, "extent")
    ends = {"xmin": west - room, "ymin": south - room, "xmax": east + room, "ymax": north + room}
    for name, value in ends.items():
        _put(extent, name, f"{value:.2f}")
    _put(canvas, "rotation", "0")
    _put(canvas, "destinationsrs").append(_system(epsg))
    return canvas


def _metadata(words: Words, attribution: str) -> etree._Element:
    told = etree.Element("projectMetadata")
    _put(told, "language", words.lang)
    _put(told, "type", "dataset")
    _put(told, "title", words("formats.title"))
    _put(told, "abstract", f"{words('formats.restricted')} {words('formats.care')} {attribution}")
    return told


def _properties(attribution: str) -> etree._Element:
    """A system of its own, paths that stay right when the folder is moved, and on the map its source and a scale."""
    properties = etree.Element("properties")
    _put(_put(properties, "SpatialRefSys"), "ProjectionsEnabled", "1", type="int")
    _put(_put(properties, "Paths"), "Absolute", "false", type="bool")
    label = _put(properties, "CopyrightLabel")
    _put(label, "Enabled", "true", type="bool")
    _put(label, "Label", attribution, type="QString")
    _put(_put(properties, "ScaleBar"), "Enabled", "true", type="bool")
    return properties


def _time(subjects: Iterable[PackSubject]) -> etree._Element:
    """A month a step, from the first day of the pack to the day after its last."""
    days = [day for subject in subjects for day in (subject.first, subject.until)]
    settings = etree.Element("ProjectTimeSettings", timeStep="1", timeStepUnit="mon", frameRate="1")
    settings.set("cumulativeTemporalRange", "1")
    span = _put(settings, "TemporalRange")
    _put(span, "start", f"{min(days)}T00:00:00Z")
    _put(span, "end", f"{max(days) + timedelta(days=1)}T00:00:00Z")
    return settings


def _line(text: str) -> str:
    return brief(printable(text).replace("\n", " "))


def _put(parent: etree._Element, tag: str, text: str = "", /, **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, tag, **attributes)
    if text:
        child.text = printable(text)
    return child
