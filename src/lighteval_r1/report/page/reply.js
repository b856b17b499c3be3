/* The panel that shows one reply: what is known of it, the problem, its thinking (folded), its answer. */
const Reply = (() => {
  const PART = 100000; // characters shown at a time of a full reply
  const OUTCOMES = {
    c: ["correct", "\u2713", "right"],
    C: ["correct", "\u2713", "right, then cut off"],
    w: ["wrong", "\u00d7", "wrong"],
    n: ["no_answer", "\u2013", "no answer"],
    t: ["truncated", "\u2026", "truncated"],
    u: ["undecided", "?", "undecided"],
    g: ["ungraded", "\u00b7", "not graded"],
    x: ["ungraded", "~", "graded, but the run does not say which samples were right"],
    o: ["ungraded absent", "", "not drawn"],
  };
  const full = new Map(); // file -> [[thinking, answer], …] once it is loaded
  const choices = { thinking: false, written: false };
  const number = (value) => value.toLocaleString("en-US");

  // The reply files call this; one of another report is refused.
  window.lightevalR1Replies = (id, file, replies) => full.set(file, id === DATA.id ? replies : null);

  // Only the report's own reply files can become scripts, whatever a reply holds.
  const policy = window.trustedTypes?.createPolicy("reply-files", {
    createScriptURL: (url) => {
      if (/^[\w.%~-]+\/[\w-]+\.js$/.test(url)) return url;
      throw new TypeError("not a reply file: " + url);
    },
  });

  function load(file, done) {
    if (full.has(file)) return done(full.get(file) ? "" : "stale");
    const script = element("script");
    const url = DATA.folder + "/" + file;
    script.src = policy ? policy.createScriptURL(url) : url;
    script.onload = () => done(full.get(file) ? "" : "stale");
    script.onerror = () => done("missing");
    document.head.append(script);
  }

  function chip(code) {
    const [name, glyph, words] = OUTCOMES[code];
    const node = element("span", "chip");
    node.append(element("span", "cell swatch " + name, glyph), words);
    return node;
  }

  /* Fills a box with text, a part at a time. */
  function fill(box, text) {
    box.classList.toggle("written", choices.written);
    let end = Math.min(PART, text.length);
    while (end < text.length && (text.charCodeAt(end) & 0xfc00) === 0xdc00) end += 1;
    const part = text.slice(0, end);
    box.append(choices.written ? Typeset.written(part) : Typeset.typeset(part));
    if (end < text.length) {
      const more = element("button", "more", `Show more (${number(text.length - end)} characters left)`);
      more.onclick = () => {
        const next = element("div", "prose");
        box.after(next);
        more.remove();
        fill(next, text.slice(end));
      };
      box.append(element("br"), more);
    }
  }

  /* parts: [whole] or [head, number of characters left out, tail]. */
  function fillParts(section, parts) {
    for (const part of parts) {
      if (typeof part === "number") {
        section.append(element("span", "gap", `${number(part)} characters are not in this page`));
      } else {
        const box = element("div", "prose");
        section.append(box);
        fill(box, part);
      }
    }
  }

  function folded(title, className, open, parts) {
    const details = element("details", className);
    const body = element("div");
    details.append(element("summary", "", title), body);
    // Typeset when it is unfolded, not before: most thinking is never looked at.
    details.addEventListener("toggle", () => {
      if (details.open && !body.hasChildNodes()) fillParts(body, parts);
      if (className === "thinking") choices.thinking = details.open;
    });
    details.open = open;
    return details;
  }

  function facts(problem, code, sample) {
    const list = element("dl", "facts");
    const fact = (name, value) => {
      if (value === null || value === undefined || value === "") return;
      const dd = element("dd", "clamped");
      dd.append(value);
      list.append(element("dt", "", name), dd);
    };
    const literal = (text) => { const node = element("span", "mono"); node.append(Typeset.written(text)); return node; };
    fact("Outcome", chip(code));
    fact("Tokens", sample.tokens === null ? null : number(sample.tokens));
    fact("Answer", sample.answer ? literal(sample.answer) : null);
    fact("Finish", sample.finish);
    fact("Gold", problem.gold ? literal(problem.gold) : null);
    fact("Seed", sample.seed === null ? null : String(sample.seed));
    for (const [name, value] of Object.entries(problem.groups)) fact(name, value);
    return list;
  }

  function endOf(sample, file, redraw) {
    const end = element("div", "end");
    if (file && sample.cut && !sample.loaded) {
      const button = element("button", "load", `Load the full reply (${number(sample.characters)} characters)`);
      const said = element("span", "", "");
      button.onclick = () => {
        button.disabled = true;
        load(file, (failure) => {
          if (!failure) return redraw();
          button.disabled = false;
          said.textContent = failure === "stale"
            ? `${DATA.folder}/${file} belongs to another report. Write the report again.`
            : `${DATA.folder}/${file} is not beside this page. Keep the folder ${DATA.folder} next to it.`;
        });
      };
      end.append(button, said);
    } else {
      end.append(`${number(sample.characters)} characters, all of them here.`);
    }
    return end;
  }

  /* The sample with its full text, where that was loaded. */
  function withFullText(sample, file, index) {
    const texts = full.get(file)?.[index];
    if (!texts) return sample;
    const [thinking, answer] = texts;
    return { ...sample, loaded: true, thinking: thinking === null ? null : [thinking], text: answer === null ? null : [answer] };
  }

  /* Draws the reply into a panel's body. */
  function draw(panel, { problem, code, sample: excerpt, file, index }) {
    const redraw = () => draw(panel, { problem, code, sample: excerpt, file, index });
    const sample = withFullText(excerpt, file, index);
    panel.replaceChildren();
    const about = element("section");
    about.append(facts(problem, code, sample), folded("Problem", "problem", problem.prompt.length < 1500, [problem.prompt]));
    if (sample.thinking) {
      const length = number(sample.lengths[0]);
      about.append(folded(`Thinking (${length} characters)`, "thinking", choices.thinking, sample.thinking));
    }
    const answer = element("section", "answer");
    answer.append(element("h3", "", "Answer"));
    if (!sample.text) answer.append(element("p", "quiet", "None: the reply ends inside its thinking."));
    else if (sample.text.join("") === "") answer.append(element("p", "quiet", "Nothing follows the thinking."));
    else fillParts(answer, sample.text);
    panel.append(about, answer, endOf(sample, file, redraw));
  }

  return { draw, chip, choices, OUTCOMES };
})();
