import os
from pathlib import Path

import pytest

from bsdgen.cli.app import main
from bsdgen.errors import InputError
from bsdgen.synth.liberty import find_liberty, read_liberty

TINY = Path(__file__).parent / "tiny.lib"


def test_cells() -> None:
    library = read_liberty(TINY)
    assert library.name == "tiny"
    assert set(library.cells) == {"INV", "BUF", "NAND2", "NOR2", "DFF"}
    assert library.flip_flops == ["DFF"]
    assert library.cells["DFF"].clock == "CK" and library.cells["DFF"].outputs == ("Q",)
    assert [cell.name for cell in library.cells.values() if cell.buffered] == ["BUF"]
    nand = library.cells["NAND2"]
    assert nand.area == 2 and nand.leakage_w == pytest.approx(0.02e-9)
    assert nand.energy_j == pytest.approx(0.01e-12)


def test_the_real_one_if_it_is_there() -> None:
    path = find_liberty()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the liberty is missing; `make liberty` gets it")
        pytest.skip("no liberty; `make liberty` gets one")
    library = read_liberty(path)
    assert {"INVX1", "NAND2X1", "DFFPOSX1"} <= set(library.cells)
    assert library.cells["INVX1"].area == 16
    assert not library.cells["TBUFX1"].buffered


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no liberty file"),
        ("module adder(input a);\nendmodule\n", "is no liberty file"),
        ('{"json": true}', "is no liberty file"),
        ("library (empty) { }", "none of them a gate"),
        ("library (cut) { cell (INV) { area : 1; pin (A) {", "cut short"),
        ('library (bare) { cell (INV) { pin (Y) { direction : output; function : "A"; } } }', "has the area"),
    ],
)
def test_what_is_no_liberty(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.lib"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        read_liberty(path)


def test_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", str(tmp_path), "--lib", str(tmp_path / "none.lib")]) == 3
    assert "make liberty" in capsys.readouterr().err
    (tmp_path / "noise.lib").write_bytes(bytes(range(256)))
    assert main(["synth", str(tmp_path), "--lib", str(tmp_path / "noise.lib")]) == 3
    assert "noise.lib: is no liberty file" in capsys.readouterr().err


PINS = 'pin (A) { direction : input; } pin (Y) { direction : output; function : "A"; }'
GATE = f"cell (BUF) {{ area : %s; %s {PINS} }}"


@pytest.mark.parametrize("area", ['"wide"', "nan", "inf", "-1"])
def test_an_area_that_is_no_number(tmp_path: Path, area: str) -> None:
    path = tmp_path / "odd.lib"
    path.write_text(f"library (odd) {{ {GATE % (area, '')} }}")
    with pytest.raises(InputError, match="'BUF' has the area"):
        read_liberty(path)


def test_what_libraries_also_do(tmp_path: Path) -> None:
    path = tmp_path / "odd.lib"
    states = 'leakage_power () { when : "A"; value : 3; } leakage_power () { value : 1; }'
    unit = 'leakage_power_unit : "1..nW";'
    path.write_bytes(b"\xef\xbb\xbf" + f"library (odd) {{ {unit} {GATE % (2, states)} }}".encode())
    cell = read_liberty(path).cells["BUF"]
    assert cell.area == 2 and cell.leakage_w == 2 and cell.buffered == "A"
    path.write_text(f"library (odd) {{ {GATE % (2, 'dont_use : true;')} }}")
    assert read_liberty(path).cells["BUF"].buffered == ""
