"""The pixel grid of an area: one for life, in UTM, 10 m, aligned to multiples of 10 m."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaError, AreaKind

PIXEL_SIZE_M = 10
MAX_SIDE_PX = 10_980  # one Sentinel-2 tile: a larger region is drawn as several
UTM_SOUTH, UTM_NORTH = -80.0, 84.0  # degrees: where UTM ends and polar grids begin
NEAR_DATE_LINE = 165.0  # degrees
KM_PER_DEGREE = 111.32  # along the equator; enough for a rough span
SAME_WIDTH = 1e-6  # share of a pixel that going to degrees and back may cost


@dataclass(frozen=True)
class Grid:
    """A north-up raster grid in UTM.

    Attributes
    ----------
    epsg
        EPSG code of its zone: 32601 to 32660 in the north, 32701 to 32760 in the south.
    left, top
        Outer edges of the first pixel, metres east and north in that zone, multiples of `pixel_size_m`.
    width, height
        Columns, which run east, and rows, which run south.
    pixel_size_m
        Side of a pixel, metres.
    """

    epsg: int
    left: int
    top: int
    width: int
    height: int
    pixel_size_m: int = PIXEL_SIZE_M

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns, (height, width)."""
        return self.height, self.width

    @property
    def transform(self) -> Affine:
        """Return the transform from pixel (column, row) to UTM (east, north) in metres."""
        return Affine(self.pixel_size_m, 0, self.left, 0, -self.pixel_size_m, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return left, bottom, right and top, metres in UTM."""
        size = self.pixel_size_m
        return self.left, self.top - self.height * size, self.left + self.width * size, self.top

    @property
    def bounds_lonlat(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north in degrees (EPSG:4326) of a box that holds the whole grid.

        West is the larger number where the grid reaches over the 180° meridian.
        """
        west, south, east, north = _transformer(self.epsg, 4326).transform_bounds(*self.bounds, densify_pts=21)
        return west, south, east, north


@lru_cache(maxsize=256)
def _transformer(source: int, target: int) -> Transformer:
    """Made once for a pair of systems, which takes longer than to use it; pyproj keeps one for each thread."""
    return Transformer.from_crs(source, target, always_xy=True)


def utm_epsg(longitude: float, latitude: float) -> int:
    """Find the UTM zone that holds a point.

    Zones are six degrees wide everywhere: the exceptions of Norway and Svalbard are left out.

    Parameters
    ----------
    longitude
        Degrees, -180 to 180.
    latitude
        Degrees, -80 to 84; from 0 on it is a northern zone.

    Returns
    -------
    int, EPSG code of the zone (WGS 84): 32601 to 32660 or 32701 to 32760.
    """
    zone = min(int((longitude + 180.0) // 6.0) + 1, 60)
    return (32600 if latitude >= 0 else 32700) + zone


def to_utm(geometry: BaseGeometry, epsg: int) -> BaseGeometry:
    """Convert a geometry from longitude and latitude to UTM.

    Parameters
    ----------
    geometry
        Any geometry, (longitude, latitude) in degrees, EPSG:4326.
    epsg
        EPSG code of the UTM zone.

    Returns
    -------
    BaseGeometry of the same kind, (east, north) in metres; not finite far from the zone.
    """
    transformer = _transformer(4326, epsg)
    return shapely.transform(geometry, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def to_lonlat(geometry: BaseGeometry, epsg: int) -> BaseGeometry:
    """Convert a geometry from UTM to longitude and latitude.

    Parameters
    ----------
    geometry
        Any geometry, (east, north) in metres.
    epsg
        EPSG code of the UTM zone that it is in.

    Returns
    -------
    BaseGeometry of the same kind, (longitude, latitude) in degrees, EPSG:4326.
    """
    transformer = _transformer(epsg, 4326)
    return shapely.transform(geometry, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def grid_of(area: Area) -> Grid:
    """Make the pixel grid that holds an area: a site with its margin, a region as drawn.

    The zone is that of the polygon's centroid, so an area across two zones, or across the equator, has one grid.

    Parameters
    ----------
    area
        The area, in longitude and latitude.

    Returns
    -------
    Grid
        The smallest grid of 10 m pixels, aligned to multiples of 10 m, that holds the area; always the same for an
        area.

    Raises
    ------
    AreaError
        When the polygon is empty, lies outside UTM, is narrower than a pixel, is larger than one Sentinel-2 tile
        (109.8 km), or reaches over the 180° meridian.
    """
    refuse_outside_zones(area)
    _refuse_wide(area)
    centre = area.geometry.centroid
    epsg = utm_epsg(centre.x, centre.y)
    ground = to_utm(area.geometry, epsg)
    _refuse_narrow(area, ground)
    margin = area.margin_m if area.kind is AreaKind.SITE else 0.0
    grid = _aligned(ground.bounds, margin, epsg)
    if max(grid.shape) > MAX_SIDE_PX:
        raise _too_large(area, max(grid.shape) * PIXEL_SIZE_M / 1000)
    if _is_near_date_line(area):
        west, _, east, _ = grid.bounds_lonlat
        if west > east:
            raise _over_the_date_line(area)
    return grid


def perimeter_mask(area: Area, grid: Grid, *, buffer_m: float = 0.0) -> npt.NDArray[np.bool_]:
    """Mark the pixels whose centres lie within an area's polygon.

    A polygon hardly wider than a pixel can pass between the centres: its mask is then all False.

    Parameters
    ----------
    area
        The area, in longitude and latitude.
    grid
        The grid to mark on; it need not be the area's own.
    buffer_m
        How far the polygon is widened first, metres; below 0 it is narrowed.

    Returns
    -------
    bool (y, x) on the grid, True inside.
    """
    ground = to_utm(area.geometry, grid.epsg)
    if buffer_m:
        ground = ground.buffer(buffer_m)
    half = grid.pixel_size_m / 2
    x = grid.left + half + grid.pixel_size_m * np.arange(grid.width)
    y = grid.top - half - grid.pixel_size_m * np.arange(grid.height)
    shapely.prepare(ground)
    return np.asarray(shapely.contains_xy(ground, x[np.newaxis, :], y[:, np.newaxis]))


def _aligned(bounds: tuple[float, float, float, float], margin: float, epsg: int) -> Grid:
    """The smallest grid on multiples of 10 m that holds the bounds and a margin around them."""
    west, south, east, north = bounds
    left, bottom = (math.floor((edge - margin) / PIXEL_SIZE_M) * PIXEL_SIZE_M for edge in (west, south))
    right, top = (math.ceil((edge + margin) / PIXEL_SIZE_M) * PIXEL_SIZE_M for edge in (east, north))
    return Grid(epsg, left, top, (right - left) // PIXEL_SIZE_M, (top - bottom) // PIXEL_SIZE_M)


def _is_near_date_line(area: Area) -> bool:
    """True where a grid of one tile could reach over the 180° meridian: at 84° its 110 km are 9.5°."""
    west, _, east, _ = area.geometry.bounds
    return bool(west < -NEAR_DATE_LINE or east > NEAR_DATE_LINE)


def refuse_outside_zones(area: Area) -> None:
    """Refuse what lies in no UTM zone, or on both sides of the 180° meridian.

    Parameters
    ----------
    area
        The area, of any size.

    Raises
    ------
    AreaError
        When the polygon is empty, off the map, nearer a pole than UTM goes, or around the world.
    """
    if area.geometry.is_empty:
        raise AreaError(f"area `{area.id}`: geometry is empty; draw its polygon")
    west, south, east, north = area.geometry.bounds
    if west < -180 or east > 180:
        reach = west if west < -180 else east
        raise AreaError(f"area `{area.id}`: geometry reaches longitude {reach:.2f}°; keep it within -180° to 180°")
    if south < UTM_SOUTH or north > UTM_NORTH:
        reach = south if south < UTM_SOUTH else north
        raise AreaError(
            f"area `{area.id}`: geometry reaches latitude {reach:.2f}°, beyond UTM, which ends at 80° south and "
            f"84° north; leave out what lies nearer the pole"
        )
    if east - west > 180:
        raise _over_the_date_line(area)


def _refuse_wide(area: Area) -> None:
    """Raise `AreaError` for what is measured in degrees: far from its own zone UTM has no finite answer."""
    west, south, east, north = area.geometry.bounds
    middle = math.radians((south + north) / 2)
    span_km = KM_PER_DEGREE * max(north - south, (east - west) * math.cos(middle))
    if span_km > 2 * MAX_SIDE_PX * PIXEL_SIZE_M / 1000:
        raise _too_large(area, span_km)


def _refuse_narrow(area: Area, ground: BaseGeometry) -> None:
    """Raise `AreaError` when a part of the polygon is on average narrower than a pixel."""
    width = min(mean_width_m(part) for part in shapely.get_parts(ground)) / PIXEL_SIZE_M
    if width < 1 - SAME_WIDTH:
        raise AreaError(f"area `{area.id}`: polygon is {width:.2g} px wide at {PIXEL_SIZE_M} m; enlarge it")


def mean_width_m(polygon: BaseGeometry) -> float:
    """Measure the mean width of a polygon: its area over the long side of the box around it.

    Where even the diagonal of its bounds makes it wide enough, that width, which is smaller and quicker to come by.

    Parameters
    ----------
    polygon
        A polygon on the ground, (east, north) in metres.

    Returns
    -------
    float, metres.
    """
    west, south, east, north = polygon.bounds
    if (quick := polygon.area / (math.hypot(east - west, north - south) or math.inf)) >= 2 * PIXEL_SIZE_M:
        return float(quick)
    box = shapely.oriented_envelope(polygon)
    if box.geom_type != "Polygon":
        return 0.0
    corners = shapely.get_coordinates(box)
    long_side = max(math.dist(corners[0], corners[1]), math.dist(corners[1], corners[2]))
    return float(polygon.area / long_side)


def _too_large(area: Area, span_km: float) -> AreaError:
    mend = "draw it as several areas"
    if area.kind is AreaKind.REGION:
        mend += ", or cut it with `sitewatch areas split`"
    return AreaError(
        f"area `{area.id}`: geometry spans {span_km:.0f} km, over one tile of "
        f"{MAX_SIDE_PX * PIXEL_SIZE_M / 1000:.0f} km; {mend}"
    )


def _over_the_date_line(area: Area) -> AreaError:
    return AreaError(
        f"area `{area.id}`: geometry, with its margin, reaches over the 180° meridian; cut it there into two areas, "
        f"or make margin_m smaller"
    )
