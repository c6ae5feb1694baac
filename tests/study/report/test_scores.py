"""Scores of the best configuration, in words."""

from dataclasses import replace

from study.report.summary import words


def test_intervals_that_include_zero_are_no_difference(content):
    score = content.best.scores[0]
    for low, high, short, said in (
        (
            -0.01,
            0.03,
            "no significant difference",
            "no significant difference on PF-Pascal (the interval includes 0)",
        ),
        (0.01, 0.03, "better than", "is better than the baseline on PF-Pascal"),
        (-0.03, -0.01, "worse than", "is worse than the baseline on PF-Pascal"),
    ):
        one = replace(score, gap=replace(score.gap, low=low, high=high))
        assert short in one.gap.verdict
        report = replace(content, best=replace(content.best, scores=(one,)))
        assert said in words(report).chosen
