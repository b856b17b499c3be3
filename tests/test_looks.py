"""The pages as people meet them: light, dark, printed and on a phone; axe-core finds no serious fault, nothing is cut off."""

from pathlib import Path

import pytest
from browser import axe, console, faults, open_page

pytest.importorskip("selenium")
import screenshots

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("index", "run", "pair", "think")
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    screenshots.write_pages(folder)
    return folder


@pytest.fixture
def opened(driver, pages):
    """Opens a page as it is on a screen of that width; afterwards the console must be empty."""

    def show(name: str, *, width: int = 1280, fragment: str = "", **how: object):
        screenshots.set_up(driver, width=width, height=900, **how)
        open_page(driver, pages / f"{name}.html", fragment=fragment)
        return driver

    yield show
    assert console(driver) == []
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


@pytest.mark.skipif(axe() is None, reason="axe-playwright-python, of the test extra, is not installed")
@pytest.mark.parametrize(
    ("name", "dark"), [*((name, False) for name in (*PAGES, "reply")), ("index", True), ("reply", True)]
)
def test_axe_finds_no_serious_fault(opened, name, dark):
    page, fragment = ("run", screenshots.REPLY) if name == "reply" else (name, "")
    # what stands beside a reply is looked at without one, and in the dark
    within = "#reply" if (name, dark) == ("reply", False) else "html"
    assert faults(opened(page, dark=dark, fragment=fragment), within=within) == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_phone(opened, name):
    assert opened(name, width=400).execute_script("return document.documentElement.scrollWidth") <= 400


def test_a_phone_shows_score_and_picture_without_scrolling(opened):
    box = "return document.querySelector('table.scores td svg').getBoundingClientRect().right"
    assert opened("run", width=400).execute_script(box) <= 400


def test_print_has_every_column_the_legend_and_the_colours(opened):
    driver = opened("run", width=1060, media="print")
    script = """
    const cells = [...document.querySelectorAll('#grid .cell')];
    const right = Math.max(...cells.map((cell) => cell.getBoundingClientRect().right));
    const scores = document.querySelector('table.scores').getBoundingClientRect().right;
    const style = getComputedStyle(document.querySelector('#grid .cell.wrong'));
    const legend = document.querySelector('#legend .swatch').checkVisibility();
    return [right, scores, style.printColorAdjust, legend, document.querySelectorAll('.task').length,
      [...document.querySelectorAll('.task')].filter((task) => task.checkVisibility()).length]
    """
    right, scores, colours, legend, n_tasks, n_shown = driver.execute_script(script)
    assert right <= 1060 and scores <= 1060
    assert (colours, legend) == ("exact", True) and n_shown == n_tasks > 1


def test_a_task_without_levels_has_no_pictures_of_single_dots(pages):
    page = (pages / "think.html").read_text()
    aime, math = page.split("<h2>r1_math_500</h2>")
    assert aime.count("over levels") == 0 and math.count('aria-label="') > 5


def test_the_pictures_of_the_pages_are_all_shown_and_small():
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    text = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    assert {path.stem for path in pictures} == set(screenshots.PICTURES)
    assert all(f"pictures/{path.name}" in text for path in pictures)
    assert sum(path.stat().st_size for path in pictures) < MOST_BYTES
