/* Which problems the grid shows, and in which order. A row: {problem, cells: one letter per sample, differs}, and right,
   the number of right samples, where the cells do not say which they are. */
const Filters = (() => {
  const count = (row) => row.right ?? row.cells.replace(/[^cC]/g, "").length;
  // Of adaptive runs problems have as many samples as they needed.
  const graded = (row) => row.cells.replace(/[go]/g, "").length;
  const right = (row) => (graded(row) ? count(row) / graded(row) : 2);
  const share = (row) => `${count(row)}/${graded(row)}`;
  const flaky = (row) => count(row) > 0 && (/[wntu]/.test(row.cells) || row.cells.includes("x"));
  // Which samples a filter is about; a problem is shown where one of its samples is.
  const FILTERS = {
    all: { words: "All", sample: () => true },
    wrong: { words: "Wrong", sample: (code) => code === "w" },
    no_answer: { words: "No answer", sample: (code) => code === "n" },
    truncated: { words: "Truncated", sample: (code) => code === "t" || code === "C" },
    undecided: { words: "Undecided", sample: (code) => code === "u" },
    missing: { words: "Not graded", sample: (code) => code === "g" || code === "o" },
    flaky: { words: "Flaky", row: flaky, sample: () => true },
    differs: { words: "Baseline differs", row: (row) => row.differs, sample: () => true },
  };
  const SORTS = {
    hard: ["hardest first", (a, b) => right(a) - right(b)],
    given: ["in order", () => 0],
    easy: ["easiest first", (a, b) => right(b) - right(a)],
  };

  function passes(row, filter) {
    const rule = FILTERS[filter];
    return rule.row ? rule.row(row) : [...row.cells].some(rule.sample);
  }

  return { FILTERS, SORTS, passes, right, share };
})();
