"""What a caller may choose about the formats that have a choice."""

from dataclasses import dataclass

from bsdgen.errors import UsageError
from bsdgen.traces.schema import Schema

PLA_INPUTS = 10
PLA_MOST = 14  # tables of 2 ** 14 rows take espresso seconds each
DOT_NODES = 4_000


@dataclass(frozen=True)
class EmitOptions:
    """Choices of single formats; the others ignore them.

    Attributes
    ----------
    pla_inputs : an output bit becomes a PLA if it depends on at most so many inputs.
    dot_outputs : fields or bits of outputs that are drawn; none: all.
    dot_nodes : most nodes of a drawing; of larger ones the nodes nearest to the outputs (0: no limit).
    core : text of ``<name>_core.v``, the Verilog around the learned logic that a FuseSoC core names too; "":
        there is none.
    """

    pla_inputs: int = PLA_INPUTS
    dot_outputs: tuple[str, ...] = ()
    dot_nodes: int = DOT_NODES
    core: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.pla_inputs <= PLA_MOST:
            raise UsageError(
                f"PLA inputs must be 1 to {PLA_MOST}, not {self.pla_inputs}; a wider one is too long to read"
            )
        if self.dot_nodes < 0:
            raise UsageError(f"nodes of a drawing must be 0 (all) or more, not {self.dot_nodes}")

    def drawn(self, schema: Schema) -> list[int]:
        """Positions of the output bits that are drawn.

        Raises
        ------
        UsageError
            The schema has no such output.
        """
        names = schema.output_names()
        if not self.dot_outputs:
            return list(range(len(names)))
        fields = [field.name for field in schema.outputs for _ in range(field.width)]
        for wanted in self.dot_outputs:
            if wanted not in names and wanted not in fields:
                there = ", ".join(field.name for field in schema.outputs)
                raise UsageError(
                    f"output {wanted!r} is unknown; expected a field, or a bit such as {names[0]}, "
                    f"of: {there}"
                )
        pairs = enumerate(zip(names, fields, strict=True))
        return [at for at, (name, field) in pairs if {name, field} & set(self.dot_outputs)]
