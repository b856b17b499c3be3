"""How fast a report opens: 30 problems x 64 replies of 100 kB, written once, opened in Chromium from the disk.

    python benchmarks/report_page.py [--characters 100000] [--repeats 5]

Needs Chromium, chromedriver and selenium. The time runs from the navigation's start to the first frame after the load
event, with the grid drawn; then one reply is opened, and loaded in full.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser import chromium, open_page, why_not

from lighteval_r1.records import Outcome, Run, RunProblem, Sample, TaskRun
from lighteval_r1.report.contents import write_report

LIMIT_S = 3.0
FRAME = """
const done = arguments[0];
const n = () => document.querySelectorAll('.cell').length;
requestAnimationFrame(() => requestAnimationFrame(() => done([performance.now(), n()])));
"""
OPEN = """
const [done, selector] = [arguments[1], arguments[0]];
const from = performance.now();
document.querySelector(selector).click();
requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from)));
"""
LOAD = """
const done = arguments[0];
const from = performance.now();
document.querySelector('button.load').click();
const wait = () => document.querySelector('button.load') ? requestAnimationFrame(wait) : done(performance.now() - from);
wait();
"""


def a_run(*, n_problems: int, n_samples: int, characters: int) -> Run:
    draw = random.Random(0)
    words = [f"Let $x_{{{i}}} = \\frac{{{i}}}{{{i + 1}}}$ and consider the sum over all terms. " for i in range(200)]
    problems = []
    for number in range(n_problems):
        samples = []
        for index in range(n_samples):
            text = "".join(draw.choices(words, k=characters // 60))[:characters]
            outcome = Outcome(draw.choice(["correct", "wrong", "no_answer"]))
            reply = text if outcome == "no_answer" else f"{text}</think>The answer is $\\boxed{{{number}}}$."
            samples.append(
                Sample(
                    f"{number}[{index}]",
                    str(number),
                    index,
                    index,
                    reply,
                    True,
                    "stop",
                    n_tokens=characters // 3,
                    outcome=outcome,
                    answer=str(number),
                )
            )
        problems.append(
            RunProblem(
                f"id{number}", f"2024-{number}", "What is $x$?", str(number), "expression", {"level": "1"}, samples
            )
        )
    return Run("a/model", "memory", {}, {}, {"r1_aime24": TaskRun("r1_aime24", 1, "", "", problems)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--characters", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if why_not():
        sys.exit(why_not())
    run = a_run(n_problems=30, n_samples=64, characters=options.characters)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        began = time.perf_counter()
        write_report([run], out=page, published=lambda *_: ())
        size = page.stat().st_size / 1e6
        beside = sum(path.stat().st_size for path in page.with_suffix(".files").iterdir()) / 1e6
        print(f"written in {time.perf_counter() - began:.1f} s: page {size:.1f} MB, files beside it {beside:.0f} MB")
        times = {"page": [], "reply": [], "full reply": []}
        with chromium() as driver:
            for _ in range(options.repeats):
                open_page(driver, page)
                milliseconds, n_cells = driver.execute_async_script(FRAME)
                assert n_cells >= 1920, n_cells
                times["page"].append(milliseconds / 1000)
                times["reply"].append(driver.execute_async_script(OPEN, '[data-y="3"][data-x="5"]') / 1000)
                times["full reply"].append(driver.execute_async_script(LOAD) / 1000)
    for what, seconds in times.items():
        print(f"{what}: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s of {len(seconds)}")
    if max(times["page"]) > LIMIT_S:
        sys.exit(f"the page took longer than {LIMIT_S} s")


if __name__ == "__main__":
    main()
