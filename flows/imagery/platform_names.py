"""Which satellite took a picture, from whatever a catalog calls it."""

from __future__ import annotations

import re

_PLATFORM = re.compile(r"(?:sentinel[-_ ]?|s)([12])[-_ ]?([a-d])(?![a-z0-9])", re.IGNORECASE)


def platform_of(*names: object) -> str | None:
    """The satellite that the first name which tells one means, as `sentinel-1c`; None where none tells.

    A name is that of a platform (`SENTINEL-1C`, `S1C`) or the id of an item that begins with it (`S1C_IW_GRDH_…`).
    """
    told = (_PLATFORM.match(name.strip()) for name in names if isinstance(name, str))
    return next((f"sentinel-{match[1]}{match[2].lower()}" for match in told if match), None)
