import sys
from pathlib import Path

# Helpers of other parts' tests: the hand-written model, small programs.
for folder in ("core", "isa"):
    path = str(Path(__file__).parents[1] / folder)
    if path not in sys.path:
        sys.path.append(path)
