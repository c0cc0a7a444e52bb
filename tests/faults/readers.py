"""Every reader of bsdgen: a good file, how it is read, and what was read in a form to compare."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from small_models import adder_model, adder_schema
from spike_logs import imitate
from tiny_elf import store_to_tohost, tiny_elf, words

from bsdgen.artifacts import read_json, read_object, write_json
from bsdgen.bench import results
from bsdgen.circuit.aig import aig_from_bsd
from bsdgen.circuit.aiger import aiger_bytes, read_aiger, read_state_aiger, write_aiger
from bsdgen.circuit.curve import curve_of, read_curve
from bsdgen.circuit.search import Found, Point
from bsdgen.coverage.cells import SHAPE
from bsdgen.coverage.result import Covered, document, from_document
from bsdgen.coverage.sources import of_measurement
from bsdgen.isa.program import load_program
from bsdgen.learn.checkpoint import Checkpoint
from bsdgen.measure import measure, read_measurement
from bsdgen.model import Model
from bsdgen.oracle.resolve import resolve_oracle
from bsdgen.synth.liberty import read_liberty
from bsdgen.synth.result import SYNTH_VERSION, Synthesis, read_synthesis
from bsdgen.traces.schema import load_schema
from bsdgen.traces.spike_log import read_spike_log
from bsdgen.traces.store import read_traces, write_traces

CODE = words(0x00500093, 0x00108133, 0x40208233, *store_to_tohost(1, 12))
TOML = '[[field]]\nname = "a"\nwidth = 4\nrole = "in"\n\n[[field]]\nname = "q"\nwidth = 2\nrole = "out"\n'
PLA = "# Rows.\n.i 3\n.o 2\n.ilb a[0] a[1] b\n.ob q r\n.type fdr\n.p 3\n1-0 1~\n001|-0\n110 01\n.e\n"
CSV = "in:a[3:0],in:b[3:0],out:total[4:0],total_care\n1,2,3,31\n0xf,0b1,16,0x1f\n2,2,0b001x0,31\n3,3,-,0\n"


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes
    ----------
    file : the good file, in a folder with all that it needs; damage is put into its place.
    read : reads it, into something that can be compared.
    sealed : whether a digest stands over it, so that one flipped bit never shows in what is read.
    json : whether it is a JSON document.
    says : what a refusal must name, where that is not the file.
    """

    file: Path
    read: Callable[[Path], Any]
    sealed: bool
    json: bool = False
    says: str = ""

    @contextmanager
    def holding(self, data: bytes) -> Iterator[Path]:
        """Put other bytes into the file's place for a while."""
        good = self.file.read_bytes()
        try:
            self.file.write_bytes(data)
            yield self.file
        finally:
            self.file.write_bytes(good)


def _aig(path: Path) -> Any:
    net = read_aiger(path)
    return net.aig.n_inputs, net.aig.fanin0.tolist(), net.aig.fanin1.tolist(), net.aig.outputs.tolist()


def _state_aig(path: Path) -> Any:
    net, initial = read_state_aiger(path)
    return net.aig.n_inputs, net.aig.outputs.tolist(), initial


def _traces(path: Path) -> Any:
    of = read_traces([path])
    arrays = [array.tolist() for array in (of.inputs, of.outputs, of.care)]
    return of.schema, of.oracle, of.provenance, *arrays


def _model(path: Path) -> Any:
    model = Model.load(path.parent)
    return model.digest, model.info, {key: value.tolist() for key, value in model.extra.items()}


def make_readers(folder: Path) -> dict[str, Reader]:
    """Good files of every kind under `folder`, and their readers by name."""
    folder.mkdir(parents=True, exist_ok=True)
    model = adder_model(oracle="examples.adder:add")
    model.save(folder / "model")
    readers = {
        "model.json": Reader(folder / "model" / "model.json", _model, True, True, "model"),
        "model.npz": Reader(folder / "model" / "model.npz", _model, True),
        **_graphs(folder, model),
        **_recordings(folder),
        **_results(folder, model),
        **_hardware(folder),
    }
    (folder / "fields.toml").write_text(TOML)
    readers["schema"] = Reader(folder / "fields.toml", load_schema, False)
    state = Checkpoint({"a": "b"}, 1, 2, 3, 4, 0.5, 0.5, "{}", bytes(16), {}, {b"k": [1, 2]}, {})
    state.save(folder / "checkpoint")
    readers["checkpoint"] = Reader(
        folder / "checkpoint" / "state", lambda path: Checkpoint.load(path.parent), True, says="checkpoint"
    )
    return readers


def _graphs(folder: Path, model: Model) -> dict[str, Reader]:
    aig = aig_from_bsd(model.bsd)
    names = model.schema.input_names(), model.schema.output_names()
    write_aiger(folder / "circuit.aig", aig, *names)
    (folder / "foreign.aig").write_bytes(aiger_bytes(aig, *names))
    (folder / "state.aig").write_bytes(b"aig 4 2 1 1 1\n8 0\n8\n\x02\x02i0 a\ni1 b\nl0 s\no0 q\n")
    return {
        "circuit.aig": Reader(folder / "circuit.aig", _aig, True),
        "foreign aiger": Reader(folder / "foreign.aig", _aig, False),
        "aiger with state": Reader(folder / "state.aig", _state_aig, False),
    }


def _recordings(folder: Path) -> dict[str, Reader]:
    elf = folder / "tiny.elf"
    elf.write_bytes(tiny_elf(CODE.ljust(0x104, b"\0")))
    (folder / "other.elf").write_bytes(elf.read_bytes())
    program = load_program(folder / "other.elf")
    (folder / "spike.log").write_text(imitate(program))
    rows = {"a": np.arange(9, dtype=np.uint8), "b": np.arange(9, dtype=np.uint8)}
    rows["total"] = rows["a"] + rows["b"]
    write_traces(folder / "t.parquet", rows, adder_schema(4), {"oracle": "examples.adder:add"})

    (folder / "rows.pla").write_text(PLA)
    (folder / "rows.csv").write_text(CSV)

    def log(path: Path) -> Any:
        return {name: column.tolist() for name, column in read_spike_log(path, program).items()}

    def run(path: Path) -> Any:
        loaded = load_program(path)
        _ = loaded.tohost
        return loaded

    return {
        "ELF": Reader(elf, run, False),
        "Spike log": Reader(folder / "spike.log", log, False),
        "traces": Reader(folder / "t.parquet", _traces, True),
        "PLA": Reader(folder / "rows.pla", _traces, False),
        "CSV": Reader(folder / "rows.csv", _traces, False),
    }


def _results(folder: Path, model: Model) -> dict[str, Reader]:
    measured = measure(model, resolve_oracle("examples.adder:add", model.schema), vectors=300, seed=1)
    write_json(folder / "measure.json", {"model_sha256": "0", "oracle": "x"} | measured.as_dict())
    counts = np.zeros(SHAPE, np.int64)
    counts.flat[:7] = range(1, 8)
    covered = Covered("traces", ("t.parquet",), True, counts)
    write_json(folder / "coverage.json", document([covered]))
    write_json(folder / "strata.json", {"strata": covered.as_dict()["counts"]})
    results.save(folder, "thing", {"seed": 0}, {"n": [1, 2]})

    def counted(path: Path) -> Any:
        return [
            (item.name, item.of, item.counts.tolist()) for item in from_document(read_object(path), str(path))
        ]

    def bench(path: Path) -> Any:
        return results.load(path.parent, "thing", dict)

    return {
        "measure.json": Reader(folder / "measure.json", read_measurement, True, True),
        "coverage.json": Reader(folder / "coverage.json", counted, True, True),
        "measured vectors": Reader(
            folder / "strata.json", lambda path: of_measurement(path).counts.tolist(), True, True
        ),
        "bench result": Reader(folder / "thing.json", bench, True, True),
        "any JSON": Reader(folder / "measure.json", read_json, True, True),
    }


def _hardware(folder: Path) -> dict[str, Reader]:
    found = Found([Point("", -1, 3, 2, 0.0, True, {"abc": 0.1}, "diagram")], 0, [0])
    write_json(folder / "area.json", curve_of(found, "area", "0", 3, {"bsdgen": "0"}))
    write_json(folder / "synth.json", Synthesis(SYNTH_VERSION, "0", {"bsdgen": "0"}))
    tiny = Path(__file__).parents[1] / "synth" / "tiny.lib"
    (folder / "tiny.lib").write_bytes(tiny.read_bytes())

    def library(path: Path) -> Any:
        read = read_liberty(path)
        return read.name, read.cells

    return {
        "search": Reader(folder / "area.json", read_curve, True, True),
        "synth.json": Reader(folder / "synth.json", read_synthesis, True, True),
        "liberty": Reader(folder / "tiny.lib", library, False),
    }
