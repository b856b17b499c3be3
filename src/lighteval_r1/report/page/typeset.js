/* A reply's text as nodes: mathematics by KaTeX, code fences, **bold**. Text only ever becomes text nodes, never markup. */
const Typeset = (() => {
  // A formula longer than this is shown as written: no reply needs it, and hostile ones live on it.
  const LONGEST_FORMULA = 3000;
  // Past this time in one call the remaining formulas are shown as written.
  const BUDGET_MS = 800;
  const OPENERS = /```|`|\$\$|\$|\\\(|\\\[|\\begin\{(align|aligned|equation|gather|cases|pmatrix|bmatrix|array)\*?\}|\*\*/g;
  // Control characters, and those which reorder or hide text.
  const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
  const KATEX = { throwOnError: true, trust: false, strict: "ignore", maxExpand: 300, maxSize: 20 };

  /* Appends text with its control characters made visible. */
  function addText(parent, text) {
    let from = 0;
    let shown = 0;
    for (const match of text.matchAll(CONTROLS)) {
      // Thousands of marks tell no more than the first hundreds, and cost a node each.
      if (++shown > 500) break;
      parent.append(text.slice(from, match.index));
      const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      parent.append(element("span", "control", "U+" + code));
      from = match.index + match[0].length;
    }
    parent.append(text.slice(from).replace(CONTROLS, "\ufffd"));
  }

  function addFormula(parent, source, written, display, deadline) {
    if (source.length <= LONGEST_FORMULA && performance.now() < deadline) {
      const box = element("span", display ? "display" : "inline");
      try {
        katex.render(source, box, { ...KATEX, displayMode: display });
        parent.append(box);
        return;
      } catch (error) {
        // ParseError for broken LaTeX, RangeError for nesting beyond the stack.
        if (!(error instanceof katex.ParseError || error instanceof RangeError || error instanceof TypeError)) throw error;
      }
    }
    const broken = element("span", "broken");
    addText(broken, written);
    broken.title = "Shown as written: not LaTeX that can be typeset";
    parent.append(broken);
  }

  /* Where each closer comes next at or after a position; remembered, so that a scan stays linear. */
  function finder(text) {
    const next = new Map();
    return (closer, from) => {
      let at = next.get(closer);
      if (at === undefined || (at !== -1 && at < from)) {
        at = text.indexOf(closer, from);
        next.set(closer, at);
      }
      return at;
    };
  }

  /* [end of body, end of closer] of what opens at `from`, or null where it is only text. */
  function closing(text, find, opener, from) {
    const closer = { "\\(": "\\)", "\\[": "\\]" }[opener] ?? (opener.startsWith("\\begin") ? opener.replace("begin", "end") : opener);
    let at = find(closer, from);
    if (opener === "$") {
      // As Pandoc reads it: "$5 and $6" is money.
      if (/\s/.test(text[from] ?? " ")) return null;
      while (at !== -1 && text[at - 1] === "\\") at = find(closer, at + 1);
      if (at === -1 || /\s/.test(text[at - 1]) || /\d/.test(text[at + 1] ?? "")) return null;
    }
    if (at <= from) return null;
    const body = text.slice(from, Math.min(at, from + 20000));
    if ((opener === "$" || opener === "\\(") && body.includes("\n\n")) return null;
    if ((opener === "`" || opener === "**") && body.includes("\n")) return null;
    return [at, at + closer.length];
  }

  function add(parent, opener, text, from, ends, deadline) {
    const body = text.slice(from, ends[0]);
    const written = text.slice(from - opener.length, ends[1]);
    if (opener === "```") {
      const code = body.replace(/^[\w+#.-]*\n/, "");
      const pre = element("pre");
      addText(pre, code);
      parent.append(pre);
    } else if (opener === "`") {
      const code = element("code");
      addText(code, body);
      parent.append(code);
    } else if (opener === "**") {
      const strong = element("strong");
      addTypeset(strong, body, deadline);
      parent.append(strong);
    } else if (opener.startsWith("\\begin")) {
      addFormula(parent, written, written, true, deadline);
    } else {
      addFormula(parent, body, written, opener === "$$" || opener === "\\[", deadline);
    }
  }

  function addTypeset(parent, text, deadline) {
    const find = finder(text);
    const openers = new RegExp(OPENERS);
    let from = 0;
    for (let match; (match = openers.exec(text)); ) {
      const start = match.index;
      if (text[start - 1] === "\\" && match[0] === "$") continue;
      const ends = closing(text, find, match[0], start + match[0].length);
      if (!ends) continue;
      const display = ["$$", "\\["].includes(match[0]) || match[0].startsWith("\\begin");
      // Blank lines around a display formula are its own margin.
      addText(parent, display ? text.slice(from, start).trimEnd() : text.slice(from, start));
      add(parent, match[0], text, start + match[0].length, ends, deadline);
      from = ends[1];
      if (display) from += text.slice(from, from + 10).match(/^[ \t]*\n*/)[0].length;
      openers.lastIndex = from;
    }
    addText(parent, text.slice(from));
  }

  /* The text as a fragment, typeset. */
  function typeset(text) {
    const fragment = document.createDocumentFragment();
    addTypeset(fragment, text, performance.now() + BUDGET_MS);
    return fragment;
  }

  /* The text as a fragment, as written. */
  function written(text) {
    const fragment = document.createDocumentFragment();
    addText(fragment, text);
    return fragment;
  }

  return { typeset, written };
})();
