import sys
from pathlib import Path

# Helpers of other parts' tests: the hand-written model.
path = str(Path(__file__).parents[1] / "core")
if path not in sys.path:
    sys.path.append(path)
