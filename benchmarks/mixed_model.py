"""A mixed model with crossed random images, beside which the statistics of PCK are measured."""

import numpy as np

from benchmarks.simulated_pairs import Floats, Pairs


class MixedModel:
    """REML: category means, normal effects of crossed images, noise of pairs.

    The ratio of the two variances is the best of a grid, for all data sets at once. It is asked for
    the mean over pairs, as benchmarks report it: an estimate of its own would weigh images.
    """

    def __init__(self, pairs: Pairs) -> None:
        source, target, category = pairs
        number = len(source)
        images = np.zeros((number, max(source.max(), target.max()) + 1))
        np.add.at(images, (np.arange(number), source), 1.0)
        np.add.at(images, (np.arange(number), target), 1.0)
        means = (category[:, None] == np.unique(category)).astype(float)
        self.freedom = number - means.shape[1]
        self.ratios = []
        for ratio in (0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1, 2, 4):
            covariance = np.eye(number) + ratio * images @ images.T
            inverse = np.linalg.inv(covariance)
            inner = means.T @ inverse @ means
            precision = inverse - inverse @ means @ np.linalg.solve(inner, means.T @ inverse)
            logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(inner)[1]
            self.ratios.append((precision, covariance.mean(), logs))

    def z(self, gains: Floats) -> Floats:
        """(sets,) absolute Wald statistics of the mean of ``gains`` (sets, P)."""
        likelihoods, statistics = [], []
        for precision, error, logs in self.ratios:
            noise = np.einsum("kp,kp->k", gains @ precision, gains) / self.freedom
            noise = np.maximum(noise, 1e-12)
            likelihoods.append(-0.5 * (self.freedom * np.log(noise) + logs))
            statistics.append(np.abs(gains.mean(axis=1)) / np.sqrt(noise * error))
        best = np.argmax(likelihoods, axis=0)
        return np.asarray(np.take_along_axis(np.array(statistics), best[None], axis=0)[0])
