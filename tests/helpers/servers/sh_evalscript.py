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
  const columns = JSON.parse(__columns), names = Object.keys(columns), given = {};
  for (let i = 0; i < __count; i++) {
    const sample = {};
    for (const name of names) sample[name] = columns[name][i];
    const row = evaluatePixel(sample);
    for (const [id, values] of Object.entries(Array.isArray(row) ? { default: row } : row)) {
      (given[id] = given[id] || []).push(values.join(","));
    }
  }
  for (const id of Object.keys(given)) given[id] = given[id].join(",");
  return JSON.stringify(given);
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
            given = json.loads(self._context.eval(LOOP))
        except quickjs.JSException as error:
            raise EvalscriptError(str(error)) from error
        return {output.identifier: _raster(given[output.identifier], output, shape) for output in self.outputs}


def _raster(given: str, output: Output, shape: tuple[int, ...]) -> np.ndarray:
    values = np.fromstring(given, np.float64, sep=",")
    if values.size != output.bands * np.prod(shape):
        raise EvalscriptError(f"output {output.identifier} has not {output.bands} values a pixel")
    stacked = values.reshape(-1, output.bands).T.reshape(output.bands, *shape)
    if np.issubdtype(output.dtype, np.integer):
        limits = np.iinfo(output.dtype)
        stacked = np.clip(np.rint(stacked), limits.min, limits.max)
    return stacked.astype(output.dtype)
