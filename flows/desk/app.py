"""The desk as a web app."""

from __future__ import annotations

from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from flows.desk.cases import add_cases
from flows.desk.cookies import LANGUAGE_COOKIE, set_cookie
from flows.desk.desk_templates import DeskTemplates
from flows.desk.errors import DeskError
from flows.desk.failures import Failures, log_failure
from flows.desk.guard import LoginNeeded, check, inside, to_login
from flows.desk.hashing import HashingQueue
from flows.desk.headers import Headers
from flows.desk.incident_pages import add_incidents
from flows.desk.inputs import Desk
from flows.desk.login import add_login
from flows.desk.operating import add_operating
from flows.desk.own_password import add_own_password
from flows.desk.pack_pages import add_packs
from flows.desk.queue import Queue
from flows.desk.quiet import add_quiet_places
from flows.desk.site_pages import add_sites

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
REFUSALS = {400: "unreadable", 401: "login", 404: "missing", 405: "missing", 413: "long"}


def desk_app(desk: Desk) -> FastAPI:
    """The review desk over what it is given; every route is guarded by the table in `access`."""

    async def guard(request: Request) -> None:
        await check(request, desk)

    app = FastAPI(
        title="Sitewatch",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(guard)],
    )
    pages, queue, hashing = DeskTemplates(desk), Queue(desk.reviews, desk.incidents, desk.references), HashingQueue()
    app.add_middleware(Failures, pages=pages)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(desk.hosts), www_redirect=False)
    app.add_middleware(Headers)
    add_login(app, desk, pages, hashing)
    add_own_password(app, desk, pages, hashing)
    add_cases(app, desk, pages, queue)
    add_incidents(app, desk, pages, queue)
    add_quiet_places(app, desk, pages)
    add_sites(app, desk, pages)
    add_packs(app, desk, pages)
    add_operating(app, desk, pages)
    _add_static(app, desk)
    _add_refusals(app, desk, pages)
    return app


def _add_static(app: FastAPI, desk: Desk) -> None:
    files = {path.name: path.read_bytes() for path in STATIC.iterdir()} | dict(desk.files)

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        """A style sheet, a script or the icon."""
        if name not in files:
            raise HTTPException(404)
        kept = {"Cache-Control": "public, max-age=600"}
        return Response(files[name], media_type=TYPES[Path(name).suffix], headers=kept)

    @app.get("/language/{lang}")
    def language(request: Request, lang: str) -> Response:
        """The pages speak that language from now on."""
        if lang not in desk.pages:
            raise HTTPException(404)
        answer = RedirectResponse(inside(request.query_params.get("next", "/")), status_code=303)
        set_cookie(request, answer, LANGUAGE_COOKIE, lang, lasts_s=365 * 86400)
        return answer


def _add_refusals(app: FastAPI, desk: Desk, pages: DeskTemplates) -> None:
    @app.exception_handler(LoginNeeded)
    async def login_needed(_request: Request, error: LoginNeeded) -> Response:
        return to_login(error.after)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> HTMLResponse:
        why = error.detail if error.status_code == 403 else REFUSALS.get(error.status_code, "missing")
        return pages.show(request, "refused.html", status=error.status_code, why=why)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, _error: RequestValidationError) -> HTMLResponse:
        return pages.show(request, "refused.html", status=404, why="missing")

    @app.exception_handler(DeskError)
    async def complaint(request: Request, error: DeskError) -> HTMLResponse:
        return pages.show(request, "refused.html", status=409, why="complaint", complaint=pages.explain(request, error))

    async def away(request: Request, error: Exception) -> HTMLResponse:
        log_failure(request, error)
        return pages.show(request, "refused.html", status=503, why="away")

    for kind in desk.record_errors:
        app.add_exception_handler(kind, away)
