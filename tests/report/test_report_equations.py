import numpy as np
import pytest
from small_models import Builder, adder_model, decoder_model

from bsdgen.errors import CheckFailed
from bsdgen.inspect import equation
from bsdgen.inspect.equation import Equation, espresso_terms, minimise
from bsdgen.model import Model
from bsdgen.report.equations import find_equations
from bsdgen.report.structure import analyse
from bsdgen.traces.schema import Field, Schema

ALL = (np.arange(16)[:, np.newaxis] >> np.arange(4)) & 1


def evaluate(equation: Equation, values: dict[str, int]) -> int:
    """Read the text form as a person would."""
    if equation.text in ("0", "1"):
        return int(equation.text)
    return int(
        any(
            all(values[name.lstrip("!")] == (0 if name.startswith("!") else 1) for name in product.split())
            for product in equation.text.split(" | ")
        )
    )


@pytest.mark.parametrize("seed", range(20))
def test_minimised_terms_are_the_function(seed: int) -> None:
    values = np.random.default_rng(seed).random(16) < 0.4
    values[0] = True
    terms = espresso_terms(ALL, values)
    names = ("a", "b", "c", "d")
    equation = Equation("f", names, terms)
    for row, value in zip(ALL.tolist(), values.tolist(), strict=True):
        assert evaluate(equation, dict(zip(names, row, strict=True))) == value


def test_minimum_is_found() -> None:
    assert espresso_terms(ALL, ALL[:, 2] == 1) == ("--1-",)
    assert espresso_terms(ALL, (ALL[:, 0] ^ ALL[:, 1]) == 1) == ("10--", "01--")
    majority = ALL[:, :3].sum(axis=1) >= 2
    assert set(espresso_terms(ALL, majority)) == {"11--", "1-1-", "-11-"}


def test_adder_outputs() -> None:
    model = adder_model(4)
    found = {item.name: item for item in find_equations(model, analyse(model))}
    assert "total[0]" not in found  # two variables only
    total = found["total[1]"]
    assert total.support == ("a[0]", "a[1]", "b[0]", "b[1]")
    for a in range(4):
        for b in range(4):
            values = {
                f"{name}[{bit}]": word >> bit & 1 for name, word in (("a", a), ("b", b)) for bit in (0, 1)
            }
            assert evaluate(total, values) == (a + b) >> 1 & 1
    carries = [item for name, item in found.items() if name.startswith("node") and item.guards]
    assert carries
    assert [item.guards for item in carries] == sorted((item.guards for item in carries), reverse=True)


def test_decoder_is_readable() -> None:
    model = decoder_model()
    found = find_equations(model, analyse(model))
    lui = [item for item in found if item.pattern() == ("insn[6:0]", ("0110111",))]
    assert lui
    assert "!insn[3]" in lui[0].text


def test_complemented_output_and_dead_variables() -> None:
    build = Builder(4)
    a, b, c, d = (build.var(i) for i in range(4))
    both = build.and_(a, b, c)
    same = build.ite(d, both, both)  # no node: ITE(d, x, x) is x
    schema = Schema((Field("w", 4, "in"), Field("f", 1, "out"), Field("g", 1, "out")))
    model = Model(build.build([both ^ 1, same]), schema, {})
    found = {item.name: item.text for item in find_equations(model, analyse(model))}
    assert set(found["f"].split(" | ")) == {"!w[0]", "!w[1]", "!w[2]"}
    assert found["g"] == "w[0] w[1] w[2]"


def test_constants_and_long_sums_are_left_out() -> None:
    build = Builder(5)
    parity = 0
    for variable in range(5):
        parity = build.xor(build.var(variable), parity) if parity else build.var(variable)
    schema = Schema((Field("w", 5, "in"), Field("f", 1, "out")))
    model = Model(build.build([parity]), schema, {})
    assert all(item.name != "f" for item in find_equations(model, analyse(model)))  # 16 products


def test_a_wrong_minimiser_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model = adder_model(2)
    literal = int(model.bsd.roots[1])
    support = model.bsd.supports()[literal >> 1]
    monkeypatch.setattr(equation, "espresso_terms", lambda *_: ("1---",))
    with pytest.raises(CheckFailed, match=r"total\[1\]"):
        minimise(model, "total[1]", literal, support)


def test_pattern_needs_one_field() -> None:
    assert Equation("f", ("a[0]", "b[0]"), ("11",)).pattern() is None
    assert Equation("f", ("a", "b"), ("11",)).pattern() is None
    assert Equation("f", (), ()).text == "0"
