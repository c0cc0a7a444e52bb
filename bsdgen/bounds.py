"""Confidence bounds of counted rates."""

CONFIDENCE = 0.95


def upper_bound(errors: int, n: int) -> float:
    """Upper end of the two-sided 95 % Clopper-Pearson interval of an error rate.

    Parameters
    ----------
    errors, n : trials that went wrong, trials in all.

    Returns
    -------
    A rate between 0 and 1; 1 where nothing was tried.

    Examples
    --------
    >>> round(upper_bound(0, 100_000), 7)
    3.69e-05
    >>> upper_bound(0, 0)
    1.0
    """
    from scipy.stats import binomtest

    if n == 0:
        return 1.0
    return float(binomtest(errors, n).proportion_ci(CONFIDENCE, method="exact").high)
