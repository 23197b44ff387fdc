"""The extension's own checks: its units in Node, and the types of its sources."""

from __future__ import annotations

import re

import pytest

from tests.editors.vscode.rig import built_vsix, missing, npm

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("vscode"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(missing(browser=False)), reason=str(missing(browser=False))),
]


def test_the_extension_s_units_hold() -> None:
    built_vsix()
    done = npm("test", "--silent")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^. pass (\d+)", done.stdout, re.M)
    assert passed, done.stdout
    assert int(passed[1]) > 0


def test_the_extension_s_types_hold() -> None:
    built_vsix()
    done = npm("run", "--silent", "check")
    assert done.returncode == 0, done.stdout + done.stderr
