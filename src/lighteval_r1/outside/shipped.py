"""What comes with an installation beside the code: top-level folders of the clone, which a wheel carries too.

Only the standard library is imported: the pinned sets are asked for before anything else is installed.
"""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def shipped(name: str) -> Path:
    """The folder "recipes", "requirements" or "slurm"; pyproject.toml says what of it a wheel holds."""
    in_wheel = PACKAGE / "shipped" / name
    return in_wheel if in_wheel.is_dir() else PACKAGE.parents[1] / name


def pinned_set(device: str) -> Path:
    """The file of exact versions that were tried together, for "gpu" or "cpu"."""
    return shipped("requirements") / f"{device}.txt"
