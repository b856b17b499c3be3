"""What comes with an installation beside the code: top-level folders of the clone, which a wheel carries too.

Only the standard library is imported: the pinned sets are asked for before anything else is installed.
"""

import importlib.util
import sys
from contextlib import suppress
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def shipped(name: str) -> Path:
    """The folder "recipes", "requirements" or "slurm"; pyproject.toml says what of it a wheel holds."""
    in_clone = PACKAGE.parents[1] / name
    return in_clone if in_clone.is_dir() else PACKAGE / name


def pinned_set(device: str) -> Path:
    """The file of exact versions that were tried together, for "gpu" or "cpu"."""
    return shipped("requirements") / f"{device}.txt"


def missing_download() -> Path | None:
    """The file that LightEval downloads when it loads its tasks, wherever it runs; None where it is there already."""
    spec = importlib.util.find_spec("lighteval")
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(spec.submodule_search_locations[0]) / "tasks" / "tasks" / "tinyBenchmarks.pkl"
    return None if file.exists() else file


def spare_download() -> None:
    """An empty file in its place: only LightEval's tinyBenchmarks tasks read it."""
    if file := missing_download():
        # a folder that this user may not write: LightEval says what comes of it
        with suppress(OSError):
            file.touch()
            text = (
                f"Placed an empty {file}, so that LightEval loads without internet (its tinyBenchmarks tasks are off)."
            )
            print(text, file=sys.stderr)
