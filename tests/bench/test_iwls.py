"""The benchmark on two tiny examples: reading, scoring, resuming, the command."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bsdgen.artifacts import read_json, write_json
from bsdgen.bench.iwls.rows import Example, Rows, accuracy, find_examples, read_example, read_pla
from bsdgen.bench.iwls.run import EXAMPLES, IwlsResult, IwlsRow, Learned, run_example, run_iwls
from bsdgen.bench.tables import iwls_table
from bsdgen.circuit.aig import AigBuilder
from bsdgen.cli.app import main
from bsdgen.errors import InputError, UsageError

WIDTH = 6


def sums(bit: int, n: int, seed: int) -> Rows:
    inputs = np.random.default_rng(seed).integers(0, 2, (n, 2 * WIDTH), np.uint8)
    weights = 1 << np.arange(WIDTH)
    total = inputs[:, :WIDTH] @ weights + inputs[:, WIDTH:] @ weights
    return Rows(inputs, (total >> bit & 1).astype(np.uint8))


def write_pla(path: Path, rows: Rows) -> None:
    lines = [f".i {rows.n_inputs}", ".o 1", f".p {len(rows)}", ".type fr"]
    lines += [
        "".join(map(str, row)) + f" {label}" for row, label in zip(rows.inputs, rows.labels, strict=True)
    ]
    path.write_text("\n".join([*lines, ".e", ""]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Example 00 is a carry, 74 the number of ones modulo 3."""
    for at, kind in enumerate(("train", "valid", "test")):
        (tmp_path / "data" / kind).mkdir(parents=True)
        carry = sums(WIDTH, 800, at)
        write_pla(tmp_path / "data" / kind / f"ex00.{kind}.pla", carry)
        ones = carry.inputs.sum(axis=1)
        write_pla(
            tmp_path / "data" / kind / f"ex74.{kind}.pla",
            Rows(carry.inputs, (ones % 3 == 0).astype(np.uint8)),
        )
    return tmp_path / "data"


def test_examples_are_learned_and_scored(folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    result = run_iwls(folder, time_limit_s=0.1, on_row=lambda done, n, row: seen.append((done, n, row.name)))
    assert seen == [(1, 2, "00"), (2, 2, "74")]
    carry, ones = result.rows
    assert carry.plain.method == "decision list" and carry.plain.right == carry.n_test == 800
    assert carry.words.method.startswith("a + b bit 6") and carry.words.right == 800
    assert ones.plain.method == "symmetric" and ones.words == ones.plain and ones.plain.right == 800
    assert 0 < ones.plain.ands <= 5000 and result.cpu_s > 0
    head, *rows = iwls_table(result).text().splitlines()
    assert head.startswith("example") and len(rows) == 2 and "the same" in rows[1]


def test_the_score_is_of_the_circuit_and_test_rows_decide_nothing(folder: Path) -> None:
    example = read_example("00", find_examples(folder)["00"])
    row = run_example(example, time_limit_s=0.1, seed=0)
    flipped = Rows(example.test.inputs, example.test.labels ^ 1)
    other = run_example(replace(example, test=flipped), time_limit_s=0.1, seed=0)
    assert other.plain.right == other.words.right == 0  # all were right before
    assert (other.plain.method, other.plain.ands, other.plain.known) == (
        row.plain.method,
        row.plain.ands,
        row.plain.known,
    )
    builder = AigBuilder(3)
    half = Rows(
        np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]], np.uint8), np.array([0, 1, 0, 0], np.uint8)
    )
    assert accuracy(builder.build([2]), half) == 0.75 and accuracy(builder.build([3]), half) == 0.25


def test_the_mean_is_of_examples_and_bars_want_all_of_them() -> None:
    def row(name: str, right: int, n: int) -> IwlsRow:
        some = Learned("x", 10, 1.0, right)
        return IwlsRow(name, 4, n, some, replace_right(some, n), 1.0, 0.0)

    def replace_right(some: Learned, right: int) -> Learned:
        return msgspec.structs.replace(some, right=right)

    result = IwlsResult([row("00", 50, 100), row("01", 900, 1000)], 1.0)
    mean, half = result.mean(words=False)
    assert mean == pytest.approx(0.7) and half == pytest.approx(1.96 * (0.0025 + 0.00009) ** 0.5 / 2)
    assert not any(bar.met for bar in result.bars[:3])
    whole = IwlsResult([row(name, 93, 100) for name in EXAMPLES], 1.0)
    assert all(bar.met for bar in whole.bars)
    poor = IwlsResult([row(name, 91, 100) for name in EXAMPLES], 1.0)
    assert [bar.met for bar in poor.bars] == [False, True, True, True]


def test_a_run_goes_on_where_it_was_stopped(folder: Path, tmp_path: Path) -> None:
    partial = tmp_path / "iwls.partial.json"

    def stop(done: int, n: int, row: IwlsRow) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_iwls(folder, time_limit_s=0.1, partial=partial, on_row=stop)
    kept = read_json(partial)
    kept["rows"][0]["plain"]["right"] = 123  # told apart from one that is learned anew
    write_json(partial, kept)
    result = run_iwls(folder, time_limit_s=0.1, partial=partial, resume=True)
    assert [(row.name, row.plain.right) for row in result.rows] == [("00", 123), ("74", 800)]
    assert run_iwls(folder, only="0", time_limit_s=0.1, partial=partial).rows[0].plain.right == 800
    with pytest.raises(InputError, match="give the same options"):
        run_iwls(folder, time_limit_s=0.2, partial=partial, resume=True)
    with pytest.raises(InputError, match="give the same options"):
        run_iwls(folder, time_limit_s=0.1, without=["lists"], partial=partial, resume=True)
    partial.write_text('{"rows": 3}')
    with pytest.raises(InputError, match="no unfinished run"):
        run_iwls(folder, time_limit_s=0.1, partial=partial, resume=True)


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["bench", "iwls", str(folder), "--only", "74", "--time-limit", "0.1", "-o", str(out)]
    assert main([*words, "--json", "-q"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["result"]["rows"][0]["plain"]["right"] == 800 and len(said["bars"]) == 4
    assert [path.name for path in out.iterdir()] == ["iwls.json"]
    assert main(["bench", "iwls", str(folder), "--only", "12"]) == 2
    assert main(["bench", "iwls", str(folder), "--resume"]) == 2
    assert main(["bench", "iwls", str(folder), "--leave-out", "luck"]) == 2
    assert main(["bench", "iwls", str(tmp_path / "out")]) == 3
    assert "fetch iwls2020-lsml-contest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".i 2\n.o 1\n01 1\n0 1\n", "line 4"),
        (".i 2\n.o 1\n0- 1\n", "line 3"),
        (".i 2\n.o 2\n", "line 2"),
        (".i 2\n.o 1\n.e\n", "holds no rows"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "ex00.train.pla"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_pla(path)


def test_files_that_are_missing_or_do_not_fit(folder: Path) -> None:
    with pytest.raises(UsageError, match="there is no example '33'"):
        run_iwls(folder, only="33")
    write_pla(folder / "test" / "ex00.test.pla", Rows(np.zeros((2, 3), np.uint8), np.zeros(2, np.uint8)))
    with pytest.raises(InputError, match="must be the same"):
        read_example("00", find_examples(folder)["00"])
    (folder / "test" / "ex00.test.pla").unlink()
    with pytest.raises(InputError, match=r"ex00\.test\.pla is missing"):
        find_examples(folder)


def test_columns_hold_rows_beyond_a_word() -> None:
    rows = sums(0, 130, 1)
    columns = rows.columns()
    assert columns.shape == (2 * WIDTH, 3)
    assert [int(columns[5, i // 64]) >> (i % 64) & 1 for i in range(130)] == rows.inputs[:, 5].tolist()
    example = Example("x", rows.take(np.arange(64)), rows)
    assert len(example.known.joined(example.test)) == 194
