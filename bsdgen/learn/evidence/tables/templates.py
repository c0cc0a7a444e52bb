"""What explained outputs in contexts so far: feature sets, and which output builds on which."""

from collections.abc import Sequence
from dataclasses import dataclass, field

TEMPLATES = 40
"""Feature sets of other contexts that are tried, best supported first."""


@dataclass
class Templates:
    """Feature sets that explained each output, with the rows that support them, over all contexts."""

    analogy: bool = True  # whether what explained an output elsewhere is remembered
    by_output: dict[int, dict[tuple[int, ...], int]] = field(default_factory=dict)
    own: dict[tuple[int, tuple[int, ...]], tuple[int, ...]] = field(default_factory=dict)
    before: dict[int, dict[int, int]] = field(
        default_factory=dict
    )  # outputs that each was built on, how often

    def add(self, output: int, features: Sequence[int], n_rows: int, own: Sequence[int] = ()) -> None:
        """One more context that a feature set explains the output in; `own` see `Explanation`."""
        if not self.analogy:
            return
        if own:
            self.own.setdefault((output, tuple(sorted(features))), tuple(own))
        known = self.by_output.setdefault(output, {})
        key = tuple(sorted(features))
        known[key] = known.get(key, 0) + n_rows

    def follows(self, output: int, base: int) -> None:
        """One more context in which an output was built on another."""
        if not self.analogy:
            return
        known = self.before.setdefault(output, {})
        known[base] = known.get(base, 0) + 1

    def bases(self, output: int) -> list[int]:
        """Outputs that it was built on elsewhere, most often first."""
        known = self.before.get(output, {})
        return sorted(known, key=lambda q: (-known[q], q))

    def of(self, output: int) -> list[tuple[int, ...]]:
        """Feature sets, best supported first."""
        known = self.by_output.get(output, {})
        return [key for key, _ in sorted(known.items(), key=lambda item: (-item[1], item[0]))[:TEMPLATES]]
