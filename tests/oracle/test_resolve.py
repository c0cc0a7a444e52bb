import re
import sys

import numpy as np
import pytest

from bsdgen.errors import InputError
from bsdgen.oracle.function import FunctionOracle
from bsdgen.oracle.resolve import resolve_oracle
from bsdgen.oracle.simulator import SimulatorOracle
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema

SCHEMA = Schema((Field("a", 4, "in"), Field("q", 4, "out")))


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user in the current folder."""
    monkeypatch.chdir(tmp_path)
    names = ("users_functions", "users_broken", "users_script", "users_helper")
    (tmp_path / "users_helper.py").write_text("import numpy as np\nFIFTEEN = np.uint64(15)\n")
    (tmp_path / "users_functions.py").write_text(
        "from users_helper import FIFTEEN\n\n\ndef invert(a):\n    return a ^ FIFTEEN\n\n\nconstant = 5\n"
    )
    (tmp_path / "users_broken.py").write_text("raise RuntimeError('no licence')\n")
    (tmp_path / "users_script.py").write_text("import sys\nsys.exit('usage: script')\n")
    path = list(sys.path)
    yield tmp_path
    assert sys.path == path
    for name in names:
        sys.modules.pop(name, None)


def test_the_simulator_is_found_by_name():
    assert isinstance(resolve_oracle("simulator:rv32i", RVFI_SCHEMA), SimulatorOracle)


@pytest.mark.parametrize("name", ["simulator:rv32e", "simulator:rv32i+branch+load", "simulator:rv32e+op"])
def test_a_simulators_name_leads_back_to_it(name):
    oracle = resolve_oracle(name, RVFI_SCHEMA)
    assert isinstance(oracle, SimulatorOracle)
    assert oracle.name == name


def test_parts_and_order_of_roles_do_not_matter_to_the_simulator():
    fields = [Field(field.name, field.width, field.role) for field in RVFI_SCHEMA.fields]
    oracle = resolve_oracle("simulator:rv32i", Schema(tuple(fields[5:] + fields[:5])))
    assert isinstance(oracle, SimulatorOracle)


def test_a_function_is_imported_from_the_current_folder(module):
    oracle = resolve_oracle("users_functions:invert", SCHEMA)
    assert isinstance(oracle, FunctionOracle)
    assert oracle.query(np.array([[3]], np.uint64))[0].tolist() == [[12]]
    assert oracle.name == "users_functions:invert"


@pytest.mark.parametrize(
    "text,said",
    [
        ("", "is no oracle's name"),
        ("rv32i", "is no oracle's name"),
        ("simulator:", "is no oracle's name"),
        (":invert", "is no oracle's name"),
        ("simulator:rv64i", "there is no simulator 'rv64i'"),
        ("simulator:rv32i", "the schema has a:4, q:4"),
        ("simulator:rv32e", "the schema has a:4, q:4"),
        ("simulator:rv32i+branches", "there is no opcode class 'branches'"),
        ("simulator:rv32i+", "there is no opcode class ''"),
        ("users_nothing:invert", "'users_nothing' cannot be imported.*ModuleNotFoundError.*current folder"),
        ("users_broken:invert", "'users_broken' cannot be imported.*RuntimeError: no licence"),
        ("users_script:main", "'users_script' cannot be imported.*SystemExit: usage: script"),
        ("users functions:invert", "cannot be imported"),
        (".users_functions:invert", "cannot be imported"),
        ("users_functions:convert", "has no callable 'convert'"),
        ("users_functions:constant", "has no callable 'constant'"),
        ("users_functions:invert.x.y", "has no callable 'invert.x.y'"),
    ],
)
def test_what_names_no_oracle_is_refused(module, text, said):
    with pytest.raises(InputError, match=f"^oracle {re.escape(repr(text))}: .*{said}"):
        resolve_oracle(text, SCHEMA)


def test_the_simulator_refuses_other_widths():
    fields = list(RVFI_SCHEMA.fields)
    fields[0] = Field("insn", 16, "in")
    with pytest.raises(InputError, match="insn:16"):
        resolve_oracle("simulator:rv32i", Schema(tuple(fields)))
