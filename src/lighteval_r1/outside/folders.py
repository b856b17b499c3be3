"""What lies below a folder, links to other folders included: runs are often kept on a larger disk and linked to."""

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path


def files_below(folder: Path, pattern: str) -> Iterator[Path]:
    """The files of this name ("results_*.json") at any depth, each folder once. What vanishes meanwhile is left out."""
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        try:
            status = os.stat(place)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen:
            # a link back, or a second one
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (Path(place, name) for name in files if fnmatch(name, pattern))
