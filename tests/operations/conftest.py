"""A deployment of its own for each test that asks for one."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from premises import Premises, ask_for, children_of, command_of, end, prefect_of, premises_in, site, wait_for

from aois.area import Area


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """What tests wait, look and kill with."""
    return SimpleNamespace(
        wait_for=wait_for,
        children_of=children_of,
        command_of=command_of,
        end=end,
        prefect_of=prefect_of,
        ask_for=ask_for,
    )


@pytest.fixture
def places() -> Callable[..., Area]:
    """Makes sites."""
    return site


@pytest.fixture(scope="session")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Premises]:
    """Makes premises: two small sites, two months of history, four weeks of watch, no schedule but those given."""

    def premises(**settings: str) -> Premises:
        return premises_in(tmp_path_factory.mktemp("premises"), **settings)

    return premises
