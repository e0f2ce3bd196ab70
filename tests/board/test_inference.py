"""Tests of inference against cases by hand, scipy and statsmodels."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sem, ttest_ind_from_stats, ttest_rel
from scipy.stats import t as scipy_t
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from bench.board.inference import half_width, holm, judge, margin_of, paired_p
from bench.board.statistics import Summary, paired_difference, summarize


def test_the_margin_is_three_units_or_two_std() -> None:
    assert margin_of(0.0, 0.1) == pytest.approx(0.3)
    assert margin_of(0.1, 0.1) == pytest.approx(0.3)
    assert margin_of(0.4, 0.1) == pytest.approx(0.8)
    assert margin_of(0.01, 0.01) == pytest.approx(0.03)


def test_welch_by_hand() -> None:
    """Means 1 apart, both std 0.3 of 3: error √(0.06) = 0.2449, t = 4.082 with 4 degrees of freedom, p = 0.0151."""
    found = judge(Summary(82.0, 0.3, 3), 81.0, 0.3, 0.1, 3)
    assert found.p == pytest.approx(0.0151, abs=1e-4)
    assert (found.word, found.difference, found.margin) == ("higher", pytest.approx(1.0), pytest.approx(0.6))
    # 2.776 is the 97.5 % point of Student's t with 4 degrees of freedom.
    assert found.low == pytest.approx(1 - 2.776 * 0.24495, abs=1e-3)
    assert found.high == pytest.approx(1 + 2.776 * 0.24495, abs=1e-3)


@pytest.mark.parametrize("ours", [Summary(81.2, 0.7, 3), Summary(80.0, 0.05, 5), Summary(82.5, 1.3, 2)])
def test_welch_against_scipy(ours: Summary) -> None:
    found = judge(ours, 81.0, 0.4, 0.1, 3)
    scipy = ttest_ind_from_stats(ours.mean, ours.std, ours.n, 81.0, 0.4, 3, equal_var=False)
    assert found.p == pytest.approx(scipy.pvalue)


@pytest.mark.parametrize(
    ("ours", "word"),
    [
        (Summary(81.6, 0.3, 3), "reproduced"),
        (Summary(80.4, 0.3, 3), "reproduced"),
        (Summary(82.0, 0.3, 3), "higher"),
        (Summary(80.0, 0.3, 3), "lower"),
        (Summary(82.0, 1.5, 3), "can't be judged"),
        (Summary(81.0, None, 1), "can't be judged"),
    ],
)
def test_verdicts(ours: Summary, word: str) -> None:
    assert judge(ours, 81.0, 0.3, 0.1, 3).word == word


def test_a_difference_that_is_not_sure_says_so() -> None:
    assert judge(Summary(82.0, 1.5, 3), 81.0, 0.3, 0.1, 3).reason.startswith("beyond the margin, but p = 0.3")
    assert judge(Summary(82.0, None, 1), 81.0, 0.3, 0.1, 3).reason == "one seed has no std"


VGG_19 = (66.21, 48.7, 0.1)
"""A cell of the paper one of whose seeds collapsed, 28.75 below the one that it is compared with."""


@pytest.mark.parametrize("mean", [95.0, 66.21, 20.0])
def test_a_spread_wider_than_the_effect_judges_nothing(mean: float) -> None:
    """The margin of 2 stds, 97.4, is cut to half of 28.75, and the error of their mean alone is 48.7/√3 = 28.12."""
    found = judge(Summary(mean, 0.1, 3), *VGG_19, 3, effect=28.75)
    assert (found.word, found.margin) == ("can't be judged", pytest.approx(14.375))
    assert found.reason == "half of the paper's effect is 14.4, less than the standard error of the difference, 28.1"


def test_what_is_surely_different_is_so_however_small_the_effect() -> None:
    """RN-56: 75.07 ± 0.6 against 70 ± 0.3: error √(0.12 + 0.03) = 0.3873, t = 13.1."""
    found = judge(Summary(70.0, 0.3, 3), 75.07, 0.6, 0.1, 3, effect=0.51)
    assert (found.word, found.margin) == ("lower", pytest.approx(0.255))
    assert judge(Summary(75.07, 0.3, 3), 75.07, 0.6, 0.1, 3, effect=0.51).word == "can't be judged"


@pytest.mark.parametrize(
    ("effect", "std", "word", "margin"),
    [
        # 84.19 ± 0.2 and 83.11: half of 1.08 is more than 2 stds, which stay the margin.
        (1.08, 0.2, "reproduced", 0.4),
        # Error √(0.04/3 + 0.04/3) = 0.1633: a margin of 0.17 can be seen, one of 0.16 can't.
        (0.34, 0.2, "reproduced", 0.17),
        (0.32, 0.2, "can't be judged", 0.16),
        (0.0, 0.2, "can't be judged", 0.0),
        (None, 0.2, "reproduced", 0.4),
    ],
)
def test_the_margin_is_half_of_the_effect_at_most(effect: float | None, std: float, word: str, margin: float) -> None:
    found = judge(Summary(84.19, std, 3), 84.19, 0.2, 0.1, 3, effect=effect)
    assert (found.word, found.margin) == (word, pytest.approx(margin))


def test_a_mean_reproduces_one_of_two_compared_cells_at_most() -> None:
    for tenth in range(830, 845):
        ours = Summary(tenth / 10, 0.1, 5)
        words = [judge(ours, mean, 0.4, 0.1, 3, effect=1.08).word for mean in (83.11, 84.19)]
        assert words.count("reproduced") <= 1


def test_a_printed_std_of_zero_is_half_a_unit_at_most() -> None:
    found = judge(Summary(76.25, 0.0, 3), 76.25, 0.0, 0.1, 3)
    assert (found.word, found.p) == ("reproduced", 1.0)
    scipy = ttest_ind_from_stats(76.75, 0.02, 3, 76.25, 0.05, 3, equal_var=False)
    assert judge(Summary(76.75, 0.02, 3), 76.25, 0.0, 0.1, 3).p == pytest.approx(scipy.pvalue)


def test_equivalence_is_shown_by_small_errors_only() -> None:
    sure = judge(Summary(81.0, 0.1, 10), 81.0, 0.3, 0.1, 3).p_equivalence
    unsure = judge(Summary(81.0, 0.9, 3), 81.0, 0.3, 0.1, 3).p_equivalence
    assert sure is not None
    assert unsure is not None
    assert sure < 0.05 < unsure


def test_equivalence_against_two_one_sided_tests() -> None:
    ours = Summary(81.1, 0.2, 4)
    sides = [
        ttest_ind_from_stats(81.1, 0.2, 4, 81.0 + shift, 0.3, 3, equal_var=False, alternative=side).pvalue
        for shift, side in ((0.6, "less"), (-0.6, "greater"))
    ]
    assert judge(ours, 81.0, 0.3, 0.1, 3).p_equivalence == pytest.approx(max(sides))


def test_welch_interval_and_equivalence_against_statsmodels() -> None:
    """From samples, by a library that knows nothing of summaries."""
    ours, theirs = [81.3, 81.0, 81.6], [80.9, 81.1, 81.0]
    compared = CompareMeans(DescrStatsW(ours), DescrStatsW(theirs))
    paper = summarize(theirs)
    mine = summarize(ours)
    assert mine is not None
    assert paper is not None
    assert paper.std is not None
    found = judge(mine, paper.mean, paper.std, 0.1, 3)
    assert (found.low, found.high) == pytest.approx(compared.tconfint_diff(0.05, usevar="unequal"))
    assert found.margin is not None
    assert found.p_equivalence == pytest.approx(compared.ttost_ind(-found.margin, found.margin, usevar="unequal")[0])


def test_results_without_any_spread_against_a_paper_with_some() -> None:
    found = judge(Summary(81.0, 0.0, 3), 80.0, 0.3, 0.1, 3)
    scipy = ttest_ind_from_stats(81.0, 0.0, 3, 80.0, 0.3, 3, equal_var=False)
    assert (found.word, found.p) == ("higher", pytest.approx(scipy.pvalue))


def test_the_paired_test_against_scipy() -> None:
    ours, theirs = {0: 75.1, 1: 75.9, 2: 75.4}, {0: 74.8, 1: 75.2, 2: 75.3}
    difference = paired_difference(ours, theirs)
    assert difference is not None
    assert paired_p(difference) == pytest.approx(ttest_rel(list(ours.values()), list(theirs.values())).pvalue)


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5]])
def test_what_the_paired_test_cannot_say(values: list[float]) -> None:
    difference = summarize(values)
    assert difference is not None
    assert paired_p(difference) is None


def test_the_interval_of_a_difference_is_students() -> None:
    differences = [0.4, 1.0, -0.2, 0.7]
    found = summarize(differences)
    assert found is not None
    low, high = scipy_t.interval(0.95, 3, loc=found.mean, scale=sem(differences))
    assert half_width(found) == pytest.approx((high - low) / 2)
    assert half_width(Summary(1.0, None, 1)) is None


@pytest.mark.parametrize("values", [[0.1, 0.4, 0.3], [0.0, 0.9, -0.1], [-2.0, -2.1], [0.3, 0.2, 0.4, 0.3]])
def test_the_interval_leaves_out_zero_where_the_test_says_so(values: list[float]) -> None:
    found = summarize(values)
    assert found is not None
    half, p = half_width(found), paired_p(found)
    assert half is not None
    assert p is not None
    assert (abs(found.mean) > half) == (p < 0.05)


def test_holm_against_bonferronis_first_step_and_monotony() -> None:
    values = [0.001, 0.2, 0.011, 0.03, 0.03]
    corrected = [found for found in holm(values) if found is not None]
    assert min(corrected) == pytest.approx(5 * 0.001)
    ordered = [each for _, each in sorted(zip(values, corrected, strict=True))]
    assert ordered == sorted(ordered)
    assert all(after >= before for before, after in zip(values, corrected, strict=True))


def test_holm_by_hand() -> None:
    """Of sorted p, the i-th of m (from 0) is multiplied by m − i, and never falls below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_was_not_tested() -> None:
    found = holm([None, 0.02, None, 0.03])
    assert (found[0], found[2]) == (None, None)
    assert found[1::2] == pytest.approx([0.04, 0.04])
    assert holm([None]) == [None]
    assert holm([]) == []


@settings(max_examples=25)
@given(st.lists(st.none() | st.floats(0, 1), max_size=8))
def test_holm_is_that_of_statsmodels(values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    theirs = iter(multipletests(known, method="holm")[1] if known else ())
    expected = [None if value is None else pytest.approx(next(theirs)) for value in values]
    assert holm(values) == expected
