"""The account with which source `sentinelhub` asks: from the environment, `.env`, or a Prefect Secret block."""

from __future__ import annotations

import json
from typing import Any

from flows.config.settings import Settings, SettingsError, SourceName
from flows.imagery.scene import ImageryError
from flows.imagery.sentinelhub.account import ServiceAccount, hosts_of


def check_account(settings: Settings) -> None:
    """The settings name an account where their source needs one; no secret is read from Prefect for that.

    Raises `SettingsError` in one line.
    """
    if settings.source is not SourceName.SENTINELHUB:
        return
    try:
        hosts_of(settings.sh_service, base_url=settings.sh_base_url, token_url=settings.sh_token_url)
    except ImageryError as error:
        raise SettingsError(str(error)) from None
    given = {"SH_CLIENT_ID": settings.sh_client_id, "SH_CLIENT_SECRET": settings.sh_client_secret}
    missing = [name for name, value in given.items() if value is None or not value.get_secret_value().strip()]
    if missing and settings.sh_secret_block is None:
        raise SettingsError(
            f"source `sentinelhub` needs {' and '.join(missing)}; set them in the environment or in .env, or name a "
            f"Prefect Secret block in SITEWATCH_SH_SECRET_BLOCK"
        )


def account_of(settings: Settings) -> ServiceAccount:
    """The account that the settings name; the environment goes before a Secret block. Raises `SettingsError`."""
    check_account(settings)
    base_url, token_url = hosts_of(settings.sh_service, base_url=settings.sh_base_url, token_url=settings.sh_token_url)
    if settings.sh_client_id is not None and settings.sh_client_secret is not None:
        client_id, secret = settings.sh_client_id.get_secret_value(), settings.sh_client_secret.get_secret_value()
        return ServiceAccount(base_url, token_url, client_id.strip(), secret.strip())
    kept = _from_block(settings.sh_secret_block or "")
    return ServiceAccount(base_url, token_url, kept["client_id"], kept["client_secret"])


def _from_block(name: str) -> dict[str, str]:
    """What a Secret block holds. Its text never gets into a message: it could be the secret itself."""
    from prefect.blocks.system import Secret  # Prefect takes seconds to load

    mend = f'save a Prefect Secret block `{name}` that holds {{"client_id": …, "client_secret": …}}'
    try:
        kept: Any = Secret.load(name).get()  # type: ignore[union-attr]
    except ValueError:
        raise SettingsError(f"Prefect has no Secret block `{name}`; {mend}") from None
    if isinstance(kept, str):
        try:
            kept = json.loads(kept)
        except ValueError:
            kept = None
    if not isinstance(kept, dict) or not all(str(kept.get(key) or "") for key in ("client_id", "client_secret")):
        raise SettingsError(f"Prefect's Secret block `{name}` holds no client_id and client_secret; {mend}")
    return {key: str(kept[key]) for key in ("client_id", "client_secret")}
