/* The index: a line per model and settings, a column per task; sorted, searched and filtered here. */
const DATA = JSON.parse($("data").textContent);
// Lines drawn at a time: thousands are in the data, few on the screen.
const PART = 100;
const SVG = "http://www.w3.org/2000/svg";
const [VALUE, NEAR, WIDE, MARK, HREF, PARTIAL, PROBLEMS, SAMPLES, TOKENS, TRUNCATED, NO_ANSWER] = Array(11).keys();
const state = { sort: "", down: true, search: "", task: "", alike: false };
let rows = []; // the lines on show, in order
let drawn = 0;

const percent = (value) => (100 * value).toFixed(1);
const natural = new Intl.Collator("en", { numeric: true });
const byName = (a, b) => natural.compare(a.model, b.model) || (a.step ?? -1) - (b.step ?? -1);
for (const row of DATA.rows) {
  row.text = [row.full, row.model, ...row.words, row.where, row.written].join(" ").toLowerCase();
}
DATA.rows.sort(byName);

/* -- which lines, in which order ----------------------------------------------------------------------------------- */

function taskPlaces() {
  return state.task === "" ? DATA.tasks.map((_, place) => place) : [Number(state.task)];
}

/* A cell that may stand beside others of its column: the same conditions, the same settings. */
const alike = (row, cell) => cell && !cell[MARK] && !row.apart;
const shown = (row, place) => (state.alike && !alike(row, row.cells[place]) ? undefined : row.cells[place]);

function choose() {
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const places = taskPlaces();
  rows = DATA.rows.filter((row) => words.every((word) => row.text.includes(word)) && places.some((place) => shown(row, place)));
  if (state.sort === "written") rows.sort((a, b) => (a.written < b.written ? -1 : a.written > b.written ? 1 : 0));
  else if (state.sort !== "" && state.sort !== "model") {
    const place = Number(state.sort);
    // Lines without the task stand last either way, and what is not alike behind what is.
    const rank = (row) => (!shown(row, place) ? 2 : alike(row, row.cells[place]) ? 0 : 1);
    const value = (row) => row.cells[place]?.[VALUE] ?? 0;
    rows.sort((a, b) => rank(a) - rank(b) || (state.down ? value(b) - value(a) : value(a) - value(b)));
    return;
  }
  if (state.sort && state.down) rows.reverse();
}

/* -- drawing ------------------------------------------------------------------------------------------------------- */

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/* The score with both intervals on a scale from 0 to 100. */
function picture(cell) {
  const x = (share) => (2 + 146 * share).toFixed(1);
  const svg = shape("svg", { class: "drawing", width: 150, height: 14, viewBox: "0 0 150 14", "aria-hidden": "true" });
  svg.append(shape("line", { class: "grid", x1: 2, x2: 148, y1: 7, y2: 7 }));
  if (cell[WIDE]) svg.append(shape("line", { class: "wide", x1: x(cell[WIDE][0]), x2: x(cell[WIDE][1]), y1: 7, y2: 7 }));
  if (cell[NEAR]) svg.append(shape("line", { class: "near", x1: x(cell[NEAR][0]), x2: x(cell[NEAR][1]), y1: 7, y2: 7 }));
  svg.append(shape("line", { class: "tick", x1: x(cell[VALUE]), x2: x(cell[VALUE]), y1: 1, y2: 13 }));
  return svg;
}

const between = (interval) => `${percent(interval[0])} to ${percent(interval[1])}`;

function inWords(cell) {
  const parts = [`pass@1 ${percent(cell[VALUE])}`];
  if (cell[NEAR]) parts.push(`95 %: ${between(cell[NEAR])} on these problems`);
  if (cell[WIDE]) parts.push(`${between(cell[WIDE])} on problems of the kind`);
  parts.push(`${cell[PROBLEMS]} problems, ${cell[SAMPLES]} samples`);
  if (cell[TOKENS] !== null) parts.push(`${Math.round(cell[TOKENS]).toLocaleString("en-US")} tokens`);
  if (cell[TRUNCATED] !== null) parts.push(`${percent(cell[TRUNCATED])} % cut off`);
  if (cell[NO_ANSWER] !== null) parts.push(`${percent(cell[NO_ANSWER])} % without an answer`);
  return parts.join("\n");
}

function cellNode(row, place) {
  const node = element("td", "score");
  const cell = shown(row, place);
  if (!cell) return node;
  const link = element("a", "big", percent(cell[VALUE]));
  link.href = `${cell[HREF]}#${encodeURIComponent(DATA.tasks[place])}`;
  link.title = inWords(cell);
  node.append(link);
  if (cell[MARK]) node.append(element("sup", "mark", String(cell[MARK])));
  if (cell[PARTIAL]) node.append(" ", element("span", "partial", "partial"));
  if (cell[NEAR]) node.append(" ", element("span", "quiet nowrap", between(cell[NEAR])));
  node.append(picture(cell));
  node.classList.toggle("apart", !alike(row, cell));
  return node;
}

function rowNode(row) {
  const node = element("tr");
  const head = element("th");
  head.scope = "row";
  const name = element("span", "name", row.model);
  name.title = row.full;
  head.append(name);
  for (const word of row.words) head.append(" ", element("span", "partial", word));
  const where = element("span", "quiet where", `${row.step === null ? "" : `step ${row.step}, `}${row.where}`);
  where.title = row.source;
  head.append(where);
  node.append(head, ...taskPlaces().map((place) => cellNode(row, place)), element("td", "quiet nowrap", row.written));
  return node;
}

function drawMore(n = PART) {
  $("lines").append(...rows.slice(drawn, drawn + n).map(rowNode));
  drawn = Math.min(drawn + n, rows.length);
}

function headNode() {
  const node = element("tr");
  const columns = [["model", "model"], ...taskPlaces().map((place) => [String(place), DATA.tasks[place]]), ["written", "written"]];
  for (const [key, words] of columns) {
    const head = element("th");
    head.scope = "col";
    const button = element("button", "sort", words);
    button.dataset.sort = key;
    if (state.sort === key) head.ariaSort = state.down ? "descending" : "ascending";
    button.onclick = () => {
      // A score is looked at from the best down, a name from A.
      state.down = state.sort === key ? !state.down : key !== "model";
      state.sort = key;
      draw();
      document.querySelector(`[data-sort="${key}"]`).focus();
    };
    head.append(button);
    node.append(head);
  }
  return node;
}

function draw() {
  choose();
  drawn = 0;
  $("columns").replaceChildren(headNode());
  $("lines").replaceChildren();
  drawMore();
  $("shown").textContent = `${rows.length} of ${DATA.rows.length} lines`;
  const entries = Object.entries({ ...state, down: state.down ? "" : "up", alike: state.alike ? "1" : "" }).filter(([, value]) => value !== "");
  history.replaceState(null, "", entries.length ? `#${new URLSearchParams(entries)}` : "#");
}

/* -- begin --------------------------------------------------------------------------------------------------------- */

function fromAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const name of ["sort", "search"]) state[name] = said.get(name) ?? "";
  state.task = DATA.tasks[said.get("task")] === undefined ? "" : said.get("task");
  state.down = said.get("down") !== "up";
  state.alike = said.get("alike") === "1";
  $("search").value = state.search;
  $("task").value = state.task;
  $("alike").checked = state.alike;
  draw();
}

$("task").append(new Option("all", ""), ...DATA.tasks.map((name, place) => new Option(name, String(place))));
$("search").oninput = (event) => { state.search = event.target.value; draw(); };
$("task").onchange = (event) => { state.task = event.target.value; draw(); };
$("alike").onchange = (event) => { state.alike = event.target.checked; draw(); };
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select")) return;
  event.preventDefault();
  $("search").focus();
});
new IntersectionObserver((entries) => { if (entries[0].isIntersecting) drawMore(); }, { rootMargin: "800px" }).observe($("more"));
window.addEventListener("beforeprint", () => drawMore(rows.length));
window.addEventListener("hashchange", fromAddress);
fromAddress();
