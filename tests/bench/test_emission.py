"""Timing of the formats at a small size: what is timed is what is emitted, and proved."""

import json

import pytest

from bsdgen.bench.emission import random_model, run_emission
from bsdgen.bench.tables import emission_table
from bsdgen.cli.app import main
from bsdgen.emit import FORMATS


def test_every_format_is_timed_and_proved() -> None:
    seen = []
    model = random_model(300, 1)
    result = run_emission(
        model, "Random, seed 1", check=True, on_row=lambda done, row: seen.append((done, row))
    )
    assert [row.format for row in result.rows] == list(FORMATS) and result.nodes == 300
    assert seen == list(enumerate(result.rows, 1))
    for row in result.rows:
        assert not row.reason and row.write_s >= 0 and row.files and row.n_bytes
        assert (row.check_s is None) == (row.format == "dot")
        assert (row.elaborate_s is not None) == (row.format == "amaranth")
    assert len(emission_table(result).rows) == len(FORMATS)


def test_command(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "emit", "--nodes", "50", "-o", str(tmp_path), "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["nodes"] == 50
    assert (tmp_path / "emit.json").is_file()
