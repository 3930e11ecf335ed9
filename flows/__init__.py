"""The Prefect flows, the command line, and the rooms in which effects live."""

import os

# Prefect reads these when it is first imported. Who watches whom is nobody's business; a first start of the ephemeral
# server takes longer than its own limit; and a run's own words say what its logs would.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "90")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
# numpy reads this one: areas already run side by side, and matrix threads that wait for each other tripled the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
