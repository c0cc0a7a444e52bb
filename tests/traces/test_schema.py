"""Schemas: rules, names of bits, TOML."""

from pathlib import Path

import pytest

from bsdgen.errors import InputError
from bsdgen.traces.schema import RVFI_SCHEMA, Field, Schema, bit_names, load_schema

GOOD = """
[[field]]
name = "a"
width = 8
role = "in"

[[field]]
name = "y"
width = 64
role = "out"
part = "early"

[[field]]
name = "b"
width = 1
role = "in"
"""


def test_roles_and_widths() -> None:
    schema = Schema((Field("a", 8, "in"), Field("y", 3, "out"), Field("b", 1, "in"), Field("z", 64, "out")))
    assert [f.name for f in schema.inputs] == ["a", "b"]
    assert [f.name for f in schema.outputs] == ["y", "z"]
    assert (schema.n_inputs, schema.n_outputs) == (9, 67)
    assert schema.input_names() == [*(f"a[{i}]" for i in range(8)), "b"]
    assert schema.output_names()[:4] == ["y[0]", "y[1]", "y[2]", "z[0]"]


def test_bit_names_of_nothing() -> None:
    assert bit_names([]) == []


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "a[0]"])
def test_names_are_identifiers(name: str) -> None:
    with pytest.raises(InputError, match="must be an identifier, not"):
        Schema((Field(name, 1, "in"),))


@pytest.mark.parametrize("width", [0, -3, 65])
def test_widths_have_a_range(width: int) -> None:
    with pytest.raises(InputError, match=f"'a': width must be 1 to 64 bits, not {width}"):
        Schema((Field("a", width, "in"),))


def test_names_differ_between_inputs_and_outputs_too() -> None:
    with pytest.raises(InputError, match="b, c occur more than once"):
        Schema(
            tuple(Field(name, 1, role) for name in "abc" for role in ("in", "out") if name + role != "aout")
        )


def test_toml(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(GOOD)
    assert load_schema(path) == Schema(
        (Field("a", 8, "in"), Field("y", 64, "out", "early"), Field("b", 1, "in", "result"))
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no .*field.* table"),
        ("[[field]\n", "is no TOML"),
        (GOOD.replace("width = 8\n", ""), "needs name, width and role"),
        (GOOD.replace("width = 8", 'width = "8"'), "needs name, width and role"),
        (GOOD.replace('"out"', '"inout"'), "needs name, width and role"),
        (GOOD.replace("64", "65"), "width must be 1 to 64 bits, not 65"),
        (GOOD.replace('"y"', '"a"'), "a occur more than once"),
        ("field = 3\n", "needs name, width and role"),
    ],
)
def test_bad_toml(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_schema(path)


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: cannot be read"):
        load_schema(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is no TOML"):
        load_schema(tmp_path / "bytes.toml")


def test_the_step_function() -> None:
    """Widths of the port's standard; outputs of a part never need inputs that come later."""
    assert (RVFI_SCHEMA.n_inputs, RVFI_SCHEMA.n_outputs) == (160, 152)
    parts = {field.name: field.part for field in RVFI_SCHEMA.outputs}
    assert [name for name, part in parts.items() if part == "source"] == ["rs1_addr", "rs2_addr"]
    assert [name for name, part in parts.items() if part == "request"] == [
        "mem_addr",
        "mem_rmask",
        "mem_wmask",
        "mem_wdata",
    ]
