/* The page of changes: who gains and who loses between two runs. It stands on the page of one run. */
"use strict";

circle15.changes = (() => {
  const { data, canvas, layers, panel, page, state: choices } = circle15;
  const { $, el, name } = panel;
  const TURNS = ["gained", "lost", "known", "unknown", "shorter", "longer"];
  const PLACES = ["", "added", "closed", "moved", "resized"];
  const STEPS = [[4, 0.5], [3, 0.2], [2, 0.05], [1, 0]]; // share of a unit's residents, and the colour
  const ANY = -1; // chosen in place of a service: any of them
  const LISTED = 30;
  const LEAST_SHARE = 0.0005; // of all residents; what moves a share by less is not listed

  /* ---------------------------------------------------------------------------------------- what can be asked */

  function newState(study, arrays, world) {
    const people = Float64Array.from(arrays["origins.people"], (parts) => parts / study.people_in);
    const state = {
      world,
      language: study.language,
      reading: "difference",
      walker: 0,
      list: "lost",
      element: null,
      project: null,
      tier: choices.firstTier(study),
      cluster: null,
      square: null,
      unit: null,
      zoom: null, // of the map
      hidden: new Set(["depended", "projects", "terrain"]),
      within: null,
      hasCauses: false,
      projectsShown: () => [],
      closeCalls: () => false,
      carried: study.carried,
      squaresAt: () => null, // homes themselves at every zoom
      people,
      size: layers.sizing(people, world.boundary),
      byPeople: choices.byPeople(arrays["origins.people"]),
      unitOf: arrays["origins.unit"],
      kinds: ["still", "shorter", "longer", "known", "unknown", "gained", "both", "lost"],
      byUnit: study.by === "unit",
      byHome: study.by === "origin" && study.carried.clusters, // homes one by one
      turns: turnsOf(arrays),
    };
    const services = study.services.length;
    const count = (key, u, s) => arrays[`changes.${key}`][(u + 1) * services + s] / 10; // the first row: everybody
    state.sum = (u, s) => (s === ANY ? anySum(study, u) : serviceSum(count, u, s));
    const tells = (sum) => (state.byUnit ? Math.abs(sum.net) >= LEAST_SHARE * study.facts.people_after : moves(sum));
    state.changed = study.services.flatMap((_, s) => (study.compared[s] && tells(state.sum(-1, s)) ? [s] : []));
    state.status = (i) => state.kindOf[i];
    state.cell = (u, c) => {
      const at = u * study.standard.categories.length + c;
      return { before: study.cells.grade_before[at], after: study.cells.grade_after[at], change: study.cells.change[at] };
    };
    choices.wording(study, state);
    state.shows = (layer) => !state.hidden.has(layer);
    state.look = (u, s) => look(study, state, u, s);
    state.chosenName = (s) => (s === ANY ? state.say("changes.any") : state.serviceName(s));
    state.placeOf = (i) => PLACES[arrays["facilities.turn"][i]];
    state.signOf = (i) => state.servicesOf(study.services[study.facilities.service[i]].category).indexOf(study.facilities.service[i]);
    state.signLook = (i) => signLook(study, state, i);
    return state;
  }

  /* What becomes of each home: lists by home and by service. */
  function turnsOf(arrays) {
    const read = (key) => arrays[`turns.${key}`];
    const minutes = (tenths) => (tenths ? (tenths - 1) / 10 : null);
    return Array.from(read("origin"), (origin, k) => ({
      origin,
      service: read("service")[k],
      turn: TURNS[read("turn")[k]],
      before: minutes(read("before")[k]),
      after: minutes(read("after")[k]),
    }));
  }

  function serviceSum(count, u, s) {
    const sum = Object.fromEntries(["net", "gained", "lost", "shorter", "longer"].map((key) => [key, count(key, u, s)]));
    const [before, after] = ["before", "after"].map((when) => ({ served: count(`served_${when}`, u, s), unknown: count(`unknown_${when}`, u, s) }));
    return { ...sum, known: count("became_known", u, s), unknown: count("became_unknown", u, s), before, after };
  }

  function anySum(study, u) {
    const read = (key) => (u < 0 ? study.facts[key] ?? 0 : study.any[key][u] / 10);
    const [gained, lost] = [read("gaining"), read("losing")];
    return { gained, lost, net: gained - lost, known: 0, unknown: 0, shorter: 0, longer: 0, before: null, after: null };
  }

  const moves = (sum) => ["gained", "lost", "net", "known", "unknown", "shorter", "longer"].some((key) => Math.abs(sum[key]) >= 0.05);

  /* Colour and word of a unit: by residents who gained less those who lost, as a share of all. */
  function look(study, state, u, s) {
    const sum = state.sum(u, s);
    const people = study.people[u] / 10;
    const said = (key, word) => ({ scale: "change", key: String(key), word, close: "", unlisted: "" });
    if (sum.net) {
      const [step] = STEPS.find(([, least]) => Math.abs(sum.net) >= least * people);
      const words = state.byUnit ? points(state, sum.net, people)
        : state.say(sum.net > 0 ? "changes.more" : "changes.fewer", { n: state.number(Math.abs(sum.net)) });
      return said(Math.sign(sum.net) * step, words);
    }
    if (sum.gained || sum.lost) return said(0, state.say("changes.both"));
    if (!people || (sum.after && cannotSay(state, sum, people))) return said("none", state.say("changes.untold"));
    return said(0, state.say("changes.still"));
  }

  /* By unit: when those of whom it cannot be said could have turned it; else when they are most. */
  function cannotSay(state, sum, people) {
    const doubt = Math.max(sum.before.unknown, sum.after.unknown);
    return state.byUnit ? doubt > 0.01 * people : 2 * doubt > people;
  }

  function signLook(study, state, i) {
    const turn = state.placeOf(i);
    const { marks } = study.palette;
    if (!turn) return { color: marks.facility, filled: false, grown: 0.8, word: "" };
    const color = { added: marks.gained, closed: marks.lost }[turn] || marks.facility;
    return { color, filled: turn !== "closed", grown: 1.7, word: state.say(`changes.${turn}`) };
  }

  /* What follows from the choices. */
  function refresh(study, state) {
    const s = state.category;
    const here = state.turns.filter((one) => s === ANY || one.service === s);
    state.kindOf = Array(state.people.length).fill("still");
    for (const { origin, turn } of here) state.kindOf[origin] = together(state.kindOf[origin], turn, s);
    state.all = study.facts.people_after;
    state.shown = study.units.tier.flatMap((tier, u) => (tier === state.tier ? [u] : []));
    const offered = (i) => (s === ANY ? state.placeOf(i) !== "" : study.facilities.service[i] === s);
    state.facilities = study.facilities.service.flatMap((_, i) => (offered(i) ? [i] : []));
    state.facilities.sort((a, b) => Number(state.placeOf(a) !== "") - Number(state.placeOf(b) !== "")); // changed ones on top
  }

  /* Of several services only gains and losses count. */
  function together(kind, turn, s) {
    if (s !== ANY) return turn;
    if (!["gained", "lost"].includes(turn)) return kind;
    return kind === "still" || kind === turn ? turn : "both";
  }

  /* ------------------------------------------------------------------------------------------ what is said of it */

  const minutesOf = (state, value) => (value === null ? state.say("changes.none_found") : value.toFixed(1));

  const walked = (state, one) => state.say("changes.minutes",
    { service: state.serviceName(one.service), before: minutesOf(state, one.before), after: minutesOf(state, one.after) });

  /* How far a share goes up or down: what is compared where residents are others. */
  const points = (state, net, people) => {
    const n = people ? (100 * Math.abs(net)) / people : 0;
    return state.say("changes.points", { n: `${net < 0 ? "−" : "+"}${n.toFixed(1)}` });
  };

  const signed = (state, n) => (Math.round(n) ? `${n > 0 ? "+" : "−"}${state.number(Math.abs(n))}` : "");

  function head(study, state) {
    const ends = study.facts.scenarios;
    study.facts.scenario = ends.some(Boolean) ? ends.map((one) => one || state.say("page.as_it_is")).join(" → ") : null;
    panel.head(study, state);
    $("said").hidden = false;
    $("said").replaceChildren(name(study.facts.report[state.language]));
    for (const part of ["reading", "walker", "depended", "lists", "layers-toggle"]) $(part).hidden = true;
  }

  function figures(study, state) {
    const { say, number } = state;
    const sum = state.sum(-1, state.category);
    const service = state.chosenName(state.category);
    const figure = (kind, key, value) => panel.figure(kind, say(`changes.${key}`), { value, why: say(`changes.${key}_why`, { service }) });
    const population = panel.figure("population", say("figures.population"), { value: number(state.all), why: say("figures.population_why") });
    if (state.byUnit) {
      const share = (when) => state.range({ all: when === "before" ? study.facts.people_before : state.all, ...sum[when] });
      $("figures").replaceChildren(population, figure("served", "served_before", share("before")),
        figure("served", "served_after", share("after")), figure(sum.net < 0 ? "lost" : "gained", "net", points(state, sum.net, state.all)));
      return;
    }
    const others = ["shorter", "longer", "known", "unknown"].filter((key) => Math.round(sum[key]));
    $("figures").replaceChildren(population, figure("gained", "gained", number(sum.gained)), figure("lost", "lost", number(sum.lost)),
      ...others.slice(0, 2).map((key) => figure("unknown", key, number(sum[key]))));
  }

  function services(study, state, choose) {
    const { say } = state;
    const share = (net) => (net ? points(state, net, state.all) : "");
    const counts = (sum) => (state.byUnit ? [share(Math.max(sum.net, 0)), share(Math.min(sum.net, 0))] : [signed(state, sum.gained), signed(state, -sum.lost)]);
    const listed = [...(state.byUnit ? [] : [ANY]), ...state.changed];
    const options = listed.map((s) => {
      const [plus, minus] = counts(state.sum(-1, s));
      return {
        key: String(s),
        why: s === ANY ? say("changes.any_why") : state.categoryName(study.services[s].category),
        shown: [el("span.c15-name", { title: state.chosenName(s) }, state.chosenName(s)),
          el("span.c15-plus", {}, plus), el("span.c15-minus", {}, minus)],
      };
    });
    panel.choice($("categories"), options, { chosen: String(state.category), onchoose: (key) => choose(Number(key)) });
    const rest = study.compared.filter(Boolean).length - state.changed.length;
    $("rest").hidden = false;
    $("rest").textContent = [state.changed.length ? "" : say("changes.nothing"), rest && state.changed.length ? say("changes.rest", { n: rest }) : "",
      state.byUnit ? say("changes.by_unit") : ""].filter(Boolean).join(" ");
  }

  function ranked(study, state, show) {
    const { say, number } = state;
    $("ranked").hidden = !state.byHome;
    $("ranked").classList.toggle("c15-better", state.list === "gained");
    $("ranked").querySelector("h2").textContent = say(`changes.ranked_${state.list}`);
    const homes = state.byPeople.filter((i) => [state.list, "both"].includes(state.kindOf[i]) && state.people[i] > 0);
    const most = homes.length ? state.people[homes[0]] : 1;
    const listed = state.printing ? state.printing.listed : LISTED;
    const mine = (i) => state.turns.filter((one) => one.origin === i && one.turn === state.list && [ANY, one.service].includes(state.category));
    $("ranked").querySelector("ol").replaceChildren(...homes.slice(0, listed).map((i) =>
      el("li", {}, el("button", { type: "button", onclick: () => show(i), "data-cluster": String(i) },
        el("span.c15-where", {}, name(state.unitName(state.unitOf[i]))),
        el("span.c15-count", {}, say("cluster.people", { n: number(state.people[i]) })),
        el("span.c15-lacks", {}, mine(i).map((one) => walked(state, one)).join(say("number.comma"))),
        el("i.c15-length", { style: { width: `${(100 * state.people[i]) / most}%` }, "aria-hidden": "true" })))));
    const rest = homes.slice(listed);
    const people = rest.reduce((sum, i) => sum + state.people[i], 0);
    $("ranked").querySelector("p").textContent = !homes.length ? say("changes.ranked_none")
      : rest.length ? say("page.ranked_more", { n: number(rest.length), people: number(people) }) : "";
  }

  function mark(state, kind) {
    return el(`b.c15-mark.c15-${kind}`, {}, state.say(`changes.${kind}`));
  }

  function cluster(study, state, i, close) {
    const { say, number } = state;
    const rows = state.turns.filter((one) => one.origin === i).map((one) =>
      el("tr", { class: one.service === state.category ? "c15-current" : null },
        el("th", { scope: "row" }, state.serviceName(one.service)),
        el("td.c15-minutes", {}, say("changes.walk", { before: minutesOf(state, one.before), after: minutesOf(state, one.after) }),
          el("small", {}, say("cluster.limit", { minutes: study.services[one.service].minutes }))),
        el("td", {}, mark(state, one.turn))));
    const title = [`${say("cluster.name")} · `, name(state.unitName(state.unitOf[i]))];
    const body = rows.length ? el("table", {}, el("tbody", {}, ...rows)) : el("p.c15-reach", {}, say("changes.still"));
    panel.detail(title, say("cluster.people", { n: number(state.people[i]) }), { say, parts: [body] }, close);
  }

  function unit(study, state, u, close) {
    const { say, number } = state;
    const told = (sum, key) => (Math.round(sum[key]) ? `${say(`changes.${key}`)} ${number(sum[key])}` : "");
    const rows = state.changed.filter((s) => moves(state.sum(u, s))).map((s) => {
      const sum = state.sum(u, s);
      const more = ["gained", "lost", "shorter", "longer", "known", "unknown"].map((key) => told(sum, key)).filter(Boolean);
      const share = (when) => `${number(sum[when].served)}`;
      const seen = look(study, state, u, s);
      return el("tr", { class: s === state.category ? "c15-current" : null },
        el("th", { scope: "row" }, state.serviceName(s), el("small", {}, state.byUnit ? say("changes.served", { before: share("before"), after: share("after") }) : more.join(" · "))),
        el("td", {}, el("b.c15-grade", { "data-change": seen.key }, seen.word)));
    });
    const cells = study.standard.categories.flatMap((_, c) => (state.cell(u, c).change ? [c] : [])).map((c) =>
      el("tr", {}, el("th", { scope: "row" }, state.categoryName(c), el("small", {}, gradesOf(state, u, c))), el("td", {}, gradeMark(state, u, c))));
    const body = rows.length + cells.length ? el("table.c15-unit", {}, el("tbody", {}, ...rows, ...cells)) : el("p.c15-reach", {}, say("changes.still"));
    const people = say("cluster.people", { n: number(study.people[u] / 10) });
    panel.detail([name(state.unitName(u))], `${say(`tier.${study.units.tier[u]}`)} · ${people}`, { say, parts: [body] }, close);
  }

  const gradesOf = (state, u, c) => {
    const { before, after } = state.cell(u, c);
    return `${state.gradeWord(before)} → ${state.gradeWord(after)}`;
  };

  const gradeMark = (state, u, c) => {
    const { change } = state.cell(u, c);
    return el("b.c15-grade", { "data-change": String(change ?? "none") }, state.changeWord(change));
  };

  function card(study, state, pick) {
    const { say } = state;
    const heads = study.standard.categories.map((_, c) => el("th", { scope: "col" }, state.categoryName(c)));
    const moved = (u) => Number(study.standard.categories.some((_, c) => state.cell(u, c).change)); // these first
    const rows = [...state.shown].sort((a, b) => moved(b) - moved(a)).map((u) => el("tr", {}, el("th", { scope: "row" }, name(state.unitName(u))),
      ...study.standard.categories.map((_, c) => {
        const { change } = state.cell(u, c);
        const said = [canvas.plain(state.unitName(u)), state.categoryName(c), state.changeWord(change), gradesOf(state, u, c)].join(" · ");
        return el("td", {}, el("button.c15-grade", { type: "button", "data-change": String(change ?? "none"), title: said, "aria-label": said, onclick: () => pick(u) },
          state.changeWord(change)));
      })));
    panel.cardTitle(state, say("page.card_caption"));
    $("card").querySelector("table").replaceChildren(
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, say("page.unit")), ...heads)),
      el("tbody", {}, ...rows));
  }

  function legend(study, state, toggleFacilities) {
    const { say } = state;
    const { palette } = study;
    const percent = (value) => (state.byUnit ? say("changes.points", { n: 100 * value }) : `${Math.round(100 * value)}%`);
    const step = (sign) => ([key, least], k) => panel.line(panel.paint(palette, "change", String(sign * key)), say(state.byUnit ? (sign > 0 ? "changes.share_up" : "changes.share_down") : sign > 0 ? "changes.net_gain" : "changes.net_loss"),
      least ? say("grade.at_least", { share: percent(least) }) : say("grade.below", { share: percent(STEPS[k - 1][1]) }));
    const keys = new Set(state.shown.map((u) => state.look(u, state.category).key));
    const seen = (sign) => STEPS.map((one, k) => (keys.has(String(sign * one[0])) ? step(sign)(one, k) : null)).filter(Boolean);
    const units = [...seen(1), panel.line(panel.paint(palette, "change", "0"), say("changes.still")), ...seen(-1).reverse(),
      ...(keys.has("none") ? [panel.line(panel.paint(palette, "change", "none"), say("changes.untold"))] : [])];
    const kinds = [...state.kinds].reverse().filter((kind) => state.kindOf.includes(kind));
    const homes = kinds.map((kind) => panel.line((context) =>
      canvas.home(context, [15, 9], { kind, size: kind === "still" ? 6 : 7, color: palette.marks[kind] }), say(`changes.${kind}`)));
    const tick = el("input", { type: "checkbox", onchange: (event) => toggleFacilities(event.target.checked) });
    tick.checked = state.shows("facilities");
    const turns = PLACES.filter((turn) => state.facilities.some((i) => state.placeOf(i) === turn));
    const places = turns.map((turn) => {
      const one = state.facilities.find((i) => state.placeOf(i) === turn);
      const { color, filled } = signLook(study, state, one);
      return panel.line((context) => canvas.sign(context, [15, 9], { which: state.signOf(one), radius: turn ? 6 : 4, color, filled }), say(`changes.${turn || "standing"}`));
    });
    $("legend-body").replaceChildren(
      panel.block(say(state.byUnit ? "changes.legend_shares" : "changes.legend_units", { service: state.chosenName(state.category) }), units),
      ...(homes.length ? [panel.block(say("legend.clusters"), homes)] : []),
      ...(places.length ? [panel.block(el("label", {}, tick, say("changes.legend_places")), places)] : []),
      ...circle15.legend.ways(study, state));
  }

  function tip(study, state, found) {
    const { say, number } = state;
    if (found.kind === "facility") {
      const { facilities } = study;
      const i = found.index;
      return el("div.c15-tip", {}, el("strong", {}, name(facilities.name[i] || say("facility.unnamed"))),
        el("span", {}, `${state.serviceName(facilities.service[i])} · ${say(`changes.${state.placeOf(i) || "standing"}`)}`),
        facilities.source[i] === "scenario" ? el("span", {}, say("facility.scenario")) : "");
    }
    if (found.kind === "cluster") {
      return el("div.c15-tip", {},
        el("strong", {}, `${say("cluster.people", { n: number(state.people[found.index]) })} · ${say(`changes.${state.kindOf[found.index]}`)}`),
        el("span", {}, name(state.unitName(state.unitOf[found.index]))));
    }
    if (found.kind !== "unit") return null;
    return el("div.c15-tip", {}, el("strong", {}, name(state.unitName(found.index)), ` · ${state.look(found.index, state.category).word}`));
  }

  /* ----------------------------------------------------------------------------------------------------- the page */

  class ChangePage extends page.Page {
    begin(arrays) {
      const { study } = this;
      this.state = newState(study, arrays, this.world);
      const { state } = this;
      document.body.classList.toggle("c15-no-homes", !state.byHome);
      const size = (s) => Math.abs(state.sum(-1, s).net) + state.sum(-1, s).gained + state.sum(-1, s).lost;
      state.category = state.byUnit ? [...state.changed].sort((a, b) => size(b) - size(a))[0] ?? study.compared.indexOf(true) : ANY;
      if (state.sum(-1, state.category).lost < 0.5) state.list = "gained";
      this.refresh();
    }

    refresh() {
      refresh(this.study, this.state);
    }

    tip(found) {
      return tip(this.study, this.state, found);
    }

    say() {
      const { study, state } = this;
      head(study, state);
      figures(study, state);
      services(study, state, (category) => this.set({ category }));
      panel.choice($("tier"), study.tiers.map((key) => ({ key, shown: state.say(`tier.${key}`) })), { chosen: state.tier, onchoose: (tier) => this.set({ tier }) });
      $("tier").hidden = study.tiers.length < 2;
      $("list").hidden = !state.byHome;
      panel.choice($("list"), ["lost", "gained"].map((key) => ({ key, shown: state.say(`changes.${key}`) })), { chosen: state.list, onchoose: (list) => this.set({ list }) });
      ranked(study, state, (i) => this.showCluster(i, { zoom: true }));
      this.writeLegend();
      panel.foot(study, state, "changes.homes_left");
      this.writeCard();
      this.map.getContainer().setAttribute("aria-label", state.say("page.map"));
      this.writeDetail();
    }

    writeLegend() {
      legend(this.study, this.state, (shown) => this.toggle("facilities", shown));
    }

    card() {
      card(this.study, this.state, (u) => this.pick(u, this.state.category));
    }

    writeDetail() {
      const { study, state } = this;
      const close = () => this.close();
      if (state.cluster !== null) cluster(study, state, state.cluster, close);
      else if (state.unit !== null) unit(study, state, state.unit, close);
      else $("detail").hidden = true;
    }
  }

  document.body.classList.add("c15-changes");
  return { ANY, ChangePage };
})();

circle15.start = circle15.page.opening(circle15.changes.ChangePage);
