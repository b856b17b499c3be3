"""The address under which trainers import the callback: `from lighteval_r1.callbacks import EvaluateCheckpoints`."""

from lighteval_r1.slurm.training import EvaluateCheckpoints

__all__ = ["EvaluateCheckpoints"]
