"""What libraries add to a run's own words in a terminal."""

from __future__ import annotations

import logging
import warnings

from rasterio.errors import NotGeoreferencedWarning

RUN_LOGGERS = ("prefect.flow_runs", "prefect.task_runs")


def is_unforeseen(record: logging.LogRecord) -> bool:
    """True for a record with a traceback: the run itself says what else failed."""
    return record.exc_info is not None and record.exc_info[0] is not None


def quieten() -> None:
    """From now on Prefect's loggers of runs tell unforeseen errors only, and rasterio keeps to itself what it should.

    It burns shapes into rasters without a place on Earth, and hides its own warning of that in a way that fails where
    several threads do so at once.
    """
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    for name in RUN_LOGGERS:
        logging.getLogger(name).addFilter(is_unforeseen)
