/* The card as a matrix of units and categories: from the whole down to communities, every cell a door to the map. */
"use strict";

circle15.card = (() => {
  const { canvas, panel } = circle15;
  const { $, el, name } = panel;
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  const childrenOf = (study, u) => study.units.parent.flatMap((parent, child) => (parent === u ? [child] : []));

  /* Units that a unit lies in, the highest first; of none, the one unit that all others lie in. */
  function above(study, u) {
    const tops = study.units.parent.flatMap((parent, one) => (parent < 0 ? [one] : []));
    if (u === null) return tops.length === 1 ? tops : [];
    const found = [];
    for (let at = u; at >= 0; at = study.units.parent[at]) found.unshift(at);
    return found;
  }

  /* The rows of the card: units above, then units of the chosen tier. */
  function rowsOf(study, state) {
    const within = (u) => state.within === null || above(study, u).includes(state.within);
    const shown = state.shown.filter(within);
    return { above: above(study, state.within).filter((u) => !shown.includes(u)), shown };
  }

  /* What is said of one cell, in one line. */
  function said(state, u, c) {
    const { say } = state;
    const look = state.look(u, c);
    const answers = state.survey(u, c);
    const { gap, unknown } = state.cell(u, c);
    return [canvas.plain(state.unitName(u)), state.categoryName(c), look.word, look.close, look.unlisted,
      `${say("state.gap")} ${state.number(gap)}`, Math.round(unknown) ? `${say("state.unknown")} ${state.number(unknown)}` : "",
      answers ? say("survey.said", answers) : ""].filter(Boolean).join(" · ");
  }

  function cell(state, u, c, pick) {
    const look = state.look(u, c);
    const words = said(state, u, c);
    const chosen = c === state.category && u === state.unit;
    return el("td", { class: c === state.category ? "c15-current" : null },
      el("button.c15-grade", {
        type: "button", [`data-${look.scale}`]: look.key, title: words, "aria-label": words, "aria-pressed": String(chosen),
        tabindex: chosen ? "0" : "-1", onclick: () => pick(u, c),
      }, look.word, ...panel.marks(look)));
  }

  /* A unit's row: its name goes down to the units in it, or shows it where there are none. */
  function row(study, state, { unit: u, depth, open, act }) {
    const deeper = childrenOf(study, u).length > 0;
    const title = state.say(open ? "matrix.up" : deeper ? "matrix.down" : "matrix.show", { unit: canvas.plain(state.unitName(u)) });
    const head = el("button.c15-drill", {
      type: "button", title, "aria-expanded": deeper ? String(open) : null, style: { paddingLeft: `${10 * depth}px` },
      onclick: () => (deeper ? act.drill(u, open) : act.pick(u, state.category)),
    }, name(state.unitName(u)));
    return el("tr", { class: u === state.unit ? "c15-chosen" : null }, el("th", { scope: "row" }, head),
      ...study.standard.categories.map((_, c) => cell(state, u, c, act.pick)));
  }

  function write(study, state, act) {
    const { say } = state;
    const { above: over, shown } = rowsOf(study, state);
    const heads = study.standard.categories.map((_, c) => el("th", { scope: "col", class: c === state.category ? "c15-current" : null },
      el("button", { type: "button", title: say("matrix.column"), "aria-pressed": String(c === state.category), onclick: () => act.choose(c) }, state.categoryName(c))));
    const rows = (units, depth, open) => units.map((u, k) => row(study, state, { unit: u, depth: depth + (open ? k : 0), open, act }));
    panel.cardTitle(state, `${say("page.card_caption")} · ${panel.chosen(state)}`);
    const table = $("card").querySelector("table");
    table.replaceChildren(
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, say("page.unit")), ...heads)),
      el("tbody.c15-above", {}, ...rows(over, 0, true)),
      el("tbody.c15-rows", {}, ...rows(shown, over.length, false)));
    if (!table.querySelector("td [tabindex='0']")) table.querySelector(".c15-rows td button")?.setAttribute("tabindex", "0");
    table.onkeydown = move;
  }

  /* Arrow keys go from cell to cell; Tab goes past the matrix. */
  function move(event) {
    const here = event.target.closest("td");
    const step = STEPS[event.key];
    if (!here || !step) return;
    const lines = [...event.currentTarget.querySelectorAll("tbody tr")];
    const line = lines[lines.indexOf(here.parentElement) + step[0]];
    const next = line?.cells[here.cellIndex + step[1]]?.querySelector("td > button");
    if (!next) return;
    event.preventDefault();
    event.currentTarget.querySelector("td [tabindex='0']")?.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }

  return { childrenOf, above, write };
})();
