"""A picture as GeoTIFF: its pixels as they are, where they lie, whose data they are, and what they were made from."""

from __future__ import annotations

from rasterio.io import MemoryFile

from aois.grid import Grid
from flows.reports.data.scene_stack import Window
from flows.reports.inputs import Chip

TAGS = {"description": "TIFFTAG_IMAGEDESCRIPTION", "copyright": "TIFFTAG_COPYRIGHT", "software": "TIFFTAG_SOFTWARE"}


def geotiff_bytes(chip: Chip, grid: Grid, window: Window, *, description: str, copyright_line: str) -> bytes:
    """Write a picture cut from a grid as GeoTIFF, one pixel for each of the measurement.

    It holds no time at which it was made. The scenes, bands and limits that it was made from are its metadata.
    """
    height, width = chip.rgb.shape[:2]
    transform = grid.transform @ grid.transform.translation(window[1].start or 0, window[0].start or 0)
    given = {
        "driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "uint8", "photometric": "RGB",
        "crs": f"EPSG:{grid.epsg}", "transform": transform, "compress": "deflate", "zlevel": 9, "interleave": "pixel",
    }  # fmt: skip
    tags = {TAGS["description"]: description, TAGS["copyright"]: copyright_line, TAGS["software"]: "Sitewatch"}
    if chip.recipe is not None:
        tags["SCENES"] = " ".join(chip.recipe.scenes)
        tags["BANDS"] = " ".join(chip.recipe.bands) or "vv vh vv/vh"
        tags["LIMITS"] = " ".join(f"{low:.4f}:{high:.4f}" for low, high in chip.recipe.limits) or "fixed, in dB"
    with MemoryFile() as file:
        with file.open(**given) as opened:
            opened.write(chip.rgb.transpose(2, 0, 1))
            opened.update_tags(**tags)
        return bytes(file.read())
