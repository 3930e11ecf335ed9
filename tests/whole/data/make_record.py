"""Make the record of an earlier version again (see README.md): .venv/bin/python tests/whole/data/make_record.py

The code of that version is taken from git into a temporary folder, and watches one simulated place at sea for three
weeks by its own command line. What it sends goes to a server on loopback. What is left is packed beside this script.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "dd71ddc"
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
RECORD = HERE / f"record-of-{COMMIT}.tar.xz"
SECRET = "a secret for a test"
WEEKS = ("--since", "2024-01-29", "--until", "2024-02-18")
SETTINGS = {
    "SITEWATCH_AREAS": "areas.geojson",
    "SITEWATCH_OUTPUTS": "outputs",
    "SITEWATCH_SOURCE": "simulated",
    "SITEWATCH_HISTORY_DAYS": "100",
    "SITEWATCH_ALERT_ROUTES": "routes.toml",
}
# A square of 120 m in the Gulf of Guinea, in degrees; nothing is there. Its id gives it a story in which buildings go
# twelve weeks before the end of the story: an alert in the third week that is watched, confirmed in the fourth.
PLACE = [[3.0, 1.809379], [3.001079, 1.809379], [3.001079, 1.810464], [3.0, 1.810464], [3.0, 1.809379]]
STORY = {"story_end": "2024-04-28"}


@contextmanager
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes everything, and what it took."""
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_workspace(folder: Path) -> None:
    """Write the watch list, the routes, and the end of the story of the simulated world, for the watch to find."""
    geometry = {"type": "Polygon", "coordinates": [PLACE]}
    place = {"type": "Feature", "id": "pier-3", "properties": {"kind": "site", "margin_m": 40}, "geometry": geometry}
    (folder / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [place]}))
    (folder / "outputs" / "archive").mkdir(parents=True, mode=0o700)
    (folder / "outputs" / "archive" / "simulated-world.json").write_text(json.dumps(STORY))
    (folder / "routes.toml").write_text(
        '[channels.hook]\nkind = "webhook"\nurl = "env:HOOK"\nsecret = "env:SECRET"\n\n'
        '[[routes]]\nname = "all"\nchannels = ["hook"]\nsimulated = true\n'
    )


def watch(code: Path, folder: Path, hook: str) -> None:
    """Watch with the code of that version, as a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SITEWATCH_", "PREFECT_"))}
    own = {"PYTHONPATH": str(code), "PREFECT_HOME": str(folder / "prefect"), "HOOK": hook, "SECRET": SECRET}
    settings = {name: value for name, value in SETTINGS.items() if value}
    program = f"import flows; assert flows.__file__.startswith({str(code)!r}); from flows.cli.main import main; main()"
    command = [sys.executable, "-c", program, "watch", *WEEKS]
    subprocess.run(command, cwd=folder, env={**kept, **own, **settings}, check=True)


def of_nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out whose file it was."""
    return entry.replace(uid=0, gid=0, uname="", gname="", deep=False)


def main() -> None:
    """Make the record and pack it."""
    with tempfile.TemporaryDirectory() as name, receiver() as (hook, taken):
        code, folder = Path(name) / "code", Path(name) / "workspace"
        code.mkdir()
        folder.mkdir()
        packed = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(code, filter="data")
        write_workspace(folder)
        watch(code, folder, hook)
        with tarfile.open(RECORD, "w:xz", preset=9) as archive:
            for kept in ("areas.geojson", "routes.toml", "outputs"):
                archive.add(folder / kept, arcname=kept, filter=of_nobody)
        print(f"{len(taken)} messages were sent; {RECORD.name}: {RECORD.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
