"""A vectorised Python callable as an oracle."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bsdgen.bits import U64, n_words, pack_fields, unpack_fields
from bsdgen.errors import OracleError
from bsdgen.traces.schema import Field, Schema


class FunctionOracle:
    """Asks a callable that knows fields, not bits.

    Parameters
    ----------
    function : callable
        Gets one uint64 array of shape (n,) an input field, by keyword. Returns one array of integers or
        booleans of shape (n,) an output field: a dictionary by name, or a tuple in the schema's order.
    schema : fields.

    Examples
    --------
    >>> from bsdgen.traces.schema import Field, Schema
    >>> schema = Schema((Field("a", 4, "in"), Field("b", 4, "in"), Field("sum", 4, "out")))
    >>> oracle = FunctionOracle(lambda a, b: {"sum": (a + b) & 15}, schema)
    >>> outputs, care = oracle.query(np.array([[0x97]], np.uint64))
    >>> int(outputs[0, 0]), int(care[0, 0])
    (0, 15)
    """

    def __init__(self, function: Callable[..., Any], schema: Schema) -> None:
        self.function = function
        self.schema = schema

    @property
    def name(self) -> str:
        """Text for messages: module and name of the callable."""
        function = self.function
        return f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', repr(function))}"

    @property
    def n_inputs(self) -> int:
        """Input bits."""
        return self.schema.n_inputs

    @property
    def n_outputs(self) -> int:
        """Output bits."""
        return self.schema.n_outputs

    def query(self, inputs: U64) -> tuple[U64, U64]:
        """Call the function with a batch; everything it gives is cared.

        Raises
        ------
        OracleError
            The function raises, or gives other names, types, shapes or widths than the schema says.
        """
        n = inputs.shape[0]
        if n == 0:
            nothing = np.zeros((0, n_words(self.n_outputs)), np.uint64)
            return nothing, nothing.copy()
        fields = unpack_fields(inputs, [column.width for column in self.schema.inputs])
        arguments = {column.name: values for column, values in zip(self.schema.inputs, fields, strict=True)}
        try:
            result = self.function(**arguments)
        except (Exception, SystemExit) as error:  # sys.exit would end bsdgen with a code of its own
            raise OracleError(
                f"oracle {self.name}: raised {type(error).__name__}: {error}; it gets the keyword arguments "
                f"{', '.join(arguments)}, each a uint64 array of shape ({n},)"
            ) from error
        named = self._named(result)
        columns = np.array([self._column(column, named[column.name], n) for column in self.schema.outputs])
        outputs = pack_fields(columns, [column.width for column in self.schema.outputs])
        ones = np.full((len(self.schema.outputs), 1), np.iinfo(np.uint64).max, np.uint64)
        care = pack_fields(ones, [column.width for column in self.schema.outputs])
        return outputs, np.repeat(care, n, axis=0)

    def _named(self, result: Any) -> Mapping[str, Any]:
        """The callable's result by output name."""
        names = [column.name for column in self.schema.outputs]
        if isinstance(result, Mapping):
            if set(result) != set(names):
                missing = [name for name in names if name not in result]
                extra = [str(name) for name in result if name not in names]
                raise OracleError(
                    f"oracle {self.name}: returned the names {', '.join(map(str, result)) or '(none)'}; "
                    f"expected {', '.join(names)} (missing: {', '.join(missing) or 'none'}; "
                    f"unknown: {', '.join(extra) or 'none'}); mend the function or the schema"
                )
            return result
        if isinstance(result, tuple | list):
            if len(result) != len(names):
                raise OracleError(
                    f"oracle {self.name}: returned {len(result)} arrays, expected {len(names)} "
                    f"({', '.join(names)}); return one array an output field"
                )
            return dict(zip(names, result, strict=True))
        if isinstance(result, np.ndarray) and len(names) == 1:
            return {names[0]: result}
        raise OracleError(
            f"oracle {self.name}: returned {type(result).__name__}, expected a dictionary or tuple with one "
            f"array an output field ({', '.join(names)})"
        )

    def _column(self, column: Field, values: Any, n: int) -> U64:
        """One output field's values as uint64, checked."""
        where = f"oracle {self.name}, output {column.name!r}"
        array = np.asarray(values)
        if array.dtype.kind not in "uib":
            raise OracleError(
                f"{where}: has type {array.dtype}, expected integers or booleans; convert it, for example "
                "with .astype(np.uint64)"
            )
        if array.shape != (n,):
            raise OracleError(
                f"{where}: has shape {array.shape}, expected ({n},); return one value for each row asked"
            )
        bad = array < 0 if array.dtype.kind == "i" else np.zeros(n, np.bool_)
        wide = array.astype(np.uint64)
        if column.width < 64:
            bad |= (wide >> np.uint64(column.width)) != 0
        if bad.any():
            row = int(np.argmax(bad))
            raise OracleError(
                f"{where}: value {int(array[row])} in row {row} does not fit {column.width} bits; mask it "
                f"with & {(1 << column.width) - 1:#x}, or widen the field in the schema"
            )
        return wide
