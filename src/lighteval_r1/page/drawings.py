"""The page's drawings as inline SVG that takes its colours from the page's style, light or dark."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 380, 190
LEFT, RIGHT, TOP, BOTTOM = 38, 12, 8, 30


def interval(
    value: float,
    *,
    low: float | None,
    high: float | None,
    published: Sequence[tuple[str, float]] = (),
    width: int = 180,
) -> Markup:
    """A dot with its interval on a scale from 0 to 1, published numbers as open diamonds."""
    height = 18

    def x(fraction: float) -> float:
        return round(4 + fraction * (width - 8), 1)

    marks = [f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="2" y2="16"/>' for at in (0, 0.25, 0.5, 0.75, 1)]
    if low is not None and high is not None:
        marks.append(f'<line class="interval" x1="{x(low)}" x2="{x(high)}" y1="9" y2="9"/>')
    for name, number in published:
        title = f"<title>{escape(name)}: {number:.1%}</title>"
        marks.append(f'<path class="published" d="M{x(number)} 3.5l4 5.5l-4 5.5l-4 -5.5z">{title}</path>')
    marks.append(f'<circle class="value" cx="{x(value)}" cy="9" r="3.5"/>')
    words = f"{value:.1%}" if low is None or high is None else f"{value:.1%}, 95 % interval {low:.1%} to {high:.1%}"
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


def bins(values: Sequence[float], *, n_bins: int = 36) -> tuple[list[float], float]:
    """(edges, width) of equal bins from 0 over all values."""
    top = max(values, default=1) or 1
    return [top * at / n_bins for at in range(n_bins + 1)], top / n_bins


def lengths(right: Sequence[int], wrong: Sequence[int], *, unit: str) -> Markup:
    """How long right replies (upwards) and the others (downwards) are."""
    edges, width = bins([*right, *wrong])
    counts = [[0] * (len(edges) - 1) for _ in range(2)]
    for at, values in enumerate((right, wrong)):
        for value in values:
            counts[at][min(int(value / width), len(edges) - 2)] += 1
    most = max(max(row) for row in counts) or 1
    middle = (TOP + HEIGHT - BOTTOM) / 2
    scale = (middle - TOP - 2) / most
    step = (WIDTH - LEFT - RIGHT) / (len(edges) - 1)
    marks = []
    for bin_at in range(len(edges) - 1):
        x = round(LEFT + bin_at * step, 1)
        for at, (name, words) in enumerate((("correct", "right"), ("not-correct", "not right"))):
            n = counts[at][bin_at]
            if not n:
                continue
            height = max(round(n * scale, 1), 1.5)
            y = round(middle - 1 - height, 1) if at == 0 else middle + 1
            title = f"<title>{n} {words}, {edges[bin_at]:,.0f} to {edges[bin_at + 1]:,.0f} {escape(unit)}</title>"
            marks.append(f'<rect class="{name}" x="{x}" y="{y}" width="{step - 1:.1f}" height="{height}">{title}</rect>')
    marks.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle}" y2="{middle}"/>')
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = LEFT + share * (WIDTH - LEFT - RIGHT)
        anchor = {0: "start", 1: "end"}.get(share, "middle")
        number = f"{edges[-1] * share:,.0f}"
        marks.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="{anchor}">{number}</text>')
    marks.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 1}" text-anchor="end">{escape(unit)}</text>')
    for words, y in (("right", TOP + 10), ("others", HEIGHT - BOTTOM - 4)):
        marks.append(f'<text class="label" x="0" y="{y}">{words}</text>')
    return _svg("".join(marks), width=WIDTH, height=HEIGHT, words="lengths of right replies and of the others")


def _y_axis(bottom: float, *, y) -> list[str]:
    marks = []
    tenths = round((1 - bottom) * 10)
    for at in range(0, tenths + 1, 1 if tenths <= 5 else 2):
        value = 1 - at / 10
        marks.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>')
        marks.append(f'<text x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:.0%}</text>')
    return marks


def _svg(marks: str, *, width: int, height: int, words: str) -> Markup:
    return Markup(
        f'<svg class="drawing" role="img" aria-label="{escape(words)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{marks}</svg>'
    )
