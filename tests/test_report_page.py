"""The page in a real Chromium: clicked through, filtered, typed at, and given replies that mean harm."""

import json
import re

import pytest
from browser import console, open_page
from runs import a_sample

from lighteval_r1.records import Run, RunProblem, Sample, TaskRun
from lighteval_r1.report.contents import write_page, write_report
from lighteval_r1.report.page.tables import Table
from lighteval_r1.report.summary import Published, TaskSummary

pytest.importorskip("selenium")
from selenium.common.exceptions import JavascriptException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

CONTENT = {
    "title": "A model on two tasks", "subtitle": "", "notices": [], "several_runs": False, "means": [],
    "tasks": [], "exact": [], "version": "0", "thinking": {}, "thinking_notes": [],
}  # fmt: skip
# How long a loaded machine may take before a page is taken for broken.
PATIENCE_S = 60
LONG = ("So $x_1 = 2$." + " Then the next line follows from the one before." * 4 + "\n") * 200
HARM = (
    "<script>window.harmed = 1; alert(1)</script>",
    "</script><script>window.harmed = 2</script>",
    "<img src=x onerror='window.harmed = 3'>",
    "<!-- <script> ]]> &lt;script&gt;",
    "</style><svg onload='window.harmed = 4'>",
    '" onmouseover="window.harmed = 5" x="',
    "{{ 7 * 7 }} {% raw %} ${7 * 7}",
    "$\\href{javascript:window.harmed=6}{x}$ $\\htmlStyle{position:fixed}{x}$ $\\includegraphics{http://127.0.0.1:1/x.png}$",
    "$\\def\\a{\\a\\a}\\a$ $\\edef\\b{\\b\\b}\\b$ $\\rule{99999em}{99999em}$ $" + "{" * 2900 + "$",
    "$\\frac{1}{$ \\[ \\begin{array} \\( \\left( $$ \\unknown{x} $$ \\end{align} $" + "\\sqrt{" * 400 + "$",
    "\x00\x01\x07\x1b[31m\x7f\x85\u202e\u2028\u2029\ufeff\ud800 \U0010ffff",
    "`" * 5000 + "$" * 5000 + "**" * 5000 + "\\(" * 5000,
    "́" * 3000 + "﷽" * 500,
)


def sample(index: int, outcome: str | None, reply: str, *, finish: str = "stop", opened: bool = True) -> Sample:
    return a_sample(index, reply, opened, outcome, "42", finish, len(reply) // 4, 1000 + index, None)


def problem(name: str, samples: list[Sample], **groups: str) -> RunProblem:
    prompt = f"What is $\\frac{{1}}{{2}}$ of {name}?"
    return RunProblem(f"id-{name}", name, prompt, "42", "expression", groups, samples)


def table(*problems: RunProblem, task: str = "r1_aime24", run: str = "a run", differs=()) -> Table:
    task_run = TaskRun(task, 1, "0" * 64, "1" * 64, list(problems))
    return Table(task, run, task_run, "another run" if differs else None, frozenset(differs))


def small_table() -> Table:
    return table(
        problem(
            "steady", [sample(i, "correct", "I think.</think>It is $\\frac{84}{2}$.") for i in range(4)], level="1"
        ),
        problem(
            "flaky",
            [
                sample(0, "correct", "Easy.</think>\\boxed{42}"),
                sample(1, "wrong", f"{LONG}</think>**So** \\boxed{{41}}"),
                sample(2, "no_answer", "and then", finish="length"),
                sample(3, "undecided", "Hm.</think>$9^{9^9}$"),
            ],
            level="2",
        ),
        problem("hopeless", [sample(i, "wrong", "No.</think>It is 7.") for i in range(4)], level="2"),
    )


@pytest.fixture
def page(tmp_path, driver):
    """Writes tables as a page and opens it; afterwards the console must be empty."""

    def show(*tables: Table, fragment: str = ""):
        names = dict.fromkeys(each.task for each in tables)
        summaries = [TaskSummary(name, [], [], [], {}) for name in names]
        write_page(tables, CONTENT | {"tasks": summaries}, out=tmp_path / "report.html")
        driver.set_window_size(1440, 1000)
        open_page(driver, tmp_path / "report.html", fragment=fragment)
        driver.execute_script(
            "const it = document.getElementById('sort'); it.value = 'given'; it.onchange({target: it})"
        )
        return driver

    yield show
    assert console(driver) == []


def click(driver, selector: str) -> None:
    driver.find_element("css selector", selector).click()


def text(driver, selector: str) -> str:
    return driver.find_element("css selector", selector).text


def says(driver, selector: str, words: str) -> bool:
    """Waits until an element says these words; folded parts are filled a moment after they unfold."""
    return bool(WebDriverWait(driver, PATIENCE_S).until(lambda it: words in text(it, selector)))


def names(driver) -> list[str]:
    return [each.text for each in driver.find_elements("css selector", "#grid .row:not(.head) .name .text")]


def press(driver, *keys: str) -> None:
    for key in keys:
        driver.switch_to.active_element.send_keys(key)


def full_reply_loaded(driver) -> None:
    click(driver, "button.load")
    WebDriverWait(driver, PATIENCE_S).until(lambda it: not it.find_elements("css selector", "button.load"))


def test_the_hardest_problems_stand_first(page):
    driver = page(small_table())
    driver.refresh()
    assert names(driver) == ["hopeless", "flaky", "steady"]


def test_a_problem_has_as_many_samples_as_were_drawn_of_it(page):
    more = [sample(i, "correct" if i else "wrong", "a</think>b") for i in range(6)]
    driver = page(table(problem("easy", more[1:3]), problem("hard", more)))
    shares = [each.text for each in driver.find_elements("css selector", "#grid .row:not(.head) .share")]
    assert shares == ["2/2", "5/6"]
    assert len(driver.find_elements("css selector", "#grid [role=gridcell]")) == 3 + 6


def test_two_runs_stand_beside_each_other_and_sort_by_their_difference(page):
    right = [sample(i, "correct", "a</think>b") for i in range(4)]
    other = table(problem("steady", right), problem("flaky", right), problem("hopeless", right), run="the other run")
    driver = page(table(*small_table().task_run.problems, differs=["id-hopeless"]), other)
    Select(driver.find_element("id", "sort")).select_by_visible_text("largest difference")
    assert names(driver) == ["hopeless", "flaky", "steady"]
    assert text(driver, "#grid .row:nth-child(3) .name").split() == ["flaky", "1/4", "|", "4/4"]


def test_every_outcome_has_its_own_cell_and_glyph(page):
    cells = page(small_table()).find_elements("css selector", "#grid .row:nth-child(3) .cell")
    shown = [(each.get_attribute("class").split()[1], each.text) for each in cells]
    assert shown == [("correct", "✓"), ("wrong", "×"), ("truncated", "…"), ("undecided", "?")]


def test_a_cell_opens_its_reply_with_thinking_folded_and_mathematics_typeset(page):
    driver = page(small_table())
    assert not driver.find_element("id", "reply").is_displayed()
    click(driver, '[data-y="0"][data-x="2"]')
    assert text(driver, "#reply-title") == "steady · sample 2 of 4"
    assert not driver.find_element("css selector", "details.thinking").get_attribute("open")
    assert driver.find_elements("css selector", ".answer .katex .mfrac")
    click(driver, "details.thinking summary")
    assert says(driver, "details.thinking", "I think.")


def test_the_page_holds_an_excerpt_and_loads_the_rest_from_a_file_beside_it(page, tmp_path):
    driver = page(small_table())
    click(driver, '[data-y="1"][data-x="1"]')
    click(driver, "details.thinking summary")
    assert says(driver, "details.thinking", "characters are not in this page")
    full_reply_loaded(driver)
    assert "all of them here" in text(driver, ".end")
    whole = "return document.querySelector('details.thinking').textContent.split('So ').length - 1"
    assert WebDriverWait(driver, PATIENCE_S).until(lambda it: it.execute_script(whole)) == 200
    assert (tmp_path / "report.html").stat().st_size < 1_200_000


def test_a_missing_reply_file_is_named(page, tmp_path):
    driver = page(small_table())
    (tmp_path / "report.files" / "0-1.js").unlink()
    click(driver, '[data-y="1"][data-x="1"]')
    click(driver, "button.load")
    assert says(driver, ".end", "report.files/0-1.js is not beside this page")
    assert "ERR_FILE_NOT_FOUND" in console(driver)[0]


def test_a_reply_file_of_another_report_is_refused(page, tmp_path):
    driver = page(small_table())
    path = tmp_path / "report.files" / "0-1.js"
    path.write_text(re.sub('"[0-9a-f]{16}"', '"0000000000000000"', path.read_text()))
    click(driver, '[data-y="1"][data-x="1"]')
    click(driver, "button.load")
    assert says(driver, ".end", "belongs to another report")


def test_a_filter_leaves_the_problems_it_names(page):
    first = small_table()
    driver = page(table(*first.task_run.problems, differs=["id-hopeless"]))
    for name, left in (
        ("wrong", ["flaky", "hopeless"]),
        ("flaky", ["flaky"]),
        ("truncated", ["flaky"]),
        ("undecided", ["flaky"]),
        ("differs", ["hopeless"]),
        ("all", ["steady", "flaky", "hopeless"]),
    ):
        click(driver, f'[data-filter="{name}"]')
        assert (name, names(driver)) == (name, left)
        assert text(driver, "#shown") == f"{len(left)} of 3 problems"


def test_groups_search_and_order_choose_problems(page):
    driver = page(small_table())
    Select(driver.find_element("id", "sort")).select_by_visible_text("hardest first")
    assert names(driver) == ["hopeless", "flaky", "steady"]
    Select(driver.find_element("id", "group")).select_by_visible_text("level: 2")
    assert names(driver) == ["hopeless", "flaky"]
    driver.find_element("id", "search").send_keys("flak")
    assert names(driver) == ["flaky"]
    driver.find_element("id", "search").send_keys("zzz")
    assert "No problem matches" in text(driver, "#grid")


def test_the_keyboard_moves_opens_jumps_and_closes(page):
    driver = page(small_table())
    driver.execute_script("document.querySelector('#grid [tabindex=\"0\"]').focus()")
    press(driver, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ENTER)
    assert text(driver, "#reply-title") == "flaky · sample 1 of 4"
    press(driver, Keys.ARROW_RIGHT)
    assert "ends inside its thinking" in text(driver, ".answer")
    press(driver, "n", "n")
    assert text(driver, "#reply-title") == "hopeless · sample 0 of 4"
    press(driver, "p", "t")
    assert driver.find_element("css selector", "details.thinking").get_attribute("open")
    press(driver, "w")
    assert text(driver, ".answer .prose") == "$9^{9^9}$"
    press(driver, Keys.ESCAPE)
    assert not driver.find_element("id", "reply").is_displayed()
    assert driver.switch_to.active_element.get_attribute("aria-label") == "flaky, sample 3: undecided"


def test_runs_of_a_task_are_switched_and_tasks_have_tabs(page):
    other = table(problem("steady", [sample(0, "wrong", "x</think>y")]), run="the other run")
    third = table(problem("elsewhere", [sample(0, "correct", "x</think>y")]), task="r1_math_500")
    write = small_table()
    driver = page(write, other, third)
    click(driver, '[data-y="0"][data-x="0"]')
    assert text(driver, "#others") == "the other run: 0/1 right"
    click(driver, "#others button")
    assert text(driver, "#reply-title") == "steady · sample 0 of 1"
    Select(driver.find_element("id", "run")).select_by_visible_text("a run")
    assert names(driver) == ["steady", "flaky", "hopeless"]
    driver.execute_script("document.querySelector('nav.tasks [data-task=\"1\"]').click()")
    assert names(driver) == ["elsewhere"]


def test_an_address_leads_to_a_reply(page):
    assert text(page(small_table(), fragment="#0.1.3"), "#reply-title") == "flaky · sample 3 of 4"


def test_the_address_of_a_reply_is_by_names_and_leads_back_to_it(page, tmp_path):
    driver = page(small_table())
    click(driver, '[data-y="1"][data-x="2"]')
    address = driver.current_url.partition("#")[2]
    assert address == "r1_aime24/flaky/2/a%20run"
    click(driver, "#link")
    # a browser may forbid it
    WebDriverWait(driver, PATIENCE_S).until(lambda it: text(it, "#link") in ("copied", "see the address bar"))
    other = table(problem("first", [sample(0, "wrong", "x</think>y")]), task="r1_math_500")
    open_page(driver, tmp_path / "report.html", fragment="#" + address)
    assert text(driver, "#reply-title") == "flaky · sample 2 of 4"
    page(other, small_table(), fragment="#" + address)
    assert text(driver, "#reply-title") == "flaky · sample 2 of 4"
    page(other, small_table(), fragment="#r1_aime24")
    assert names(driver) == ["steady", "flaky", "hopeless"]


@pytest.mark.parametrize("fragment", ["#%", "#nothing/at/all", "#r1_aime24/flaky/99", "#9.9.9", "#r1_aime24/%00/x"])
def test_an_address_that_names_nothing_opens_the_page_as_it_is(page, fragment):
    driver = page(small_table(), fragment=fragment)
    assert len(names(driver)) == 3 and not driver.find_element("id", "reply").is_displayed()


def test_an_owed_and_an_ungraded_sample_are_shown_as_such(page):
    driver = page(table(problem("gaps", [sample(0, None, "a</think>b"), sample(2, "correct", "a</think>b")])))
    click(driver, '[data-filter="missing"]')
    labels = [
        each.get_attribute("aria-label") for each in driver.find_elements("css selector", "#grid [role=gridcell]")
    ]
    assert labels == ["gaps, sample 0: not graded", "gaps, sample 1: not drawn", "gaps, sample 2: right"]
    click(driver, '[data-y="0"][data-x="1"]')
    assert "not drawn yet" in text(driver, "#reply-body")


@pytest.mark.parametrize("where", ["answer", "thinking", "unfinished", "names"])
def test_replies_that_mean_harm_are_inert(page, where):
    shape = {"answer": "x</think>{}", "thinking": "{}</think>x", "unfinished": "{}", "names": "x</think>x"}[where]
    samples = [sample(i, "wrong", shape.format(harm)) for i, harm in enumerate(HARM)]
    named = HARM[1] + HARM[2] if where == "names" else "plain"
    driver = page(table(problem(named, samples, **{named: named}), run=named))
    for at, harm in enumerate(HARM):
        click(driver, f'[data-y="0"][data-x="{at}"]')
        driver.execute_script("const it = document.querySelector('details.thinking'); if (it) it.open = true")
        if harm.startswith("<script>") and where == "answer":
            assert harm in text(driver, ".answer")
        if "\\frac{1}{$" in harm and where == "answer":
            assert "\\frac{1}{$" in text(driver, ".answer").replace("\n", "")
    for key in "w":
        press(driver, key)
    assert driver.execute_script("return window.harmed === undefined")
    assert not driver.find_elements("css selector", "#reply a, #reply img, #reply script, #reply iframe")
    beside = (
        "const left = document.querySelector('#reply').getBoundingClientRect().left;"
        "return !document.elementFromPoint(left - 40, 60)?.closest('#reply')"
    )
    assert driver.execute_script(beside), "a reply paints outside its panel"


def test_names_settings_and_prompts_that_mean_harm_are_inert(driver, tmp_path):
    harm = "".join(HARM[:6]) + HARM[10]
    task = "r1_aime24" + harm
    asked = RunProblem("id", harm, harm, harm, "expression", {harm: harm, "level": harm}, [sample(0, "correct", harm)])
    other = RunProblem("id2", "x", harm, harm, "expression", {harm: "x", "level": "1"}, [sample(0, "wrong", harm)])
    tasks = {task: TaskRun(task, 1, harm, harm, [asked, other])}
    run = Run(harm, harm, {"revision": harm, harm: harm}, {"command": harm}, tasks)
    published = [Published(harm, 0.5, harm, harm)]
    write_report([run, run], out=tmp_path / "report.html", published=lambda *_: published)
    open_page(driver, tmp_path / "report.html")
    click(driver, '[data-y="1"][data-x="0"]')
    # Half characters do not pass through the driver.
    assert driver.execute_script("return document.getElementById('others').textContent.includes(': 1/1 right')")
    assert driver.execute_script("return window.harmed === undefined && !document.querySelector('img, script[src]')")
    assert console(driver) == []


def test_a_reply_of_ten_megabytes_opens_a_part_at_a_time(page):
    huge = ("<b>$x$</b> {[]}" + "x" * 135) * 70_000
    driver = page(table(problem("huge", [sample(0, "wrong", f"short</think>{huge}")])))
    click(driver, '[data-y="0"][data-x="0"]')
    full_reply_loaded(driver)
    assert "10,400,000 characters left" in text(driver, ".answer .more")
    click_more = driver.find_element("css selector", ".answer .more")
    driver.execute_script("arguments[0].click()", click_more)
    assert "10,300,000 characters left" in text(driver, ".answer .more")


def test_the_policy_admits_no_network_and_no_foreign_script(page, tmp_path):
    driver = page(small_table())
    policy = driver.find_element("css selector", "meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy and "connect-src" not in policy
    assert "'unsafe-inline'" not in policy.replace("style-src-attr 'unsafe-inline'", "")
    with pytest.raises(JavascriptException, match="TrustedHTML"):
        driver.execute_script("document.body.innerHTML = '<b>x</b>'")
    driver.execute_script("fetch('http://127.0.0.1:1/').catch(() => 0)")
    assert any("Content Security Policy" in line for line in console(driver))
    page_text = (tmp_path / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]*"', page_text.partition("<script>")[0])


def test_reply_files_are_scripts_that_hold_only_data(tmp_path):
    tables = [table(problem("p", [sample(i, "wrong", f"{LONG}{harm}</think>x") for i, harm in enumerate(HARM)]))]
    write_page(tables, CONTENT, out=tmp_path / "report.html")
    script = (tmp_path / "report.files" / "0-0.js").read_text()
    arguments = json.loads(f"[{script.removeprefix('lightevalR1Replies(').removesuffix(');' + chr(10))}]")
    assert [texts[0] for texts in arguments[2]] == [f"{LONG}{harm}".strip() for harm in HARM]
    assert "</script" not in script and "<!--" not in script and "\u2028" not in script
