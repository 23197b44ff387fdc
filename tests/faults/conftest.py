from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.harness import Home


@pytest.fixture(scope="module")
def make_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Home]:
    """Return a maker of machines for servers of this module."""
    return lambda: Home(tmp_path_factory.mktemp("home"))
