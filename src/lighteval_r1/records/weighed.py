"""Scores that do not all weigh the same, as an adaptive run's."""

import numpy as np

from lighteval_r1.records import Weighing


class WeighedScores(np.ndarray):
    weighing: Weighing
