"""What chance alone does: exact binomial intervals of a coin that is thrown for each question.

Each question has two answers, one of them right, and no two questions of a sort share anybody (`match.questions`). An
attacker to whom the dumps say nothing is right in Binomial(n, 1/2) of n questions, whatever it does. The interval is
exact, and two-sided: who is wrong too often knows something as well.
"""

from math import comb, log

LEVEL = 0.99
"""Of the interval that a whole family of tests keeps together by chance."""


def interval(trials: int, level: float) -> tuple[int, int]:
    """The fewest and the most right answers that chance gives with at least this probability, half of the rest at each
    end: P(X < fewest) and P(X > most) are at most (1 - level) / 2."""
    tail, below, fewest = (1 - level) / 2 * 2**trials, 0, 0
    while below + comb(trials, fewest) <= tail:
        below += comb(trials, fewest)
        fewest += 1
    return fewest, trials - fewest


def each(tests: int, level: float = LEVEL) -> float:
    """The level of each of several tests, so that all of them together keep `level` (Bonferroni)."""
    return 1 - (1 - level) / tests


def weight(right: int, wrong: int) -> float:
    """What a vote is worth of whom practice showed right and wrong so often: the logarithm of its odds."""
    return log((right + 1) / (wrong + 1))
