/* The grid of problems and samples: tasks, runs, filters, keyboard, and the reply beside it. */
const DATA = JSON.parse($("data").textContent);

(() => {
  const { FILTERS, SORTS, passes, right, share } = Filters;
  // With so few samples a problem there is room for how it begins.
  const FEW = 16;
  const state = { table: 0, filter: "all", group: "", search: "", sort: "hard", row: -1, sample: 0, open: false };
  let rows = []; // the rows on show
  const samples = new Map(); // table -> replies' excerpts, parsed when first needed

  const table = () => DATA.tables[state.table];
  const problemOf = (row) => DATA.tasks[table().task].problems[row.problem];

  function excerptOf(row, index) {
    if (!samples.has(state.table)) {
      samples.set(state.table, JSON.parse($("samples-" + state.table).textContent));
    }
    const found = samples.get(state.table)[row.at][index];
    if (!found) return null;
    const [answer, tokens, seed, finish, lengths, thinking, text, cut] = found;
    return { answer, tokens, seed, finish, lengths, thinking, text, cut, characters: lengths[0] + lengths[1], loaded: false };
  }

  /* -- what is on show ------------------------------------------------------------------------------------------- */

  function inGroup(row) {
    if (!state.group) return true;
    const [name, value] = JSON.parse(state.group);
    return problemOf(row).groups[name] === value;
  }

  function found(row) {
    const wanted = state.search.trim().toLowerCase();
    if (!wanted) return true;
    const problem = problemOf(row);
    return [problem.name, problem.gold, problem.prompt].some((text) => text.toLowerCase().includes(wanted));
  }

  function choose() {
    rows = table().rows.filter((row) => passes(row, state.filter) && inGroup(row) && found(row));
    if (state.sort === "apart") rows.sort((a, b) => apart(b) - apart(a));
    else rows.sort(SORTS[state.sort][1]);
  }

  /* The same problem in the first other run of the task. */
  function other(row) {
    const at = DATA.tables.findIndex((each) => each.task === table().task && each !== table());
    return at < 0 ? undefined : DATA.tables[at].rows.find((candidate) => candidate.problem === row.problem);
  }

  function apart(row) {
    const same = other(row);
    return same ? Math.abs(right(row) - right(same)) : -1;
  }

  /* -- the grid -------------------------------------------------------------------------------------------------- */

  /* How many characters all prompts of the task begin with alike, up to a line: they say nothing of a problem. */
  function opening() {
    const task = DATA.tasks[table().task];
    if (task.opening === undefined) {
      const [first, ...others] = task.problems.map((problem) => problem.prompt);
      let end = others.length ? first.length : 0;
      for (const prompt of others) {
        let same = 0;
        while (same < end && prompt[same] === first[same]) same += 1;
        end = same;
      }
      task.opening = first.slice(0, end).search(/[^\n]*$/);
    }
    return task.opening;
  }

  function rowNode(row, y) {
    const node = element("div", "row");
    node.setAttribute("role", "row");
    const name = element("span", "name");
    name.setAttribute("role", "rowheader");
    const text = element("span", "text", problemOf(row).name);
    text.title = problemOf(row).name;
    name.append(text, element("span", "share", share(row)));
    const same = table().differs && other(row);
    if (same) {
      const beside = element("span", "share", share(same));
      beside.title = table().differs;
      name.append("|", beside);
    }
    node.append(name);
    const rule = FILTERS[state.filter];
    [...row.cells].forEach((code, x) => {
      const [outcome, glyph, words] = Reply.OUTCOMES[code];
      const cell = element("span", `cell ${outcome}${rule.sample(code) ? "" : " faint"}`, glyph);
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-label", `${problemOf(row).name}, sample ${x}: ${words}`);
      cell.tabIndex = -1;
      cell.dataset.y = y;
      cell.dataset.x = x;
      node.append(cell);
    });
    if (row.cells.length <= FEW) {
      const hint = element("span", "hint");
      hint.append(Typeset.written(problemOf(row).prompt.slice(opening(), opening() + 200).replace(/\s+/g, " ")));
      node.append(hint);
    }
    return node;
  }

  function headNode(n) {
    const node = element("div", "row head");
    node.setAttribute("role", "row");
    const corner = element("span", "name");
    corner.setAttribute("role", "columnheader");
    corner.append(element("span", "text", "problem"), element("span", "share", "right"));
    node.append(corner);
    for (let x = 0; x < n; x += 1) {
      const index = element("span", "index", n <= 32 || x % 4 === 0 ? String(x) : "");
      index.setAttribute("role", "columnheader");
      node.append(index);
    }
    return node;
  }

  function drawGrid() {
    choose();
    const grid = $("grid");
    const n = Math.max(0, ...table().rows.map((row) => row.cells.length));
    grid.classList.toggle("many", n > 24);
    const longest = Math.max(0, ...table().rows.map((row) => problemOf(row).name.length));
    const shares = table().differs ? 110 : 60;
    grid.style.setProperty("--name", `${Math.min(Math.max(168, shares + 7 * longest), 290)}px`);
    const fragment = document.createDocumentFragment();
    fragment.append(headNode(n), ...rows.map(rowNode));
    if (!rows.length) fragment.append(element("p", "nothing", "No problem matches."));
    grid.replaceChildren(fragment);
    $("shown").textContent = `${rows.length} of ${table().rows.length} problems`;
    mark(false);
  }

  function cellAt(y, x) {
    return $("grid").querySelector(`[data-y="${y}"][data-x="${x}"]`);
  }

  /* Marks the current cell; the only one that Tab reaches. */
  function mark(focus) {
    for (const old of $("grid").querySelectorAll("[tabindex='0'], [aria-selected]")) {
      old.tabIndex = -1;
      old.removeAttribute("aria-selected");
      old.parentNode.classList.remove("here");
    }
    const y = rows.findIndex((row) => row.at === state.row);
    const cell = cellAt(Math.max(y, 0), y < 0 ? 0 : state.sample);
    if (!cell) return;
    cell.tabIndex = 0;
    if (y >= 0 && state.open) {
      cell.setAttribute("aria-selected", "true");
      cell.parentNode.classList.add("here");
    }
    if (focus) {
      cell.focus({ preventScroll: true });
      const behind = cell.parentNode.firstChild.offsetWidth;
      const grid = $("grid");
      cell.scrollIntoView({ block: "nearest", inline: "nearest" });
      // The sticky name must not cover the cell.
      const hidden = grid.getBoundingClientRect().left + behind + 4 - cell.getBoundingClientRect().left;
      if (hidden > 0) grid.scrollLeft -= hidden;
    }
  }

  /* -- the reply ------------------------------------------------------------------------------------------------- */

  function openReply(row, x, { focus = true } = {}) {
    state.row = row.at;
    state.sample = Math.min(Math.max(x, 0), row.cells.length - 1);
    state.open = true;
    const panel = $("reply");
    panel.hidden = false;
    document.querySelector(".work").classList.add("open");
    drawReply(row);
    mark(focus);
    history.replaceState(null, "", addressOf(row));
    $("link").textContent = "Copy link";
  }

  /* Half a character stands in no address. */
  const whole = (text) => text.replace(/\p{Surrogate}/gu, "?");

  /* What the page's address ends with: by names, so that it leads to this reply on any page that has it. */
  function addressOf(row) {
    const name = problemOf(row).name;
    const twice = table().rows.filter((each) => problemOf(each).name === name).length > 1;
    if (twice) return `#${state.table}.${row.at}.${state.sample}`;
    const parts = [DATA.tasks[table().task].name, name, String(state.sample), table().run];
    return `#${parts.map((part) => encodeURIComponent(whole(part))).join("/")}`;
  }

  async function copyLink() {
    // Where a browser forbids it, the address bar has the same.
    const copied = await navigator.clipboard.writeText(location.href).then(() => true, () => false);
    $("link").textContent = copied ? "copied" : "see the address bar";
  }

  function drawReply(row) {
    const problem = problemOf(row);
    const code = row.cells[state.sample];
    $("reply-title").textContent = `${problem.name} \u00b7 sample ${state.sample} of ${row.cells.length}`;
    $("written").setAttribute("aria-pressed", String(Reply.choices.written));
    drawOthers(row);
    const sample = excerptOf(row, state.sample);
    const body = $("reply-body");
    if (sample) Reply.draw(body, { problem, code, sample, file: row.file, index: state.sample });
    else body.replaceChildren(element("p", "nothing", "This sample is not drawn yet."));
    $("reply").scrollTop = 0;
  }

  /* The same problem in the other runs. */
  function drawOthers(row) {
    const others = $("others");
    others.replaceChildren();
    DATA.tables.forEach((other, at) => {
      if (other.task !== table().task || at === state.table) return;
      const same = other.rows.find((candidate) => candidate.problem === row.problem);
      if (!same) return;
      const button = element("button", "", `${other.run}: ${share(same)} right`);
      button.onclick = () => { state.table = at; drawTools(); drawGrid(); openReply(same, state.sample); };
      others.append(button);
    });
    others.hidden = !others.hasChildNodes();
  }

  function closeReply() {
    state.open = false;
    $("reply").hidden = true;
    document.querySelector(".work").classList.remove("open");
    history.replaceState(null, "", "#");
    mark(true);
  }

  /* -- tools ----------------------------------------------------------------------------------------------------- */

  function options(select, entries, chosen) {
    select.replaceChildren(...entries.map(([value, words]) => new Option(words, value, false, value === chosen)));
  }

  function drawTools() {
    const tabs = document.querySelectorAll("nav.tasks button");
    tabs.forEach((tab) => tab.setAttribute("aria-selected", String(Number(tab.dataset.task) === table().task)));
    document.querySelectorAll(".task").forEach((part) => { part.hidden = Number(part.dataset.task) !== table().task; });
    const runs = DATA.tables.map((each, at) => [String(at), each.run, each.task]).filter((each) => each[2] === table().task);
    options($("run"), runs, String(state.table));
    $("run-field").hidden = runs.length < 2;
    const groups = new Map();
    for (const row of table().rows) {
      for (const [name, value] of Object.entries(problemOf(row).groups)) groups.set(JSON.stringify([name, value]), `${name}: ${value}`);
    }
    if (!groups.has(state.group)) state.group = "";
    const sorted = [...groups].sort((a, b) => a[1].localeCompare(b[1], "en", { numeric: true }));
    options($("group"), [["", "all"], ...sorted], state.group);
    $("group-field").hidden = !groups.size;
    const sorts = Object.entries(SORTS).map(([name, [words]]) => [name, words]);
    if (table().differs) sorts.push(["apart", "largest difference"]);
    else if (state.sort === "apart") state.sort = "hard";
    options($("sort"), sorts, state.sort);
    drawFilters();
  }

  function drawFilters() {
    const buttons = Object.entries(FILTERS).flatMap(([name, rule]) => {
      const count = table().rows.filter((row) => passes(row, name)).length;
      const always = ["all", "wrong", "truncated", "flaky"].includes(name) || (name === "differs" && table().differs);
      if (!count && !always) return [];
      const button = element("button", "", rule.words);
      button.append(element("span", "count", String(count)));
      button.dataset.filter = name;
      button.setAttribute("aria-pressed", String(name === state.filter));
      if (name === "differs") button.title = `Problems that most samples here get right and most of ${table().differs} do not, or the other way round`;
      if (name === "flaky") button.title = "Some samples right, some not";
      button.onclick = () => { state.filter = name; drawFilters(); drawGrid(); };
      return [button];
    });
    if (!buttons.some((button) => button.dataset.filter === state.filter)) {
      state.filter = "all";
      buttons[0].setAttribute("aria-pressed", "true");
    }
    $("filters").replaceChildren(...buttons);
  }

  function showTable(at) {
    state.table = at;
    state.row = -1;
    if (state.open) closeReply();
    drawTools();
    drawGrid();
  }

  /* -- keyboard -------------------------------------------------------------------------------------------------- */

  /* The next sample, from the current one, that the filter is about (with "All": that is not right). */
  function jump(step) {
    const rule = state.filter === "all" ? (code) => !/[cCo]/.test(code) : FILTERS[state.filter].sample;
    const flat = rows.flatMap((row) => [...row.cells].map((code, x) => [row, x, code]));
    const now = flat.findIndex(([row, x]) => row.at === state.row && x === state.sample);
    for (let at = now + step; at >= 0 && at < flat.length; at += step) {
      if (rule(flat[at][2])) return openReply(flat[at][0], flat[at][1]);
    }
  }

  function gridKey(event) {
    const cell = event.target.closest(".cell");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const [y, x] = [Number(cell.dataset.y), Number(cell.dataset.x)];
    const width = rows[y].cells.length;
    const moves = {
      ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], ArrowUp: [y - 1, x], ArrowDown: [y + 1, x],
      Home: [y, 0], End: [y, width - 1], PageUp: [Math.max(0, y - 10), x], PageDown: [Math.min(rows.length - 1, y + 10), x],
    };
    if (event.key === "Enter" || event.key === " ") openReply(rows[y], x);
    else if (moves[event.key]) move(...moves[event.key]);
    else return;
    event.preventDefault();
  }

  function move(y, x) {
    const row = rows[y];
    if (!row || x < 0 || x >= row.cells.length) return;
    if (state.open) return openReply(row, x);
    state.row = row.at;
    state.sample = x;
    mark(true);
  }

  function pageKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && state.open) return closeReply();
    if (event.target.closest("input, select")) return;
    if (event.key === "/") { event.preventDefault(); $("search").focus(); }
    if (event.key === "n") jump(1);
    if (event.key === "p") jump(-1);
    if (!state.open) return;
    if (event.key === "t") toggleThinking();
    if (event.key === "w") toggleWritten();
  }

  function toggleThinking() {
    const details = $("reply-body").querySelector("details.thinking");
    if (details) details.open = !details.open;
  }

  function toggleWritten() {
    Reply.choices.written = !Reply.choices.written;
    const row = table().rows[state.row];
    if (row) drawReply(row);
  }

  function legend() {
    for (const code of "cwntu") {
      const [outcome, glyph, words] = Reply.OUTCOMES[code];
      const item = element("span");
      item.append(element("span", "cell swatch " + outcome, glyph), words);
      $("legend").insertBefore(item, $("keys"));
    }
  }

  /* [table, row, sample] that an address names; a task alone names its table. */
  function named(address) {
    if (/^\d+\.\d+\.\d+$/.test(address)) return address.split(".").map(Number);
    const [task, name, sample, run] = address.split("/").map(decodeURIComponent);
    const tables = [...DATA.tables.keys()].filter((each) => whole(DATA.tasks[DATA.tables[each].task].name) === task);
    const at = tables.find((each) => whole(DATA.tables[each].run) === run) ?? tables[0] ?? -1;
    const problemIn = (row) => DATA.tasks[DATA.tables[at].task].problems[row.problem].name;
    return [at, at < 0 ? -1 : DATA.tables[at].rows.findIndex((row) => whole(problemIn(row)) === name), Number(sample)];
  }

  function fromAddress() {
    let address;
    try { address = named(location.hash.slice(1)); } catch { return; } // half an escape is no address
    const [at, row, sample] = address;
    if (DATA.tables[at] && at !== state.table && row < 0) showTable(at);
    const wanted = DATA.tables[at]?.rows[row];
    if (!wanted || !(sample < wanted.cells.length)) return;
    if (at !== state.table) showTable(at);
    openReply(wanted, sample, { focus: true });
  }

  function begin() {
    if (!DATA.tables.length) return;
    DATA.tables.forEach((each) => each.rows.forEach((row, at) => { row.at = at; }));
    legend();
    $("grid").addEventListener("click", (event) => {
      const cell = event.target.closest(".cell");
      if (!cell) return;
      openReply(rows[cell.dataset.y], Number(cell.dataset.x));
      // On a narrow screen the reply is below the grid.
      if ($("reply").getBoundingClientRect().top > innerHeight - 120) $("reply").scrollIntoView({ block: "start" });
    });
    $("grid").addEventListener("keydown", gridKey);
    document.addEventListener("keydown", pageKey);
    $("run").onchange = (event) => showTable(Number(event.target.value));
    $("group").onchange = (event) => { state.group = event.target.value; drawGrid(); };
    $("sort").onchange = (event) => { state.sort = event.target.value; drawGrid(); };
    $("search").oninput = (event) => { state.search = event.target.value; drawGrid(); };
    $("close").onclick = closeReply;
    $("link").onclick = copyLink;
    $("next").onclick = () => jump(1);
    $("previous").onclick = () => jump(-1);
    $("written").onclick = toggleWritten;
    document.querySelectorAll("nav.tasks button").forEach((tab) => {
      tab.onclick = () => showTable(DATA.tables.findIndex((each) => each.task === Number(tab.dataset.task)));
    });
    drawTools();
    drawGrid();
    fromAddress();
    window.addEventListener("hashchange", fromAddress);
  }

  begin();
})();
