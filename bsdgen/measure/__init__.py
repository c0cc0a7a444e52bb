"""A model against its oracle on fresh vectors: counts, bounds and the first failures."""

from bsdgen.measure.merge import check_same, merge, read_measurement
from bsdgen.measure.result import ClassResult, Drawn, Measurement, measurement_text
from bsdgen.measure.run import measure
from bsdgen.measure.strata import Axes, Strata, strata_for

__all__ = [
    "Axes",
    "ClassResult",
    "Drawn",
    "Measurement",
    "Strata",
    "check_same",
    "measure",
    "measurement_text",
    "merge",
    "read_measurement",
    "strata_for",
]
