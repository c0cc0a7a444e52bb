"""All that is known about a model, gathered from its folder as one JSON-ready document."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsdgen.artifacts import tool_versions
from bsdgen.circuit.aig import Aig, aig_from_bsd
from bsdgen.circuit.aiger import read_aiger
from bsdgen.circuit.equivalence import is_of
from bsdgen.coverage.result import Covered, by_row, from_document, named, together
from bsdgen.inspect import Inspection
from bsdgen.inspect.contexts import contexts
from bsdgen.inspect.equation import Equation
from bsdgen.inspect.operands import operands
from bsdgen.inspect.overview import check_facts
from bsdgen.inspect.pairs import distance
from bsdgen.inspect.shared import shared
from bsdgen.inspect.units import units
from bsdgen.inspect.unsupported import unsupported
from bsdgen.model import Model
from bsdgen.report.equations import find_equations
from bsdgen.report.results import cosimulated, measured, mutated, proved, result_of, verified
from bsdgen.report.structure import Structure, analyse
from bsdgen.synth.summary import Hardware, known_hardware

_TOP_VARIABLES = 24


@dataclass(frozen=True, eq=False)
class Known:
    """A model with everything that the report derives or reads.

    Attributes
    ----------
    name : the folder's name.
    facts : the document of report.json.
    covered : what was covered, by source; empty where nobody looked.
    hardware : what it costs as hardware.
    """

    name: str
    model: Model
    structure: Structure
    equations: list[Equation]
    facts: dict[str, Any]
    covered: list[Covered]
    hardware: Hardware


def gather(folder: Path) -> Known:
    """Read a model's folder; what is not there (no measurement yet, no co-simulation) is None in the facts.

    Raises
    ------
    InputError
        The folder holds no model, or one of its JSON files is broken.
    """
    model = Model.load(folder)
    structure = analyse(model)
    equations = find_equations(model, structure)
    info = model.info
    coverage = result_of(folder, "coverage.json")
    covered = from_document(coverage, str(folder / "coverage.json")) if coverage is not None else []
    hardware = known_hardware(model, folder)
    facts = {
        "model": {
            "name": folder.resolve().name,
            "oracle": info.get("oracle", ""),
            "inputs": model.bsd.n_inputs,
            "outputs": model.bsd.n_outputs,
        },
        "learn": info.get("learn", {}),
        "bsd": _bsd_facts(model, structure),
        "circuit": _circuit_facts(folder, model),
        "verify": verified(folder),
        "proof": proved(folder),
        "measure": measured(folder),
        "cosim": cosimulated(folder),
        "mutate": mutated(folder, "mutate.json"),
        "mutate_shell": mutated(folder, "mutate_shell.json"),
        "hardware": {"rows": hardware.rows, "others": hardware.others},
        "coverage": _coverage_facts(covered) if covered else None,
        **_inside(Inspection(model)),
        "equations": [
            {"name": item.name, "guards": item.guards, "uses": item.uses, "sum": item.text}
            for item in equations
        ],
        "provenance": {
            "traces": info.get("traces", {}),
            "config": info.get("config", {}),
            "speculation": info.get("speculation", {}),
            "tools": {**info.get("tools", {}), **tool_versions("networkx", "pyeda", "matplotlib")},
        },
    }
    return Known(facts["model"]["name"], model, structure, equations, facts, covered, hardware)


def _coverage_facts(covered: list[Covered]) -> dict[str, Any]:
    """Coverage by source and by row class, and the holes by name; every count stands in coverage.json."""
    left_out = ("counts",)
    return {
        "sources": [
            {key: value for key, value in source.as_dict().items() if key not in left_out}
            for source in covered
        ],
        "by_row": by_row(covered),
        "holes_of_all": named(together(covered).holes),
    }


def _inside(of: Inspection) -> dict[str, Any]:
    """Ledger, contexts, shared parts and operands; null where an earlier bsdgen saved none.

    What goes beyond the rows is null where an oracle was asked.
    """
    evidence = of.model.info.get("evidence")
    return {
        "ledger": of.ledger.summary() if of.ledger is not None else None,
        "check": check_facts(of),
        "contexts": contexts(of) if of.tree is not None else None,
        "operands": operands(of),
        "units": units(of),
        "shared": shared(of, 8),
        "distance": distance(of, 8),
        "evidence": {k: v for k, v in evidence.items() if k != "unsupported"} if evidence else None,
        "unsupported": unsupported(of) if evidence else None,
    }


def _bsd_facts(model: Model, structure: Structure) -> dict[str, Any]:
    names = model.schema.input_names()
    uses = structure.guard_uses[1 : 1 + model.bsd.n_inputs]
    order = np.argsort(-uses, kind="stable")[:_TOP_VARIABLES]
    return {
        "nodes": model.bsd.n_nodes,
        "levels": structure.n_levels,
        "function_guards": structure.function_guards,
        "fields": [asdict(field) for field in structure.fields],
        "level_profile": structure.profile,
        "tested": [{"name": names[index], "nodes": int(uses[index])} for index in order if uses[index]],
    }


def _circuit_facts(folder: Path, model: Model) -> dict[str, Any]:
    """AND nodes and depth of the emitted circuit, else of the diagram as it stands."""
    path = folder / "circuit.aig"
    plain = aig_from_bsd(model.bsd)
    found = read_aiger(path) if path.exists() else None
    emitted = found is not None and is_of(found, model.bsd, model.digest)
    circuit: Aig = found.aig if found is not None and emitted else plain
    return {
        "ands": circuit.n_ands,
        "depth": circuit.depth,
        "emitted": emitted,
        "ands_of_diagram": plain.n_ands,
    }
