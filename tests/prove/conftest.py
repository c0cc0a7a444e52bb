import sys
from pathlib import Path

import pytest

# Helpers of other parts' tests: the hand-written model, Spike.
for folder in ("core", "spike"):
    path = str(Path(__file__).parents[1] / folder)
    if path not in sys.path:
        sys.path.append(path)

from prove_models import step_model, write_all  # noqa: E402
from standin import written_step  # noqa: E402


@pytest.fixture(scope="session")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a right model; nothing but proof.json is to be changed there."""
    return write_all(step_model(written_step()), tmp_path_factory.mktemp("right") / "cpu")


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove in this process: starting others takes longer than small proofs."""
    monkeypatch.setattr("bsdgen.prove.tasks._SMALL", 10**9)
