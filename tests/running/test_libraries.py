"""Logs of the libraries underneath."""

from __future__ import annotations

import logging

import pytest

from harness.running.libraries import LIBRARIES, quiet_libraries


@pytest.mark.parametrize("name", LIBRARIES)
def test_nothing_is_logged_inside_and_levels_come_back(name: str, caplog: pytest.LogCaptureFixture) -> None:
    parent, child = logging.getLogger(name), logging.getLogger(f"{name}.below.deeper")
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger=parent.name)
    caplog.set_level(logging.DEBUG, logger=child.name)
    with quiet_libraries():
        parent.error("hidden")
        child.error("hidden")
        logging.getLogger(f"{name}.new").error("hidden")
    child.debug("shown")
    assert [record.message for record in caplog.records] == ["shown"]
