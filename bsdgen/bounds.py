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
    from scipy.special import betaincinv

    if errors >= n:
        return 1.0
    return float(betaincinv(errors + 1, n - errors, (1 + CONFIDENCE) / 2))


def lower_bound(errors: int, n: int) -> float:
    """Lower end of the same interval; 0 where nothing went wrong or nothing was tried.

    Examples
    --------
    >>> lower_bound(0, 10), round(lower_bound(10, 10), 3)
    (0.0, 0.692)
    """
    from scipy.special import betaincinv

    if errors == 0:
        return 0.0
    return float(betaincinv(errors, n - errors + 1, (1 - CONFIDENCE) / 2))
