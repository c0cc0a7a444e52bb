"""Single outputs of a diagram, evaluated by their own nodes, are what the whole diagram says."""

import numpy as np
import pytest

from bsdgen.bits import n_words
from bsdgen.bsd import Bsd, Builder
from bsdgen.bsd.cones import Cones


def a_diagram(n_inputs: int, seed: int) -> Bsd:
    rng = np.random.default_rng(seed)
    builder = Builder(n_inputs)
    literals = [0, 1, *(builder.variable(v) for v in range(n_inputs))]
    for _ in range(300):
        guard, high, low = (literals[i] ^ int(rng.integers(2)) for i in rng.integers(2, len(literals), 3))
        literals.append(builder.ite(guard, high, low))
    roots = [0, 1, builder.variable(3) ^ 1, *literals[-9:]]
    return builder.build(roots)[0]


@pytest.mark.parametrize(("n_inputs", "k", "jobs"), [(20, 64, 5), (70, 320, 7), (70, 8192, 3), (9, 100, 4)])
def test_each_output_is_the_diagrams(n_inputs: int, k: int, jobs: int) -> None:
    bsd = a_diagram(n_inputs, jobs)
    rng = np.random.default_rng(1)
    inputs = rng.integers(0, 1 << 64, (jobs * k, n_words(n_inputs)), np.uint64)
    outputs = rng.integers(0, bsd.n_outputs, jobs)
    planes = Cones.of(bsd).evaluate(inputs, k, outputs)
    whole = np.unpackbits(bsd.evaluate(inputs).view(np.uint8), axis=1, bitorder="little")
    for job, output in enumerate(outputs.tolist()):
        said = np.unpackbits(planes[job].view(np.uint8), bitorder="little", count=k)
        assert np.array_equal(said, whole[job * k : (job + 1) * k, output]), (job, output)
