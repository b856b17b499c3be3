"""How fast an index over many runs is written, opens and sorts: 50 runs, then 500, of two tasks each.

    python benchmarks/index_page.py [--runs 500] [--pages]

Needs Chromium, chromedriver and selenium. Opening runs from the navigation's start to the first frame after the load
event; sorting from the click on a column to the next frame. --pages: the page of each run is written, too.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser import chromium, open_page, why_not
from runs import asked, write_run

from lighteval_r1.report import index

TASKS = {"r1_aime24": 30, "r1_math_500": 100}
LIMITS_S = {"index": 30.0, "open": 1.0, "sort": 0.2}
FRAME = """
const done = arguments[0];
requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
"""
SORT = """
const done = arguments[0];
const from = performance.now();
document.querySelector('[data-sort="0"]').click();
requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from)));
"""


def write_runs(folder: Path, *, n_runs: int) -> None:
    """One run written in full, and copies of it under other models' names with other scores in their results."""
    draw = random.Random(0)
    problems = {
        task: asked(**{f"p{at}": "".join(draw.choices("ccw", k=4)) for at in range(n)}) for task, n in TASKS.items()
    }
    first = write_run(folder / "run0", problems, model="org/model-0")
    for at in range(1, n_runs):
        copy = folder / f"run{at}"
        shutil.copytree(first, copy)
        for path in [*copy.glob("*/org/model-0")]:
            path.rename(path.with_name(f"model-{at}"))
        for path in copy.rglob("results_*.json"):
            text = path.read_text().replace("org/model-0", f"org/model-{at}")
            path.write_text(text.replace('"value": 0.', f'"value": 0.{draw.randrange(100, 900)}'))


def measured(n_runs: int, *, pages: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "runs", Path(name) / "index.html"
        write_runs(folder, n_runs=n_runs)
        began = time.perf_counter()
        told = index.write_index(folder, out=out, published=lambda *_: (), numbers="")
        next(told)
        seconds = {"index": time.perf_counter() - began}
        if pages:
            list(told)
            seconds["pages"] = time.perf_counter() - began
        print(f"{n_runs} runs: index of {out.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
        with chromium() as driver:
            open_page(driver, out)
            seconds["open"] = driver.execute_async_script(FRAME) / 1000
            seconds["sort"] = driver.execute_async_script(SORT) / 1000
        return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--pages", action="store_true")
    options = parser.parse_args()
    if why_not():
        sys.exit(why_not())
    few, many = measured(50, pages=options.pages), measured(options.runs, pages=options.pages)
    for what, seconds in many.items():
        print(f"{what}: {seconds:.2f} s, {seconds / few[what]:.1f} times that of 50 runs ({few[what]:.2f} s)")
    late = [what for what, limit in LIMITS_S.items() if many[what] > limit]
    if late:
        sys.exit(f"too slow: {', '.join(late)}")


if __name__ == "__main__":
    main()
