"""The page's drawings as inline SVG that takes its colours from the page's style, light or dark."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from lighteval_r1.numbers.tables import span
from lighteval_r1.report.summary import Lengths, Scored

WIDTH, HEIGHT = 380, 190
LEFT, RIGHT, TOP, BOTTOM = 40, 14, 8, 30
N_BINS = 40


def interval(scored: Scored, *, width: int = 180, colour: int | None = None) -> Markup:
    """A dot with its intervals (thick: same problems, thin: other problems) on a scale from 0 to 1, its published
    numbers as open diamonds.

    colour: the run's place.
    """
    value = scored.value
    ends = {"others": scored.estimate.other_problems, "same": scored.estimate.same_problems}
    height = 18

    def x(fraction: float) -> float:
        return round(4 + fraction * (width - 8), 1)

    marks = [f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="2" y2="16"/>' for at in (0, 0.25, 0.5, 0.75, 1)]
    for problems, known in ends.items():
        if known:
            marks.append(f'<line class="interval {problems}" x1="{x(known[0])}" x2="{x(known[1])}" y1="9" y2="9"/>')
    for each in scored.published:
        title = f"<title>{escape(each.name)}: {each.value:.1%}</title>"
        marks.append(f'<path class="published" d="M{x(each.value)} 3.5l4 5.5l-4 5.5l-4 -5.5z">{title}</path>')
    dot = "value" if colour is None else f"dot-{colour % 5}"
    marks.append(f'<circle class="{dot}" cx="{x(value)}" cy="9" r="3.5"/>')
    words = "; ".join(
        [
            f"{value:.1%}",
            *(f"95 % interval, {problems} problems: {span(known)}" for problems, known in ends.items() if known),
        ]
    )
    return _svg("".join(marks), width=width, height=height, words=words)


def curves(runs: Sequence[tuple[str, Sequence[tuple[int, float]]]]) -> Markup:
    """pass@k of each run over k, on a doubling scale. runs: (label, [(k, value), …])."""
    largest = max(k for _, points in runs for k, _ in points)
    lowest = math.floor(min(value for _, points in runs for _, value in points) * 10) / 10
    bottom = min(lowest, 0.9)

    def x(k: float) -> float:
        share = math.log2(k) / math.log2(largest) if largest > 1 else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(TOP + (1 - value) / (1 - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    marks = _y_axis(bottom, y=y)
    for power in range(int(math.log2(largest)) + 1):
        marks.append(f'<text x="{x(2**power)}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{2**power}</text>')
    marks.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 1}" text-anchor="end">k, samples allowed</text>')
    for at, (label, points) in enumerate(runs):
        path = "L".join(f"{x(k)} {y(value)}" for k, value in points)
        marks.append(f'<path class="curve run-{at % 5}" d="M{path}"><title>{escape(label)}</title></path>')
        for k, value in points:
            title = f"<title>{escape(label)}: pass@{k} {value:.1%}</title>"
            marks.append(f'<circle class="dot-{at % 5}" cx="{x(k)}" cy="{y(value)}" r="2.5">{title}</circle>')
    return _svg("".join(marks), width=WIDTH, height=HEIGHT, words="pass@k over k")


def tick_step(largest: float) -> float:
    """A round step (1, 2, 2.5 or 5 times a power of ten) that reaches the largest value in at most five steps."""
    least = max(largest, 1) / 5
    power = 10 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= least)


def key(at: int, run: str) -> Markup:
    """A dot in the colour of the run at that place."""
    mark = f'<circle class="dot-{at % 5}" cx="5" cy="5" r="4"><title>{escape(run)}</title></circle>'
    return _svg(mark, width=10, height=10, words=run, name="drawing dot")


def lengths(of: Lengths) -> Markup:
    """How long right replies (upwards) and the others (downwards) are."""
    largest = max([*of.right, *of.others], default=1)
    step = tick_step(largest)
    top = step * max(math.ceil(largest / step), 1)
    bin_width = top / N_BINS
    counts = [[0] * N_BINS for _ in range(2)]
    for at, values in enumerate((of.right, of.others)):
        for value in values:
            counts[at][min(int(value / bin_width), N_BINS - 1)] += 1
    middle = (TOP + HEIGHT - BOTTOM) / 2
    per_reply = (middle - TOP - 2) / (max(max(row) for row in counts) or 1)
    pixels = (WIDTH - LEFT - RIGHT) / N_BINS
    marks = []
    for at, (name, words) in enumerate((("correct", "right"), ("not-correct", "others"))):
        for place, n in enumerate(counts[at]):
            if not n:
                continue
            height = max(round(n * per_reply, 1), 1.5)
            y = round(middle - 1 - height, 1) if at == 0 else middle + 1
            between = f"{place * bin_width:,.0f} to {(place + 1) * bin_width:,.0f} {escape(of.unit)}"
            marks.append(
                f'<rect class="{name}" x="{LEFT + place * pixels:.1f}" y="{y}" width="{pixels - 1:.1f}" '
                f'height="{height}"><title>{n} {words}, {between}</title></rect>'
            )
    marks += _x_axis(top, step=step, unit=of.unit, middle=middle)
    return _svg("".join(marks), width=WIDTH, height=HEIGHT, words="lengths of right replies and of the others")


def _x_axis(top: float, *, step: float, unit: str, middle: float) -> list[str]:
    marks = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle}" y2="{middle}"/>']
    for at in range(round(top / step) + 1):
        x = LEFT + at * step / top * (WIDTH - LEFT - RIGHT)
        text = f"{at * step:,.0f}"
        marks.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{text}</text>')
    marks.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 1}" text-anchor="end">{escape(unit)}</text>')
    for words, y in (("right", TOP + 10), ("others", HEIGHT - BOTTOM - 4)):
        marks.append(f'<text class="label" x="0" y="{y}">{words}</text>')
    return marks


def _y_axis(bottom: float, *, y) -> list[str]:
    marks = []
    tenths = round((1 - bottom) * 10)
    for at in range(0, tenths + 1, 1 if tenths <= 5 else 2):
        value = 1 - at / 10
        marks.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>')
        marks.append(f'<text x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:.0%}</text>')
    return marks


def _svg(marks: str, *, width: int, height: int, words: str, name: str = "drawing") -> Markup:
    return Markup(
        f'<svg class="{name}" role="img" aria-label="{escape(words)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{marks}</svg>'
    )
