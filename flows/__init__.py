"""The Prefect flows, the command line, and the rooms in which effects live."""

import hashlib
import os
from pathlib import Path

# Prefect reads these when it is first imported. Who watches whom is nobody's business; a first start of the ephemeral
# server takes longer than its own limit; and a run's own words say what its logs would.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "90")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
# numpy reads this one: areas already run side by side, and matrix threads that wait for each other tripled the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _set_kernel_cache() -> None:
    """Give compiled code a folder of its own for each state of its sources.

    numba compares the file of a function alone, and would go on using it after a change of what it calls.
    """
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parents[1] / "detectors").rglob("*.py")):
        if path.stem.endswith("_numba") or path.stem == "vector_math":
            digest.update(path.read_bytes())
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        folder = caches / "sitewatch" / f"kernels-{digest.hexdigest()[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return  # numba finds a place by itself, or compiles anew
    os.environ.setdefault("NUMBA_CACHE_DIR", str(folder))


_set_kernel_cache()
