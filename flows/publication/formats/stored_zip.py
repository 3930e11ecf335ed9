"""An archive of files that comes out the same whenever and wherever it is made."""

from __future__ import annotations

import io
from collections.abc import Mapping
from zipfile import ZIP_STORED, ZipFile, ZipInfo

FIRST_TIME = (1980, 1, 1, 0, 0, 0)
UNIX, REGULAR_FILE = 3, 0o100644


def stored_zip(files: Mapping[str, bytes]) -> bytes:
    """Put files into a ZIP in the order given, uncompressed, as compression differs between machines."""
    held = io.BytesIO()
    with ZipFile(held, "w", ZIP_STORED) as archive:
        for name, content in files.items():
            entry = ZipInfo(name, FIRST_TIME)
            entry.create_system, entry.external_attr = UNIX, REGULAR_FILE << 16
            archive.writestr(entry, content)
    return held.getvalue()
