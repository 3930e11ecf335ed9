"""How a Prefect server of one's own is reached: its address and its secret, in a file for their owner alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe

from flows.config.settings import SettingsError
from flows.files import atomic_write, private_folder

API = "PREFECT_API_URL"
SECRET = "PREFECT_API_AUTH_STRING"
USER = "sitewatch"
EVERYWHERE = ("0.0.0.0", "::")
HEAD = "# The Prefect server of `sitewatch serve`, for its owner alone: `set -a; . FILE; set +a` before `prefect`.\n"


@dataclass(frozen=True)
class ServerAccess:
    """The API's address of a Prefect server, and the secret that it asks for (``user:password``)."""

    url: str
    secret: str = field(repr=False)


def new_secret() -> str:
    """Return a secret that nobody can guess, for one start of a server."""
    return f"{USER}:{token_urlsafe(32)}"


def own_url(host: str, port: int) -> str:
    """Return the API's address of a server that listens there, as this machine asks it."""
    asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{asked}]' if ':' in asked else asked}:{port}/api"


def folder_of_servers() -> Path:
    """Return the folder of the secrets and logs of one's own servers, in Prefect's home; made if it is not there.

    Raises `SettingsError` when it cannot be made.
    """
    from prefect.settings import get_current_settings  # Prefect takes seconds to load

    home = get_current_settings().home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = private_folder(home / "sitewatch")
        for database in home.glob("prefect.db*"):  # what older versions made may be readable by everybody
            database.chmod(0o600)
    except OSError as error:
        raise SettingsError(
            f"Prefect's home `{home}` cannot be written: {error.strerror}; name another folder in PREFECT_HOME"
        ) from None
    return folder


def access_file(port: int) -> Path:
    """Return where the server of `sitewatch serve` on a port leaves its address and secret."""
    from prefect.settings import get_current_settings

    return get_current_settings().home / "sitewatch" / f"server-{port}.env"


def write_access(path: Path, access: ServerAccess) -> None:
    """Write the file that a shell or `read_access` takes; raises `SettingsError` when that is not possible."""
    try:
        atomic_write(path, f"{HEAD}{API}={access.url}\n{SECRET}={access.secret}\n")
    except OSError as error:
        raise SettingsError(f"`{path}` cannot be written: {error.strerror}; make room, or set PREFECT_HOME") from None


def read_access(port: int) -> ServerAccess | None:
    """Return what the server of `sitewatch serve` on a port left; None where there is nothing to read."""
    try:
        lines = access_file(port).read_text().splitlines()
    except OSError:
        return None
    told = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return ServerAccess(told[API], told[SECRET]) if told.keys() >= {API, SECRET} else None
