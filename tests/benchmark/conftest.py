"""Simulated truth in the folders of the public annotations."""

from __future__ import annotations

from pathlib import Path

import pytest
from smart_truth import true_site, write_truth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sites: one of works, one that is none, and one to ignore."""
    return write_truth(tmp_path / "truth", [true_site(1), true_site(2, "negative"), true_site(3, "ignore")])
