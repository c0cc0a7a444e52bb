import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_models import adder_model, decoder_model

from bsdgen import __version__
from bsdgen.artifacts import read_json, sha256
from bsdgen.bsd import Bsd
from bsdgen.cli.app import COMMANDS, main
from bsdgen.cosim.campaign import Campaign, Finding
from bsdgen.cosim.run import ProgramResult
from bsdgen.errors import BsdgenError, BudgetReached, EndlessError, InputError, ToolError
from bsdgen.model import Model

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "sim" / "programs" / "sort.elf"
LEARN_ADDER = ["learn", "--oracle", "examples.adder:add", "--schema", "examples/adder.toml"]


@pytest.fixture
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def adder(tmp_path: Path, in_root: None) -> Path:
    folder = tmp_path / "adder"
    adder_model(oracle="examples.adder:add").save(folder)
    return folder


def test_help_answers_without_loading_what_takes_time() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bsdgen", "--help"], capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in COMMANDS)
    heavy = ["numpy", "numba", "pyarrow", "networkx", "matplotlib", "scipy", "amaranth", "cocotb", "rich"]
    code = f"import sys, bsdgen.cli.app; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Example: bsdgen {name}" in text
    for option in ("--json", "--quiet", "--verbose", "--help"):
        assert option in text


@pytest.mark.parametrize("words", [["learn", "--no-such-option"], ["no-such-command"], ["measure"]])
def test_usage_errors(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().out == ""


def test_learn_measure_report_on_a_callable(
    tmp_path: Path, in_root: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "adder"
    assert main([*LEARN_ADDER, "-o", str(folder), "--seed", "5", "--json", "-q"]) == 0
    out = capsys.readouterr()
    facts = json.loads(out.out)
    assert out.err == ""
    assert facts["bsd"]["outputs"] == 5
    model = Model.load(folder)
    assert model.info["oracle"] == "examples.adder:add"
    assert model.info["config"]["seed"] == 5
    assert main(["measure", str(folder), "-n", "20000", "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert (measured["vectors"], measured["errors"]) == (20_000, 0)
    assert read_json(folder / "measure.json") == measured
    assert main(["report", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["measure"]["vectors"] == 20_000
    assert report["learn"]["oracle_queries"] == facts["learn"]["oracle_queries"]


def test_measure_fails_on_a_wrong_model(adder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Model.load(adder)
    roots = model.bsd.roots ^ np.array([0, 1, 0, 0, 0], np.int32)
    bsd = Bsd(8, model.bsd.guard, model.bsd.low, model.bsd.high, roots)
    Model(bsd, model.schema, model.info).save(adder)
    assert main(["measure", str(adder), "-n", "1000", "--json"]) == 1
    out = capsys.readouterr()
    assert json.loads(out.out)["errors"] == 1000  # one document, although an error follows
    assert "1,000 of 1,000 vectors differ" in out.err
    assert json.loads((adder / "measure.json").read_text())["errors"] == 1000


def test_measure_needs_an_oracle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adder_model().save(tmp_path)
    assert main(["measure", str(tmp_path)]) == 2
    assert "--oracle" in capsys.readouterr().err


def test_record_and_learn_read_the_oracle_from_the_traces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    traces = tmp_path / "traces"
    assert main(["record", str(PROGRAM), "-o", str(traces), "--json", "-q"]) == 0
    recorded = json.loads(capsys.readouterr().out)["programs"]
    assert [(item["name"], item["passed"]) for item in recorded] == [("sort", True)]
    asked = stand_in_learner(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert main(["learn", str(traces)]) == 0
    assert Model.load(tmp_path / "rtl_out" / "rv32i").info["oracle"] == "simulator:rv32i"
    assert asked["oracle"] == "simulator:rv32i"
    assert 0 < asked["rows"] <= recorded[0]["retired"]


def stand_in_learner(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Replace the learner by one that gives the hand-made model and notes what it was asked."""
    from bsdgen.learn import LearnStats

    asked: dict[str, object] = {}

    class StandIn:
        def __init__(self, config: object) -> None:
            asked["config"] = config

        def fit(self, oracle: object, rows: np.ndarray, **_: object) -> "StandIn":
            asked["oracle"] = oracle.name  # type: ignore[attr-defined]
            asked["rows"] = rows.shape[0]
            self.bsd_ = decoder_model().bsd
            self.stats_ = LearnStats(1.0, 1.0, 1.0, 1, 1, 1, 1, 1, 1, 1, 1)
            self.ledger_, self.ledger_summary_ = {}, {}
            return self

    monkeypatch.setattr("bsdgen.learn.BsdLearner", StandIn)
    return asked


def test_an_oracle_that_changed_its_mind_gives_no_model(
    tmp_path: Path, in_root: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bsdgen.learn import BsdLearner
    from bsdgen.oracle.function import FunctionOracle
    from bsdgen.traces.schema import load_schema

    fit = BsdLearner.fit
    oracle = FunctionOracle(lambda a, b: {"total": a + b}, load_schema(Path("examples/adder.toml")))

    def fit_and_change(self: BsdLearner, *words: object, **named: object) -> BsdLearner:
        fitted = fit(self, *words, **named)  # type: ignore[arg-type]
        oracle.function = lambda a, b: {"total": a}
        return fitted

    monkeypatch.setattr("bsdgen.oracle.resolve.resolve_oracle", lambda *_: oracle)
    monkeypatch.setattr(BsdLearner, "fit", fit_and_change)
    assert main([*LEARN_ADDER, "-o", str(tmp_path / "m")]) == 3
    assert "not deterministic" in capsys.readouterr().err
    assert not (tmp_path / "m" / "model.json").exists()


def test_rows_that_the_oracle_contradicts_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bsdgen.traces.schema import RVFI_SCHEMA
    from bsdgen.traces.store import write_traces

    rows = {field.name: np.zeros(3, np.uint32) for field in RVFI_SCHEMA.fields}  # insn 0 does not trap: wrong
    rows["pc_rdata"][:] = [0, 4, 8]
    write_traces(tmp_path / "wrong.parquet", rows, RVFI_SCHEMA, {"oracle": "simulator:rv32i"})
    stand_in_learner(monkeypatch)
    command = ["learn", str(tmp_path / "wrong.parquet"), "-o", str(tmp_path / "m"), "--json"]
    assert main(command) == 3
    out = capsys.readouterr()
    assert "contradicts 3 of 3 recorded rows; first row 0: trap" in out.err and "--allow-differing" in out.err
    assert not (tmp_path / "m").exists()
    assert main([*command, "--allow-differing"]) == 0
    out = capsys.readouterr()
    assert "3 of 3 recorded rows differ" in out.err
    assert json.loads(out.out)["traces"]["differing"] == 3


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["learn"], 2, "nothing to learn from"),
        (["learn", "no/such/folder"], 3, "no/such/folder"),
        (["learn", "--oracle", "examples.adder:add"], 2, "--schema"),
        (
            ["learn", "--schema", "examples/adder.toml"],
            2,
            "give TRACES that name one, or --oracle",
        ),
        ([*LEARN_ADDER[:2], "examples.adder:subtract", *LEARN_ADDER[3:]], 3, "subtract"),
        ([*LEARN_ADDER[:4], "no.toml"], 3, "no.toml"),
        (["measure", "no/such/model"], 3, "holds no model"),
        (["emit", "no/such/model"], 3, "holds no model"),
        (["report", "no/such/model"], 3, "holds no model"),
        (["record", "examples/adder.toml"], 3, "adder.toml"),
        (["record", "examples"], 3, "holds no *.elf"),
        (["record", str(PROGRAM), str(PROGRAM)], 2, "different names"),
        (["record", str(PROGRAM), "--max-steps", "100"], 3, "100"),
        (["convert", "examples/adder.toml", "--elf", str(PROGRAM)], 3, "adder.toml"),
        (["convert", "examples/adder.toml"], 2, "needs --elf PROGRAM (it is read as spike"),
        (
            ["convert", "rows.pla", "--elf", str(PROGRAM)],
            2,
            "does not go with --elf PROGRAM (it is read as pla",
        ),
        (["convert", "rows.pla"], 3, "rows.pla: cannot be read"),
        (["convert", "rows.txt", "-f", "csv"], 3, "rows.txt: cannot be read"),
        (
            ["convert", "rows.pla", "--schema", "examples/adder.toml"],
            2,
            "--schema examples/adder.toml: is for CSV",
        ),
        (["convert", "examples/adder.toml", "-f", "pla"], 3, "examples/adder.toml"),
    ],
)
def test_bad_input(
    words: list[str],
    code: int,
    says: str,
    *,
    tmp_path: Path,
    in_root: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "out"
    extra = ["-o", str(target)] if words[0] in ("learn", "record", "convert") else []
    assert main([*words, *extra, "--json"]) == code
    out = capsys.readouterr()
    assert says in out.err
    error = json.loads(out.out)["error"]
    assert error["exit_code"] == code
    assert says in error["message"]
    assert not target.exists() or not any(target.iterdir())  # nothing half-written


def test_an_error_of_the_project_keeps_its_code(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def out_of_budget(*_: object, **__: object) -> None:
        raise BudgetReached("time limit of 1 s reached")

    monkeypatch.setattr("bsdgen.measure.measure", out_of_budget)
    assert main(["measure", str(adder)]) == 5
    assert capsys.readouterr().err.endswith("bsdgen: time limit of 1 s reached\n")


def test_a_bug_keeps_its_traceback(adder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bsdgen.measure.measure", bug)
    with pytest.raises(ZeroDivisionError):
        main(["measure", str(adder)])


def ends_with(
    monkeypatch: pytest.MonkeyPatch, results: "list[ProgramResult]", error: BsdgenError | None = None
) -> None:
    """Programs have these results, and then something goes wrong."""

    def cosimulate(*_: object, found: Callable[[list[ProgramResult]], None], **__: object) -> None:
        if results:
            found(results)
        if error is not None:
            raise error

    monkeypatch.setattr("bsdgen.cosim.run.cosimulate", cosimulate)


SORT = ProgramResult("sort", 100, 0, True, 1.0, "", cycles=120)
WRONG = ProgramResult("crc32", 7, 1, False, 0.5, "instruction 7 at pc 0x80000010 (add x1, x2, x3): rd_wdata")


@pytest.mark.parametrize("error", [ToolError("Verilator failed"), EndlessError("loop.elf: retired 9")])
def test_a_mismatch_outlives_what_goes_wrong_after_it(
    adder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BsdgenError,
) -> None:
    """The result of before says 'passed' and must not stay."""
    ends_with(monkeypatch, [SORT])
    step = adder / "verilog" / "adder_step.v"
    step.parent.mkdir()
    step.write_text("module adder_step; endmodule\n")
    assert main(["cosim", str(adder), str(PROGRAM), "--stall", "7"]) == 0
    written = json.loads((adder / "cosim.json").read_text())
    assert written["verilog_sha256"] == {step.name: sha256(step)}
    assert (written["stall"], written["bsdgen"], written["programs"][0]["cycles"]) == (7, __version__, 120)
    ends_with(monkeypatch, [SORT, WRONG], error)
    assert main(["cosim", str(adder), str(PROGRAM)]) == 1
    said = capsys.readouterr()
    assert "pc 0x80000010" in said.out and str(error) in said.err
    assert not json.loads((adder / "cosim.json").read_text())["programs"][1]["passed"]
    ends_with(monkeypatch, [], error)
    assert main(["cosim", str(adder), str(PROGRAM)]) == error.exit_code


def test_random_failures_outlive_what_goes_wrong_after_them(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding(9, 1, "sra", "rd_wdata", "instruction 3 at pc 0x80000010", 9, ())

    def campaign(*_: object, found: Callable[[Campaign], None], **__: object) -> Campaign:
        found(Campaign(5, 7, 50, None, 1234, (9,), (finding,)))
        raise ToolError("the simulator ended without a result")

    monkeypatch.setattr("bsdgen.cosim.campaign.run_campaign", campaign)
    assert main(["cosim", str(adder), "--random", "5"]) == 1
    said = capsys.readouterr()
    assert "1 of 5 random programs did not pass" in said.err and "ended without a result" in said.err
    assert json.loads((adder / "cosim_random.json").read_text())["failed"] == [9]


@pytest.mark.parametrize(
    ("stall", "again"), [(None, ""), (0, " --stall 0"), (4294967295, " --stall 4294967295")]
)
def test_commands_that_reproduce_have_the_stall(
    adder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stall: int | None,
    again: str,
) -> None:
    held = 9 if stall is None else stall
    finding = Finding(9, 1, "sra", "rd_wdata", "instruction 3", held, (), 1, "seed-9.min.S", "seed-9.min.elf")
    drawn: list[object] = []
    monkeypatch.setattr(
        "bsdgen.cosim.campaign.run_campaign", lambda *_, **__: Campaign(5, 7, 50, stall, 9, (9,), (finding,))
    )
    monkeypatch.setattr("bsdgen.cosim.run.cosimulate", lambda *_, **options: drawn.append(options["stall"]))
    words = [] if stall is None else ["--stall", str(stall)]
    assert main(["cosim", str(adder), "--random", "5", *words]) == 1
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    reduced = f" --stall {held}" if held else ""
    assert f"reproduce: bsdgen cosim {adder} seed-9.min.elf{reduced}" in lines
    assert f"whole program: bsdgen cosim {adder} --random 1 --seed 9 --size 50{again}" in lines
    written = json.loads((adder / "cosim_random.json").read_text())
    assert (written["stall"], written["findings"][0]["stall"], drawn) == (stall, held, [held])


def test_stall_has_as_many_bits_as_the_bench(adder: Path) -> None:
    assert main(["cosim", str(adder), str(PROGRAM), "--stall", str(2**32)]) == 2


def test_architecture_tests_say_of_which_model_they_are(adder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = "bsdgen.cosim.architecture_tests"
    for name in ("find_suite", "find_compiler", "make_environment"):
        monkeypatch.setattr(f"{tests}.{name}", lambda *_: Path("none"))
    monkeypatch.setattr(f"{tests}.run_architecture_tests", lambda *_, **__: [])
    assert main(["riscof", str(adder), "--reference", "simulator", "-q"]) == 0
    written = json.loads((adder / "riscof.json").read_text())
    assert written["model_sha256"] == sha256(adder / "model.npz")
    assert (written["verilog_sha256"], written["bsdgen"]) == ({}, __version__)


def test_cosim_writes_its_result_and_fails_on_a_mismatch(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with(monkeypatch, [SORT, WRONG])
    assert main(["cosim", str(adder), str(PROGRAM)]) == 1
    out = capsys.readouterr()
    assert "pc 0x80000010" in out.out
    assert "crc32 did not pass" in out.err
    assert "crc32: instruction 7 at pc 0x80000010 (add x1, x2, x3): rd_wdata" in out.err
    written = json.loads((adder / "cosim.json").read_text())["programs"]
    assert [(item["name"], item["mismatches"], item["passed"]) for item in written] == [
        ("sort", 0, True),
        ("crc32", 1, False),
    ]


def test_core_alone_writes_no_result_about_the_model(adder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends_with(monkeypatch, [SORT])
    (adder / "cosim.json").unlink(missing_ok=True)
    assert main(["cosim", str(adder), str(PROGRAM), "--against", "none"]) == 0
    assert not (adder / "cosim.json").exists()


def test_random_programs_and_what_was_found(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {}
    finding = Finding(8, 2, "sra", "rd_wdata", "instruction 3 at pc 0x80000010", 0, (), 1, "seed-8.min.S", "")

    def campaign(*_: object, **options: object) -> Campaign:
        asked.update(options)
        return Campaign(5, 7, 50, None, 1234, (8, 9), (finding,))

    monkeypatch.setattr("bsdgen.cosim.campaign.run_campaign", campaign)
    assert main(["cosim", str(adder), "--random", "5", "--seed", "7", "--size", "50", "-q"]) == 1
    assert (asked["seed"], asked["size"], asked["out"]) == (7, 50, adder / "failures")
    assert "2 of 5 random programs did not pass" in capsys.readouterr().err
    assert main(["cosim", str(adder), "--random", "5"]) == 1
    assert "sra rd_wdata: 2 programs, first seed 8" in capsys.readouterr().out
    written = json.loads((adder / "cosim_random.json").read_text())
    assert (written["failed"], written["findings"][0]["words"]) == ([8, 9], 1)
    assert main(["cosim", str(adder), str(PROGRAM), "--random", "5"]) == 2
    assert main(["cosim", str(adder), "--random", "5", "--harness", "cocotb"]) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_the_last_model(adder: Path, number: signal.Signals) -> None:
    before = {path.name: path.read_bytes() for path in adder.iterdir()}
    # Long enough to be stopped at any moment; the signal comes as soon as learning has begun.
    process = subprocess.Popen(
        [sys.executable, "-m", "bsdgen", "measure", str(adder), "-n", "100000000000"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # a shell's background jobs are born with SIGINT ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stderr is not None
    assert "measuring" in process.stderr.readline()
    time.sleep(0.5)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    # CPython ends by SIGINT, 130 to a shell too, if the interrupt passed through exec of a text (in imports).
    assert process.returncode in (130, -signal.SIGINT), said
    partial = adder / "measure.partial.json"
    again = f"bsdgen measure {adder} -n 100000000000"
    assert (f"Go on with: {again} --resume" if partial.exists() else f"Start again with: {again}") in said
    partial.unlink(missing_ok=True)
    assert {path.name: path.read_bytes() for path in adder.iterdir()} == before


def test_message_of_input_error_goes_to_stderr_only(
    adder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise InputError("no good")

    monkeypatch.setattr("bsdgen.report.write_report", refuse)
    assert main(["report", str(adder), "-q"]) == 3
    out = capsys.readouterr()
    assert (out.out, out.err) == ("", "bsdgen: no good\n")


def test_sigterm_is_the_callers_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["--version"]) == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_budget_ends_with_its_own_code_and_an_unfinished_model(tmp_path: Path) -> None:
    target = tmp_path / "model"
    command = [sys.executable, "-m", "bsdgen", "learn", "--oracle", "examples.words:weighted_sum"]
    command += ["--schema", "examples/words.toml", "-o", str(target), "--max-nodes", "300"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "raise max_nodes" in done.stderr and "is not finished" in done.stderr
    assert "--max-nodes 300 --resume" in done.stderr
    assert "unfinished: all outputs are right on" in done.stdout and ": y[0" in done.stdout
    learned = Model.load(target).info["learn"]
    assert learned["finished"] is False and 0 < learned["n_wrong"] <= learned["n_checked"]
    assert len(learned["wrong_by_output"]) == 32 and learned["wrong_by_output"][0] == 0
    assert (target / "checkpoint" / "state").is_file()


def test_measure_proves_the_emitted_verilog(adder: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bsdgen", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert run("emit", str(adder), "--format", "verilog").returncode == 0
    assert run("measure", str(adder), "-n", "1000").returncode == 0
    assert json.loads((adder / "measure.json").read_text())["netlist_equal"] is True
    netlist = adder / "verilog" / f"{adder.name}_step.v"
    text = netlist.read_text()
    assert " & " in text
    netlist.write_text(text.replace(" & ", " | ", 1))
    done = run("measure", str(adder), "-n", "1000")
    assert done.returncode == 1
    assert "the emitted Verilog is not the model: it differs in total" in done.stderr
    assert json.loads((adder / "measure.json").read_text())["netlist_equal"] is False
