"""Boolean distance against cones counted one by one."""

import numpy as np
import pytest
from small_models import adder_model

from bsdgen.bsd import Bsd, Builder
from bsdgen.bsd.distance import distances, reaching


def cone(bsd: Bsd, *literals: int) -> set[int]:
    """Nodes below some literals, by walking."""
    found: set[int] = set()
    stack = [literal >> 1 for literal in literals]
    while stack:
        index = stack.pop()
        if index > bsd.n_inputs and index not in found:
            found.add(index)
            i = index - 1 - bsd.n_inputs
            stack += [int(array[i]) >> 1 for array in (bsd.guard, bsd.low, bsd.high)]
    return found


def random_diagram(seed: int, n_roots: int) -> Bsd:
    rng = np.random.default_rng(seed)
    builder = Builder(6)
    made = [builder.variable(v) for v in range(6)]
    for _ in range(120):
        guard, high, low = (made[k] ^ int(rng.integers(2)) for k in rng.integers(0, len(made), 3))
        made.append(builder.ite(guard, high, low))
    return builder.build([int(made[k]) for k in rng.integers(0, len(made), n_roots)])[0]


@pytest.mark.parametrize(("seed", "n_roots"), [(0, 5), (1, 70), (2, 130)])
def test_is_the_definition(seed: int, n_roots: int) -> None:
    """C(f) + C(g) - C(f, g), for more outputs than a word has bits too."""
    bsd = random_diagram(seed, n_roots)
    found = distances(bsd)
    assert found.size.max() > 10
    for i, f in enumerate(bsd.roots):
        assert found.size[i] == len(cone(bsd, int(f)))
        for j, g in enumerate(bsd.roots):
            both = len(cone(bsd, int(f), int(g)))
            assert found.together()[i, j] == both
            assert found.shared[i, j] == found.size[i] + found.size[j] - both


def test_guards_are_in_the_cone() -> None:
    builder = Builder(3)
    inner = builder.ite(builder.variable(0), builder.variable(1), 0)
    outer = builder.ite(inner, builder.variable(2), 0)
    bsd, _ = builder.build([inner, outer])
    assert distances(bsd).shared.tolist() == [[1, 1], [1, 2]]
    assert distances(bsd).overlap().tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_pairs() -> None:
    """The carry chain of an adder: neighbouring high bits share most, bit 0 nothing with any."""
    bsd = adder_model(6).bsd
    found = distances(bsd)
    i, j = found.pairs(1)[0]
    assert found.overlap()[i, j] == found.overlap()[np.triu_indices(7, 1)].max()
    far = found.pairs(3, closest=False)
    assert found.overlap()[far[0]] == found.overlap()[np.triu_indices(7, 1)].min() < 1
    assert all(min(found.size[list(pair)]) >= 5 for pair in found.pairs(50, least=5))
    assert len(found.pairs(50)) == 21


def test_of_chosen_literals() -> None:
    bsd = random_diagram(3, 4)
    top = 2 * (bsd.n_inputs + bsd.n_nodes)
    found = distances(bsd, np.array([top, top ^ 1, 2, 0], np.int32))
    assert found.size.tolist() == [len(cone(bsd, top))] * 2 + [0, 0]
    assert found.shared[0, 1] == found.size[0] and found.shared[0, 2] == 0
    assert found.overlap()[2, 3] == 0


def test_nothing() -> None:
    empty = np.zeros(0, np.int32)
    bsd = Bsd(2, empty, empty, empty, empty)
    assert distances(bsd).shared.shape == (0, 0) and distances(bsd).pairs(3) == []
    assert reaching(bsd, empty).shape == (3, 1)
