"""What operators and admins see and do: runs, reruns, maps, accounts, and the trail of what was done."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from morecantile import TileMatrixSet, tms
from starlette.exceptions import HTTPException

from flows.desk.access import Role
from flows.desk.desk_templates import DeskTemplates, account_of
from flows.desk.drawing import TILE_PX, drawn_tile
from flows.desk.errors import DeskError
from flows.desk.inputs import Desk
from flows.printable import printable

LAYERS = ("picture", "change", "score")
MOST_TILES = 4  # a side of the map
DEEPEST = 16  # about 2.4 m an element at the equator: the pixels are 10 m, and seen to be squares
MERCATOR: TileMatrixSet = tms.get("WebMercatorQuad")
MOST_RUNS, MOST_ACTS = 50, 200
PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def add_operating(app: FastAPI, desk: Desk, pages: DeskTemplates) -> None:
    """The routes of operators and admins."""
    _add_maps(app, desk, pages)

    @app.get("/runs")
    def show_runs(request: Request) -> Response:
        """Runs, their failures, and reruns."""
        reruns = desk.operations.reruns()
        going = {rerun.area_id for rerun in reruns if rerun.status is None}
        return pages.show(
            request,
            "runs.html",
            runs=desk.operations.runs(MOST_RUNS),
            reruns=reruns,
            going=going,
            areas=desk.operations.areas(),
        )

    @app.post("/areas/{area_id}/reruns")
    def rerun(request: Request, area_id: str) -> Response:
        """A rerun of the area has begun."""
        account, now = account_of(request), desk.clock()
        desk.operations.rerun(area_id, by=account.name, at=now)
        desk.accounts.note("rerun", by=account.number, subject=area_id, at=now)
        return RedirectResponse("/runs", status_code=303)

    @app.get("/accounts")
    def show_accounts(request: Request) -> Response:
        """Who may use the desk."""
        return pages.show(request, "accounts.html", accounts=desk.accounts.all(), roles=list(Role))

    @app.post("/accounts/{name}")
    def change(request: Request, name: str) -> Response:
        """The account is changed; an admin's own is changed by the command line, so that one admin always is left."""
        given, own, found = request.state.form, account_of(request), desk.accounts.find(name)
        if found is None:
            short = printable(name, longest=64)
            raise DeskError(f"account `{short}` is not there", key="complaint.no_account", name=short)
        if found.number == own.number:
            raise DeskError(f"account `{found.name}` is your own; change it by the command line", key="accounts.own")
        if given.get("close"):
            desk.accounts.change(found.name, closed_at=desk.clock(), always_one=Role.ADMIN)
            detail = "closed"
        elif given.get("role") in list(Role):
            positions = given.get("positions") == "1"
            desk.accounts.change(found.name, role=given["role"], sees_positions=positions, always_one=Role.ADMIN)
            detail = f"{given['role']}, positions {'shown' if positions else 'hidden'}"
        else:
            role = given.get("role", "")[:20]
            raise DeskError(f"unknown role `{role}`; use one of {', '.join(Role)}", key="complaint.no_role", role=role)
        desk.accounts.note("account", by=own.number, subject=found.name, detail=detail, at=desk.clock())
        return RedirectResponse("/accounts", status_code=303)

    @app.get("/acts")
    def show_acts(request: Request) -> Response:
        """What everybody did, newest first."""
        return pages.show(request, "acts.html", acts=desk.accounts.acts(limit=MOST_ACTS), most=MOST_ACTS)


def _add_maps(app: FastAPI, desk: Desk, pages: DeskTemplates) -> None:
    @app.get("/areas/{area_id}/map")
    def show_map(request: Request, area_id: str) -> Response:
        """An area as tiles, in one of its layers."""
        bounds = desk.evidence.bounds(area_id)
        if bounds is None:
            raise HTTPException(404)
        layer = request.query_params.get("layer", "")
        chosen = layer if layer in LAYERS else LAYERS[0]
        zoom, rows = _tiles(bounds)
        return pages.show(
            request,
            "map.html",
            zoom=zoom,
            rows=rows,
            size=TILE_PX,
            area_id=area_id,
            bounds=bounds,
            layer=chosen,
            layers=LAYERS,
        )

    @app.get("/tiles/{area_id}/{layer}/{z}/{x}/{y}.png")
    def show_tile(area_id: str, layer: str, z: int, x: int, y: int) -> Response:
        """One tile."""
        found = desk.evidence.layer(area_id, layer) if PLAIN.fullmatch(area_id) and layer in LAYERS else None
        side = 2**z if 0 <= z <= DEEPEST + 3 else 0
        if found is None or not (0 <= x < side and 0 <= y < side):
            raise HTTPException(404)
        return Response(drawn_tile(found, x, y, z), media_type="image/png")


def _tiles(bounds: tuple[float, float, float, float]) -> tuple[int, Sequence[Sequence[tuple[int, int]]]]:
    """The deepest zoom at which few tiles hold the area, and those tiles by row."""
    for zoom in range(DEEPEST, -1, -1):
        tiles = list(MERCATOR.tiles(*bounds, zooms=[zoom]))
        columns, rows = sorted({t.x for t in tiles}), sorted({t.y for t in tiles})
        if max(len(columns), len(rows)) <= MOST_TILES:
            return zoom, [[(x, y) for x in columns] for y in rows]
    return 0, [[(0, 0)]]
