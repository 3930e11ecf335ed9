"""The Prefect flows, the command line, and the rooms in which effects live."""

import atexit
import hashlib
import os
import shutil
import tempfile
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

    numba compares the file of a function alone, and would go on using it after a change of what it calls. Where it may
    write nothing it refuses to compile: there a folder is made that goes with the process.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    digest, sources = hashlib.sha256(), Path(__file__).parents[1] / "detectors"
    for path in sorted(sources.rglob("*.py")):
        if path.stem.endswith("_numba") or path.stem == "vector_math":
            digest.update(path.read_bytes())
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        folder = caches / "sitewatch" / f"kernels-{digest.hexdigest()[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):
        if os.access(sources, os.W_OK):
            return  # numba writes beside them
        folder = Path(tempfile.mkdtemp(prefix="sitewatch-kernels-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


_set_kernel_cache()
