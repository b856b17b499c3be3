"""The page over a folder of runs: what it says without a browser, and how it sorts, searches and opens in one."""

import json
import re
import shutil
from pathlib import Path

import pytest
from browser import console, open_page
from runs import asked, write_run

from lighteval_r1.records import UserError
from lighteval_r1.report.index import lines_of, read_all, settings_words, write_index
from lighteval_r1.runs.overview import from_replies, holds_several, run_figures, sources_under

NAMES = ("org/small", "org/large", "org/rl-step-100", "org/rl-step-200", "org/rl-step-300")


@pytest.fixture(scope="module")
def evals(tmp_path_factory) -> Path:
    """Five models on two tasks; a hot run of one of them; a run of fewer samples and problems; one that is damaged."""
    folder = tmp_path_factory.mktemp("evals")
    for at, name in enumerate(NAMES):
        right = "c" * (at + 1) + "w" * (7 - at)
        tasks = {"aime24": asked(p=right, q="ccwwwwww", r="wwwwwwww"), "math_500": asked(x="cccccccc", y=right)}
        write_run(folder / name.split("/")[1], tasks, model=name)
    write_run(
        folder / "hot", {"aime24": asked(p="cccccccc", q="cccccccc", r="cccccccc")}, model=NAMES[1], temperature=1.0
    )
    write_run(folder / "quick", {"aime24": asked(p="cc", q="cc")}, model="org/quick")
    broken = folder / "broken" / "results" / "org" / "broken" / "results_2026-11-20T10-00-00.000001.json"
    broken.parent.mkdir(parents=True)
    broken.write_text('{"half')
    return folder


def written(evals: Path, out: Path) -> tuple[dict, str, list[str]]:
    """The data that the page reads, the page, and what was told meanwhile."""
    told = list(write_index(evals, out=out, published=lambda *_: (), numbers=""))
    page = out.read_text()
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1]), page, told


@pytest.fixture(scope="module")
def index_page(evals, tmp_path_factory) -> tuple[Path, dict, str, list[str]]:
    out = tmp_path_factory.mktemp("index") / "index.html"
    return out, *written(evals, out)


def by_model(data: dict, name: str, *, hot: bool = False) -> dict:
    return next(row for row in data["rows"] if row["model"] == name and bool(row["words"]) == hot)


def test_a_results_file_says_the_same_figures_as_the_replies_behind_it(evals):
    source = next(path for path in sources_under(evals) if "large" in str(path))
    quick = run_figures(source)
    slow = from_replies(source, written=quick.written)
    assert quick.written == "2026-11-20 10:00"
    assert {name: each.estimate for name, each in quick.tasks.items()} == {n: e.estimate for n, e in slow.tasks.items()}
    assert quick.tasks["aime24"].conditions == slow.tasks["aime24"].conditions


def test_a_finished_run_is_read_from_its_results_file_alone(tmp_path):
    folder = write_run(tmp_path / "run", {"aime24": asked(p="cw", q="ww")})
    (source,) = sources_under(folder)
    shutil.rmtree(folder / "details")
    assert run_figures(source).tasks["aime24"].estimate.value == 0.25


def test_a_folder_of_one_run_is_no_folder_of_runs(evals):
    assert holds_several(evals) and not holds_several(evals / "small")


def test_a_run_that_is_drawn_anew_in_its_folder_is_one_run(tmp_path):
    folder = write_run(tmp_path / "run", {"aime24": asked(p="cw")})
    (folder / "journals.json").write_text(json.dumps([str(tmp_path)]))
    assert len(sources_under(folder)) == 2 and not holds_several(folder)
    write_run(folder, {"aime24": asked(p="cw")}, model="org/other")
    assert holds_several(folder)


def test_cells_are_scores_with_both_intervals_and_a_page_that_is_there(index_page):
    out, data, _, _ = index_page
    assert data["tasks"] == ["aime24", "math_500"] and len(data["rows"]) == 7
    value, near, wide, mark, _, *more = by_model(data, "large")["cells"]["0"]
    # p: 2 of 8, q: 2 of 8, r: 0 of 8
    assert value == pytest.approx(4 / 24) and near[0] < value < near[1] and wide[0] < near[0] and wide[1] > near[1]
    # neither marked nor partial; 3 problems, 24 samples, 100 tokens, nothing cut off or without an answer
    assert (mark, more) == (0, [False, 3, 24, 100.0, 0.0, 0.0])
    assert all((out.parent / cell[4]).is_file() for row in data["rows"] for cell in row["cells"].values())


def test_what_was_asked_otherwise_is_told_apart(index_page):
    _, data, page, _ = index_page
    quick, hot = by_model(data, "quick"), by_model(data, "large", hot=True)
    assert quick["cells"]["0"][3] == 1 and "n 2, 2 problems" in page
    assert hot["words"] == ["temperature 1.0"] and hot["apart"]
    assert not by_model(data, "large")["apart"]


def test_other_prompts_of_as_many_problems_are_named(tmp_path):
    problems = asked(p="cw", q="cw")
    for name in ("a", "b", "c"):
        write_run(tmp_path / name, {"aime24": problems}, model=f"org/{name}")
    write_run(tmp_path / "d", {"aime24": problems}, model="org/d", prompt="Quickly: {question}")
    data, page, _ = written(tmp_path, tmp_path / "page" / "index.html")
    assert by_model(data, "d")["cells"]["0"][3] and "other prompts" in page
    assert not by_model(data, "a")["cells"]["0"][3]


def test_a_seed_is_named_and_can_be_compared(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_run(tmp_path / name, {"aime24": asked(p="cw")}, model=f"org/{name}", seed=seed)
    lines = lines_of(read_all(tmp_path)[0])
    assert dict(zip([line.first.run.model for line in lines], settings_words(lines), strict=True))["org/c"] == (
        ["seed 2"],
        False,
    )


def test_tasks_of_one_model_in_two_folders_are_one_line_and_a_second_run_of_a_task_another(tmp_path):
    write_run(tmp_path / "a", {"aime24": asked(p="cw")})
    write_run(tmp_path / "b", {"math_500": asked(x="cw")})
    write_run(tmp_path / "c", {"math_500": asked(x="cc")}, date="2026-11-21T10-00-00.000001")
    lines = lines_of(read_all(tmp_path)[0])
    assert [sorted(line.cells) for line in lines] == [["aime24", "math_500"], ["math_500"]]
    assert lines[0].first.written > lines[1].first.written


def test_checkpoints_are_a_curve_that_links_their_pages(index_page):
    _, _, page, _ = index_page
    curves = page[page.index("<h2>Checkpoints</h2>") :]
    assert len(re.findall(r'<a href="index.files/rl-step-\d+-\w+.html"', curves)) == 6
    assert "rl, step 200:" in curves


def test_a_run_that_cannot_be_read_is_named_and_keeps_nothing_back(index_page):
    _, _, page, _ = index_page
    assert "Not shown" in page and "results_2026-11-20T10-00-00.000001.json: cannot read" in page


def test_a_folder_of_nothing_but_damaged_runs_is_refused(evals, tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        list(write_index(evals / "broken", out=tmp_path / "index.html", published=lambda *_: (), numbers=""))


def test_pages_that_are_newer_than_their_runs_are_kept(evals, index_page):
    out, _, _, _ = index_page
    pages = {path: path.stat().st_mtime_ns for path in out.with_suffix(".files").glob("*.html")}
    written(evals, out)
    assert {path: path.stat().st_mtime_ns for path in pages} == pages
    list(write_index(evals, out=out, published=lambda *_: (), numbers="others"))
    assert all(path.stat().st_mtime_ns > before for path, before in pages.items())


def test_the_command_writes_an_index_of_a_folder_of_runs(main, evals, tmp_path):
    code, said, told = main("report", evals, "-o", tmp_path / "all.html")
    assert (code, said.strip()) == (0, str(tmp_path / "all.html"))
    assert "all.html is there; now the pages of its 7 runs." in told
    code, _, told = main("report", evals, "-o", tmp_path / "all.html", "--figures", tmp_path)
    assert code == 2 and "is a folder of runs" in told


# -- in a browser ------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(driver, index_page):
    driver.set_window_size(1280, 900)
    open_page(driver, index_page[0])
    yield driver
    assert console(driver) == []


def lines(driver) -> list[str]:
    return [each.text for each in driver.find_elements("css selector", "#lines .name")]


def click(driver, selector: str) -> None:
    driver.find_element("css selector", selector).click()


def test_a_column_sorts_from_the_best_and_what_is_not_alike_stands_behind(opened):
    assert lines(opened)[0] == "large"
    click(opened, '[data-sort="0"]')
    assert lines(opened) == ["rl-step-300", "rl-step-200", "rl-step-100", "large", "small", "large", "quick"]
    assert opened.find_element("css selector", "th[aria-sort]").get_attribute("aria-sort") == "descending"
    click(opened, '[data-sort="0"]')
    assert lines(opened)[:2] == ["small", "large"]


def test_search_task_and_alike_choose_lines_and_the_address_keeps_them(opened, index_page):
    opened.find_element("id", "search").send_keys("rl 200")
    assert lines(opened) == ["rl-step-200"]
    opened.find_element("id", "search").clear()
    opened.find_element("id", "search").send_keys("o")
    click(opened, "#alike")
    assert "quick" not in lines(opened) and "5 of 7 lines" in opened.find_element("id", "shown").text
    address = opened.current_url
    open_page(opened, index_page[0], fragment="#" + address.partition("#")[2])
    assert opened.find_element("id", "alike").is_selected() and len(lines(opened)) == 5


def test_a_cell_opens_its_runs_page_at_its_task(opened):
    click(opened, '[data-sort="1"]')
    click(opened, "#lines tr:first-child td:nth-child(3) a")
    assert "rl-step-300" in opened.title
    assert opened.find_element("css selector", 'nav.tasks [aria-selected="true"]').text == "math_500"
