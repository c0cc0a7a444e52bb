import pytest

from bsdgen.bounds import lower_bound
from bsdgen.measure.result import ClassResult, Drawn, Measurement, measurement_text, upper_bound


@pytest.mark.parametrize("n", [1, 10, 1000, 250_000])
def test_bound_without_errors_is_the_closed_form(n: int) -> None:
    assert upper_bound(0, n) == pytest.approx(1 - 0.025 ** (1 / n), rel=1e-6)


def test_bound_grows_with_errors_and_holds_the_rate() -> None:
    bounds = [upper_bound(k, 1000) for k in (0, 1, 10, 999, 1000)]
    assert bounds == sorted(bounds)
    assert all(bound >= k / 1000 for bound, k in zip(bounds, (0, 1, 10, 999, 1000), strict=True))


@pytest.mark.parametrize(("errors", "n"), [(1, 10), (7, 10), (10, 10), (3, 1_000_000)])
def test_interval_is_clopper_and_pearsons(errors: int, n: int) -> None:
    """Its ends are where the seen errors are just as unlikely as 2.5 %."""
    from scipy.stats import binom

    assert binom.sf(errors - 1, n, lower_bound(errors, n)) == pytest.approx(0.025, rel=1e-6)
    if errors < n:
        assert binom.cdf(errors, n, upper_bound(errors, n)) == pytest.approx(0.025, rel=1e-6)


def test_text_shows_every_class_and_the_first_failures_only() -> None:
    failure = {"text": "", "inputs": {"a": "0x1"}, "outputs": {"b": {"model": "0x0", "oracle": "0x1"}}}
    classes = tuple(ClassResult(f"k{i}", 10, 1, 0.4, failure) for i in range(7))
    result = Measurement(70, 7, 0.2, classes, {"b": 7}, (Drawn(0, 0, 70),), ("uniform",), 1.0)
    text = measurement_text(result)
    assert all(f"k{i} " in text for i in range(7))
    assert text.count("first failure of") == 5
    assert "2 more classes fail" in text
    assert "a=0x1: b is 0x0, expected 0x1" in text
