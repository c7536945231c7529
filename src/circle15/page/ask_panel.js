/* The panel for questions: what a click does, what is answered, the scenario. All text enters the page as text. */
"use strict";

circle15.askPanel = (() => {
  const { canvas, panel, answers, askWords } = circle15;
  const { el, name, mark } = panel;
  const MODES = ["ask", "add", "remove", "close", "link"];
  const KINDS = ["stairs", "escalator", "lift", "bridge", "path"];
  const CELLS = 12; // rows that are shown at first

  /* The parts that stay; what is in them is written again. */
  function mount() {
    const section = document.getElementById("ask");
    const parts = {
      tools: el("div.c15-ask-tools"),
      said: el("p.c15-ask-said", { role: "status", "aria-live": "polite" }),
      place: el("div.c15-ask-place"),
      plan: el("div.c15-ask-plan"),
    };
    section.replaceChildren(...Object.values(parts));
    return parts;
  }

  /* Put new children, and the focus back to what has the same key. */
  function put(part, ...children) {
    const held = part.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    part.replaceChildren(...children.filter(Boolean));
    if (held) part.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
  }

  const button = (key, words, onclick, more = {}) => el("button", { type: "button", "data-key": key, onclick, ...more }, words);

  /* --------------------------------------------------------------------------------------------------- tools */

  function tools(ask) {
    const { say } = ask.page.state;
    const modes = MODES.map((mode) => button(`mode-${mode}`, say(`ask.mode_${mode}`), () => ask.setMode(mode), { "aria-pressed": String(ask.mode === mode), title: say(`ask.hint_${mode}`) }));
    put(ask.parts.tools,
      el("div.c15-ask-modes", { role: "group", "aria-label": say("ask.modes") }, ...modes),
      ask.mode === "link" ? linkTools(ask) : null,
      ask.mode === "close" || ask.mode === "link" ? null : serviceTool(ask),
      ask.live && ask.live.walkers.length > 1 ? walkerTool(ask) : null);
  }

  function labelled(words, control) {
    return el("label", {}, el("span", {}, words), control);
  }

  /* The service that is placed or removed, and whose category the map shows. */
  function serviceTool(ask) {
    const { study, state } = ask.page;
    const select = el("select", { "data-key": "service", onchange: () => ask.chooseService(Number(select.value)) });
    select.append(...study.standard.categories.map((_, c) => el("optgroup", { label: state.categoryName(c) },
      ...state.servicesOf(c).map((s) => {
        const option = el("option", { value: String(s) }, state.serviceName(s));
        option.selected = s === ask.service;
        return option;
      }))));
    return labelled(state.say(ask.mode === "ask" ? "ask.shown" : "ask.service"), select);
  }

  function linkTools(ask) {
    const { say } = ask.page.state;
    const select = el("select", { "data-key": "kind", onchange: () => ask.chooseKind(select.value) });
    select.append(...KINDS.map((kind) => {
      const option = el("option", { value: kind }, say(`kind.${kind}`));
      option.selected = kind === ask.kind;
      return option;
    }));
    const tick = el("input", { type: "checkbox", "data-key": "one-way", onchange: () => { ask.oneWay = tick.checked; } });
    tick.checked = ask.oneWay;
    return el("div.c15-ask-link", {}, labelled(say("ask.kind"), select), el("label.c15-ask-tick", {}, tick, say("ask.one_way")));
  }

  function walkerTool(ask) {
    const select = el("select", { "data-key": "walker", onchange: () => ask.chooseWalker(Number(select.value)) });
    select.append(...ask.live.walkers.map((_, who) => {
      const option = el("option", { value: String(who) }, askWords.walker(ask, who));
      option.selected = who === ask.who;
      return option;
    }));
    return labelled(ask.page.state.say("walker.name"), select);
  }

  /* --------------------------------------------------------------------------------------------------- a place */

  function place(ask) {
    const { say } = ask.page.state;
    if (!ask.answer) {
      put(ask.parts.place);
      return;
    }
    const title = ask.cluster === null ? say("ask.from_here") : say("ask.from_home", { n: ask.page.state.number(ask.page.state.people[ask.cluster]) });
    const head = el("header", {}, el("h2", {}, title),
      button("forget", "×", () => ask.forget(), { class: "c15-close", title: say("page.close"), "aria-label": say("ask.forget") }));
    const basis = el("p.c15-ask-basis", {}, askWords.basis(ask));
    if (!ask.answer.spots.length) put(ask.parts.place, head, basis, el("p.c15-ask-wrong", {}, say("ask.no_street", { n: off(ask) })));
    else put(ask.parts.place, head, basis, reach(ask), services(ask));
  }

  const off = (ask) => ask.page.state.number(ask.walk.walker.off_road_max_m);

  function reach(ask) {
    const { say, number } = ask.page.state;
    const rows = ask.answer.reach.map((one, i) => el("tr", {},
      el("th", { scope: "row" }, swatch(circle15.overlay.bandOf(i)), say("ask.minutes", { n: one.minutes })),
      el("td", {}, say("ask.km", { n: (one.metres / 1000).toFixed(1) })),
      el("td", {}, say("cluster.people", { n: number(one.people) }))));
    return el("table.c15-ask-reach", {}, el("thead", {}, el("tr", {},
      el("th", { scope: "col" }, say("ask.within")), el("th", { scope: "col" }, say("ask.streets")), el("th", { scope: "col" }, say("ask.residents")))),
    el("tbody", {}, ...rows));
  }

  function swatch({ color, width }) {
    const made = el("canvas", { width: 52, height: 24, "aria-hidden": "true" });
    const context = made.getContext("2d");
    context.scale(2, 2);
    context.strokeStyle = color;
    context.lineWidth = width + 0.6;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(4, 6);
    context.lineTo(22, 6);
    context.stroke();
    return made;
  }

  /* Every service: the category that the map shows comes first. */
  function services(ask) {
    const { state, study } = ask.page;
    const order = [state.category, ...study.standard.categories.keys()].filter((c, k, all) => all.indexOf(c) === k);
    const groups = order.map((c) => el("tbody", {},
      el("tr.c15-ask-category", {}, el("th", { colspan: "2", scope: "rowgroup" }, state.categoryName(c))),
      ...state.servicesOf(c).map((s) => serviceRow(ask, s))));
    return el("div", {}, el("p.c15-ask-hint", {}, state.say("ask.pick")), el("table.c15-ask-services", {}, ...groups));
  }

  function serviceRow(ask, s) {
    const { state, study } = ask.page;
    const { say } = state;
    const { nearest, state: kind, why } = ask.answer.services[s];
    const shown = nearest && ask.picked === s;
    const where = nearest
      ? button(`pick-${s}`, askWords.facility(ask, nearest.row), () => ask.pick(s), { "aria-pressed": String(Boolean(shown)), title: say("ask.route") })
      : el("span.c15-ask-none", {}, say("cluster.found_none", { n: study.facts.search_minutes ?? "?" }));
    const extra = why ? say(`why.${why}`) : nearest && nearest.count > 1 ? say("cluster.count", { n: nearest.count }) : "";
    const limit = [say("cluster.limit", { minutes: study.services[s].minutes }), extra].filter(Boolean).join(" · ");
    return el("tr", { class: shown ? "c15-ask-picked" : null, "data-service": study.services[s].key },
      el("th", { scope: "row" }, state.serviceName(s), where, el("small", {}, limit)),
      el("td", {}, mark(state, kind), nearest ? legs(ask, nearest) : ""));
  }

  function legs(ask, { out, back }) {
    const { say } = ask.page.state;
    const said = (ticks) => (ticks < circle15.live.NEVER ? answers.minutes(ticks) : "–");
    return el("span.c15-ask-legs", {}, say("ask.legs", { out: said(out), back: said(back) }));
  }

  /* ------------------------------------------------------------------------------------------------ the scenario */

  function plan(ask) {
    const { edits, effect } = ask;
    const { say } = ask.page.state;
    if (!edits.list.length) {
      put(ask.parts.plan, edits.past.length ? el("div.c15-ask-row", {}, undo(ask)) : null);
      return;
    }
    put(ask.parts.plan,
      el("h2", {}, say("ask.scenario")), nameField(ask),
      el("ol.c15-ask-edits", {}, ...edits.list.map((edit, at) => el("li", {}, askWords.edit(ask, edit, at),
        button(`drop-${at}`, "×", () => ask.drop(at), { class: "c15-close", "aria-label": say("ask.drop", { n: at + 1 }), title: say("ask.drop", { n: at + 1 }) })))),
      el("div.c15-ask-row", {}, undo(ask), button("clear", say("ask.clear"), () => ask.clear())),
      effect ? results(ask) : null,
      share(ask));
  }

  const undo = (ask) => button("undo", ask.page.state.say("ask.undo"), () => ask.undo(), { disabled: !ask.edits.past.length });

  function nameField(ask) {
    const { say } = ask.page.state;
    const input = el("input", { type: "text", "data-key": "name", maxlength: "60", placeholder: say("ask.nameless"), oninput: () => ask.rename(input.value) });
    input.value = ask.edits.name;
    return labelled(say("ask.name"), input);
  }

  function results(ask) {
    const { say } = ask.page.state;
    const { any } = ask.effect;
    const basis = `${askWords.basis(ask)} ${say("ask.reading", { reading: say(`reading.${ask.reading}`) })}`;
    return el("div.c15-ask-results", {},
      el("dl", {}, figure("gained", say("ask.gain"), signed(ask, any.gained, "+")), figure("lost", say("ask.lose"), signed(ask, any.lost, "−"))),
      el("p.c15-ask-basis", {}, basis),
      serviceChanges(ask), cellChanges(ask));
  }

  const figure = (kind, words, value) => el(`div.c15-${kind}`, {}, el("dt", {}, words), el("dd", {}, value));
  const signed = (ask, people, sign) => (Math.round(people) ? `${sign}${ask.page.state.number(people)}` : "0");

  /* Services of which anyone's state changes. */
  function serviceChanges(ask) {
    const { state } = ask.page;
    const { say, number } = state;
    const changed = ask.effect.services.map((one, s) => ({ ...one, s })).filter((one) => one.gained || one.lost || one.told || one.untold);
    if (!changed.length) return el("p.c15-ask-none", {}, say("ask.no_change"));
    const rows = changed.map((one) => el("tr", {},
      el("th", { scope: "row" }, state.serviceName(one.s), el("small", {}, say("ask.served", { before: number(one.before), after: number(one.after) })), turns(state, one)),
      el("td.c15-plus", {}, one.gained ? signed(ask, one.gained, "+") : ""),
      el("td.c15-minus", {}, one.lost ? signed(ask, one.lost, "−") : "")));
    return el("table.c15-ask-changes", {}, el("thead", {}, el("tr", {},
      el("th", { scope: "col" }, say("completeness.service")), el("th", { scope: "col" }, say("changes.gained")), el("th", { scope: "col" }, say("changes.lost")))),
    el("tbody", {}, ...rows));
  }

  /* What was not known and now is served, and what is no more known. */
  function turns(state, { told, untold }) {
    const words = [told ? state.say("ask.told", { n: state.number(told) }) : "", untold ? state.say("ask.untold", { n: state.number(untold) }) : ""];
    return el("small", {}, words.filter(Boolean).join(" · "));
  }

  function cellChanges(ask) {
    const { state } = ask.page;
    const { cells } = ask.effect;
    if (!cells.length) return el("p.c15-ask-none", {}, state.say("ask.no_cells"));
    const rows = cells.map((one) => cellRow(ask, one));
    const rest = rows.slice(CELLS);
    return el("div.c15-ask-cells", {}, el("h3", {}, state.say("ask.cells", { n: state.number(cells.length) })),
      el("ul", {}, ...rows.slice(0, CELLS)),
      rest.length ? el("details", {}, el("summary", {}, state.say("ask.more_cells", { n: state.number(rest.length) })), el("ul", {}, ...rest)) : null);
  }

  function cellRow(ask, one) {
    const { state, study } = ask.page;
    const { unit, category, was, is } = one;
    const badge = (value) => {
      const { key, word } = askWords.grade(ask, one, value);
      return el("b.c15-grade", { "data-grades": key }, word);
    };
    return el("li", {},
      el("span", {}, name(state.unitName(unit)), el("small", {}, [state.say(`tier.${study.units.tier[unit]}`), state.categoryName(category)].join(" · "))),
      el("span.c15-ask-turn", {}, badge(was), el("i", { role: "img", "aria-label": state.say("ask.becomes") }, "→"), badge(is),
        el("small", {}, was && is ? state.changeWord(is - was) : "")));
  }

  /* ----------------------------------------------------------------------------------------------------- share */

  function share(ask) {
    const { state, study } = ask.page;
    const { say } = state;
    const text = el("textarea", { readonly: true, rows: "7", "data-key": "toml", spellcheck: "false", "aria-label": say("ask.toml") });
    text.value = ask.toml();
    ask.exported = text;
    const own = canvas.plain(state.walkerName(0));
    const under = study.facts.scenario || study.facts.closed_by_hand?.length;
    return el("div.c15-ask-share", {},
      el("h3", {}, say("ask.share")),
      el("div.c15-ask-row", {}, button("copy-link", say("ask.copy_link"), () => ask.copy(ask.link(), "ask.link_copied")),
        button("copy-toml", say("ask.copy_toml"), () => ask.copy(ask.toml(), "ask.toml_copied"))),
      text, el("p.c15-ask-hint", {}, say("ask.run", { walker: own })),
      under ? el("p.c15-ask-wrong", {}, say("ask.under", { name: canvas.plain(study.facts.scenario || study.facts.closed_by_hand.join(" ")) })) : null);
  }

  function write(ask) {
    tools(ask);
    if (!ask.live) return;
    place(ask);
    plan(ask);
  }

  return { mount, write, place, plan };
})();
