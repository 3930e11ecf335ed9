"""What libraries add to a run's own words in a terminal."""

from __future__ import annotations

import logging
import warnings

import httpx
from rasterio.errors import NotGeoreferencedWarning

from aois.errors import UserError

RUN_LOGGERS = ("prefect.flow_runs", "prefect.task_runs")


def is_unforeseen(record: logging.LogRecord) -> bool:
    """True for a record with the traceback of a defect: what else failed the run itself says, in one line.

    A call to Prefect's server that failed is none: `flows.jobs.prefect_server` says what is wrong with it.
    """
    kind = record.exc_info[0] if record.exc_info else None
    return kind is not None and not issubclass(kind, (UserError, httpx.HTTPError))


def quiet_libraries() -> None:
    """From now on Prefect's loggers of runs tell unforeseen errors only, and rasterio keeps to itself what it should.

    It burns shapes into rasters without a place on Earth, and hides its own warning of that in a way that fails where
    several threads do so at once.
    """
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    logging.getLogger("distributed.nanny").setLevel(logging.ERROR)  # of workers of Dask that ended late or were killed
    for name in RUN_LOGGERS:
        logging.getLogger(name).addFilter(is_unforeseen)
