"""Evalscripts, truly executed: JavaScript over the pixels, as the service runs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import quickjs

TYPES = {"UINT8": np.uint8, "UINT16": np.uint16, "FLOAT32": np.float32}
LOOP = """
(function () {
  const columns = JSON.parse(__columns), names = Object.keys(columns), rows = [];
  for (let i = 0; i < __count; i++) {
    const sample = {};
    for (const name of names) sample[name] = columns[name][i];
    rows.push(evaluatePixel(sample));
  }
  return JSON.stringify(rows);
})()
"""


class EvalscriptError(Exception):
    """The script cannot be run; the service answers 400."""


@dataclass(frozen=True)
class Output:
    """One raster that a script gives."""

    identifier: str
    bands: int
    dtype: Any


class Evalscript:
    """A script of version 3 with one input."""

    def __init__(self, text: str) -> None:
        if not text.lstrip().startswith("//VERSION=3"):
            raise EvalscriptError("the script does not begin with //VERSION=3")
        self._context = quickjs.Context()
        try:
            self._context.eval(text)
            self._setup = json.loads(self._context.eval("JSON.stringify(setup())"))
        except quickjs.JSException as error:
            raise EvalscriptError(str(error)) from error

    @property
    def bands(self) -> list[str]:
        asked = self._setup["input"]
        return list(asked[0]["bands"]) if isinstance(asked[0], dict) else list(asked)

    @property
    def units(self) -> str | None:
        asked = self._setup["input"][0]
        return asked.get("units") if isinstance(asked, dict) else None

    @property
    def outputs(self) -> list[Output]:
        given = self._setup["output"]
        given = given if isinstance(given, list) else [given]
        return [Output(o.get("id", "default"), o["bands"], TYPES[o.get("sampleType", "UINT8")]) for o in given]

    def run(self, samples: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs (band, y, x) by identifier, of samples (y, x) by band."""
        shape = next(iter(samples.values())).shape
        self._context.set("__columns", json.dumps({name: values.ravel().tolist() for name, values in samples.items()}))
        self._context.set("__count", int(np.prod(shape)))
        try:
            rows = json.loads(self._context.eval(LOOP))
        except quickjs.JSException as error:
            raise EvalscriptError(str(error)) from error
        return {output.identifier: _raster(rows, output, shape) for output in self.outputs}


def _raster(rows: list[Any], output: Output, shape: tuple[int, ...]) -> np.ndarray:
    values = np.array([row[output.identifier] if isinstance(row, dict) else row for row in rows], np.float64)
    if values.shape[1] != output.bands:
        raise EvalscriptError(f"output {output.identifier} has {values.shape[1]} values, not {output.bands}")
    stacked = values.T.reshape(output.bands, *shape)
    if np.issubdtype(output.dtype, np.integer):
        limits = np.iinfo(output.dtype)
        stacked = np.clip(np.rint(stacked), limits.min, limits.max)
    return stacked.astype(output.dtype)
