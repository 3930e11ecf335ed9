"""What the tests of the wide search share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from land import Land, state_bytes


@pytest.fixture
def bytes_of() -> Callable[[Path], dict[str, bytes]]:
    """The files of a state."""
    return state_bytes


@pytest.fixture(scope="session")
def land(tmp_path_factory: pytest.TempPathFactory) -> Land:
    """Land whose files are drawn once."""
    return Land(tmp_path_factory.mktemp("land"))
