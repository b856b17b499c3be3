"""Writes the pictures of pages that docs/ shows, of made-up runs, in a real Chromium.

python tests/screenshots.py [FOLDER]       docs/pictures where none is named
"""

import base64
import io
import random
import sys
import tempfile
from pathlib import Path

from browser import chromium, console, open_page, why_not
from PIL import Image
from runs import Asked, write_run

from lighteval_r1 import demo
from lighteval_r1.numbers.baselines import published_numbers
from lighteval_r1.records import Outcome, Run, RunProblem, Sample, TaskRun
from lighteval_r1.report.contents import write_report
from lighteval_r1.report.index import write_index
from lighteval_r1.report.page.thinking_section import write_page
from lighteval_r1.thinking.measure_runs import Choice, for_report, measure_runs

DEMO = Path(demo.__file__).with_name("model")
REPLY = "#r1_aime24/2024-I-5/3"
# name -> page, and how it is looked at
PICTURES = {
    "index": ("index", {"height": 820}),
    "run": ("run", {"height": 900}),
    "reply": ("run", {"height": 760, "fragment": REPLY, "to": "#filters"}),
    "pair": ("pair", {"height": 1320}),
    "think": ("think", {"height": 860}),
    "print": ("run", {"width": 1060, "height": 760, "media": "print", "to": "#grid"}),
    "dark": ("run", {"height": 700, "dark": True}),
    "phone": ("run", {"width": 400, "height": 760}),
}
LEVELS = "12345"
SETTINGS = {"temperature": 0.6, "top_p": 0.95, "max_tokens": 32768, "seed": 1234}


def outcomes(draw: random.Random, *, n_problems: int, n: int, skill: float) -> list[str]:
    """Per problem the outcome of each sample; hard problems are hard for every model."""
    rows = []
    for at in range(n_problems):
        right = 1 / (1 + 2.718 ** (6 * ((at * 7919 % n_problems) / n_problems - skill)))
        rows.append("".join("c" if draw.random() < right else draw.choice("wwwwtn") for _ in range(n)))
    return rows


def asked(draw: random.Random, *, n_problems: int, n: int, skill: float) -> list[Asked]:
    rows = outcomes(draw, n_problems=n_problems, n=n, skill=skill)
    return [Asked(f"p{at}", row, groups={"level": LEVELS[at % 5]}) for at, row in enumerate(rows)]


def folder_of_runs(folder: Path) -> Path:
    draw = random.Random(7)
    models = {"1.5B": 0.3, "7B": 0.55, "14B": 0.68, "32B": 0.74}
    for size, skill in models.items():
        tasks = {
            "r1_aime24": asked(draw, n_problems=30, n=16, skill=skill - 0.05),
            "r1_math_500": asked(draw, n_problems=100, n=4, skill=skill + 0.3),
            "r1_gpqa_diamond": asked(draw, n_problems=60, n=4, skill=skill),
        }
        write_run(folder / size, tasks, model=f"deepseek-ai/DeepSeek-R1-Distill-Qwen-{size}")
    for step in range(100, 700, 100):
        tasks = {"r1_aime24": asked(draw, n_problems=30, n=16, skill=0.25 + step / 1800)}
        tasks["r1_math_500"] = asked(draw, n_problems=100, n=4, skill=0.55 + step / 2500)
        write_run(folder / f"step-{step}", tasks, model=f"ours/grpo-1.5B-step-{step}")
    hot = {"r1_aime24": asked(draw, n_problems=30, n=16, skill=0.5)}
    write_run(folder / "7B-hot", hot, model="deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", temperature=1.0)
    part = {
        "r1_math_500": asked(draw, n_problems=20, n=4, skill=0.8),
        "r1_aime24": asked(draw, n_problems=30, n=4, skill=0.5),
    }
    write_run(folder / "quick", part, model="Qwen/QwQ-32B")
    return folder


def a_run(name: str, *, skill: float, n: int = 16) -> Run:
    """AIME and MATH problems with replies of very different lengths."""
    draw = random.Random(name)
    tasks = {}
    for task, n_problems, levels in (("r1_aime24", 30, False), ("r1_math_500", 60, True)):
        problems = []
        for at, row in enumerate(outcomes(draw, n_problems=n_problems, n=n, skill=skill + 0.3 * levels)):
            groups = {"level": LEVELS[4 - at * 5 // n_problems]} if levels else {}
            samples = [sample_of(draw, code, at=at, index=index) for index, code in enumerate(row)]
            prompt = f"Find the sum of all integer bases $b > {at + 9}$ for which $17_b$ is a divisor of $97_b$."
            title = f"2024-{'I' * (1 + at % 2)}-{at // 2 + 1}" if not levels else f"algebra/{at}"
            problems.append(RunProblem(f"{task}{at}", title, prompt, "70", "expression", groups, samples))
        tasks[task] = TaskRun(task, 2, "d" * 64, "p" * 64, problems, n, len(problems))
    return Run(name, f"data/evals/{name}", SETTINGS | {"model": name}, {"command": "lighteval-r1 evaluate"}, tasks)


def sample_of(draw: random.Random, code: str, *, at: int, index: int) -> Sample:
    words = "So we need $b + 7 \\mid 9b + 7$, which leaves $b + 7 \\mid 56$. Wait, let me check this again. "
    n_tokens = 32768 if code == "t" else min(32000, int(draw.lognormvariate(8.2 if code == "c" else 9.1, 0.6)))
    answer = {"c": "70", "w": str(draw.choice((21, 49, 56))), "n": "", "t": ""}[code]
    ending = f"</think>\n\nBoth $b = 21$ and $b = 49$ work, so the sum is $\\boxed{{{answer}}}$." if answer else ""
    outcome = Outcome({"c": "correct", "w": "wrong", "n": "no_answer", "t": "no_answer"}[code])
    finish = "length" if code == "t" else "stop"
    step = "integers" if answer else "no answer: cut off" if code == "t" else ""
    told = "So the sum of all bases is $21 + 49 = 70$. Wait, is that all? Let me check. " if code == "c" else ""
    reply = words * (1 + n_tokens // 4000) + told + words * (1 + n_tokens // 8000) + ending
    return Sample(
        f"{at}[{index}]",
        str(at),
        index,
        draw.randrange(10**9),
        reply,
        True,
        finish,
        90,
        n_tokens,
        outcome=outcome,
        answer=answer,
        step=step,
    )


def write_pages(folder: Path) -> None:
    """index.html, run.html, pair.html and think.html."""
    published = published_numbers()
    list(write_index(folder_of_runs(folder / "evals"), out=folder / "index.html", published=published, numbers=""))
    runs = [a_run("DeepSeek-R1-Distill-Qwen-1.5B", skill=0.35), a_run("DeepSeek-R1-Distill-Qwen-7B", skill=0.6)]
    labels = [run.model for run in runs]
    told = for_report(labels[1:], runs[1:], tokenizer=str(DEMO), partial=False)
    write_page(measure_runs(labels, runs, choice=Choice(tokenizer=str(DEMO))), labels, out=folder / "think.html")
    write_report(runs[1:], out=folder / "run.html", published=published, thinking=told)
    write_report(runs, out=folder / "pair.html", published=published)


def shot(driver, path: Path, *, fragment: str = "", to: str = "", **how: object) -> bytes:
    """to: what is scrolled to the top."""
    set_up(driver, **how)
    driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    open_page(driver, path, fragment=fragment)
    if to:
        driver.execute_script("document.querySelector(arguments[0]).scrollIntoView()", to)
    png = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    assert not (said := console(driver)), said
    return base64.b64decode(png)


def set_up(driver, *, width: int = 1280, height: int = 900, dark: bool = False, media: str = "") -> None:
    """The page's own size, whatever frame the window has; light or dark, on a screen or printed."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def main() -> None:
    if why_not():
        sys.exit(why_not())
    target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "docs" / "pictures")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, chromium() as driver:
        write_pages(Path(name))
        for picture, (page, how) in PICTURES.items():
            png = shot(driver, Path(name) / f"{page}.html", **how)
            # 256 colours are enough for a page, and a third of the bytes
            Image.open(io.BytesIO(png)).quantize(256).save(target / f"{picture}.png", optimize=True)


if __name__ == "__main__":
    main()
