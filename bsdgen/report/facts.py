"""All that is known about a model, gathered from its folder as one JSON-ready document."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsdgen.artifacts import read_json, tool_versions
from bsdgen.circuit.aig import Aig, aig_from_bsd
from bsdgen.circuit.aiger import read_aiger
from bsdgen.model import Model
from bsdgen.report.equations import Equation, find_equations
from bsdgen.report.structure import Structure, analyse

_TOP_VARIABLES = 24


@dataclass(frozen=True, eq=False)
class Known:
    """A model with everything that the report derives or reads.

    Attributes
    ----------
    name : the folder's name.
    facts : the document of report.json.
    """

    name: str
    model: Model
    structure: Structure
    equations: list[Equation]
    facts: dict[str, Any]


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
        "measure": _optional(folder / "measure.json"),
        "cosim": _optional(folder / "cosim.json"),
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
    return Known(facts["model"]["name"], model, structure, equations, facts)


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
    circuit: Aig = read_aiger(path).aig if path.is_file() else plain
    return {
        "ands": circuit.n_ands,
        "depth": circuit.depth,
        "emitted": path.is_file(),
        "ands_of_diagram": plain.n_ands,
    }


def _optional(path: Path) -> Any:
    return read_json(path) if path.is_file() else None
