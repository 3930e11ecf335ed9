"""Open a project in QGIS, draw it, and print what QGIS made of it as JSON; run by the Python that QGIS was built for.

QT_QPA_PLATFORM=offscreen /usr/bin/python3 tests/helpers/qgis_child.py PROJECT.qgz PICTURE.png [DAY]
"""

from __future__ import annotations

import json
import sys
import zipfile
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsDateTimeRange,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt
from qgis.PyQt.QtXml import QDomDocument

WIDTH, HEIGHT = 1200, 900


def main(path: str, picture: str, day: str = "") -> None:
    """Open, draw, tell; with a day the map is drawn as it was at its end."""
    QgsApplication.setPrefixPath("/usr", True)
    app = QgsApplication([], False)
    app.initQgis()
    project = QgsProject.instance()
    is_read = project.read(path)
    layers = {one.id(): told(one) for one in project.mapLayers().values()}
    shown = [one.layer() for one in project.layerTreeRoot().findLayers() if one.isVisible()]
    settings = QgsMapSettings()
    settings.setLayers(shown)
    settings.setDestinationCrs(project.crs())
    settings.setExtent(extent_of(project))
    settings.setOutputSize(QSize(WIDTH, HEIGHT))
    if day:
        end = QDateTime.fromString(f"{day}T23:59:59Z", Qt.ISODate)
        settings.setIsTemporal(True)
        settings.setTemporalRange(QgsDateTimeRange(project.timeSettings().temporalRange().begin(), end))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(picture)
    time = project.timeSettings().temporalRange()
    print(
        json.dumps(
            {
                "read": is_read,
                "error": project.error(),
                "title": project.title(),
                "crs": project.crs().authid(),
                "time": [time.begin().toString(Qt.ISODate), time.end().toString(Qt.ISODate)],
                "tree": [one.name() for one in project.layerTreeRoot().findLayers()],
                "layers": layers,
                "errors": [error.message for error in job.errors()],
            }
        )
    )
    app.exitQgis()


def extent_of(project: QgsProject) -> Any:
    """The ground that the project says is shown first."""
    with zipfile.ZipFile(project.fileName()) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".qgs"))
        document = QDomDocument()
        document.setContent(archive.read(name).decode())
    settings = QgsMapSettings()
    settings.readXml(document.elementsByTagName("mapcanvas").at(0))
    return settings.extent()


def told(layer: Any) -> dict[str, object]:
    """What QGIS knows of a layer."""
    said: dict[str, object] = {"valid": layer.isValid(), "crs": layer.crs().authid(), "name": layer.name()}
    said["temporal"] = layer.temporalProperties().isActive()
    if isinstance(layer, QgsVectorLayer):
        said |= {"features": layer.featureCount(), "labels": layer.labelsEnabled(), "renderer": layer.renderer().type()}
        said["legend"] = [item.label() for item in layer.renderer().legendSymbolItems()]
    return said


if __name__ == "__main__":
    main(*sys.argv[1:])
