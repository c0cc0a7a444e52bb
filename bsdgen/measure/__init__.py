"""A model against its oracle on fresh vectors: counts, bounds and the first failures."""

from bsdgen.measure.result import ClassResult, Measurement, measurement_text
from bsdgen.measure.run import measure
from bsdgen.measure.strata import Strata, strata_for

__all__ = ["ClassResult", "Measurement", "Strata", "measure", "measurement_text", "strata_for"]
