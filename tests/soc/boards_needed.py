"""amaranth-boards: without it tests skip, and fail in CI."""

import importlib.util
import os

import pytest


def needs_amaranth_boards() -> None:
    if importlib.util.find_spec("amaranth_boards") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("amaranth-boards is missing; install bsdgen[fpga]")
        pytest.skip("NO BOARDS: amaranth-boards is missing (pip install 'bsdgen[fpga]')")
