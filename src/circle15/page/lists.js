/* How complete the lists are in a unit, which ones to get next, and what residents say. */
"use strict";

circle15.lists = (() => {
  const { canvas, panel } = circle15;
  const INVENTORY = 1; // place of "inventory" among the reasons for unknown
  const NAMED = 5;

  /* What can be asked of the lists: added to the state of the page. */
  function ask(study, arrays, state) {
    const read = (name, u, s) => arrays[`lists.${name}`][u * study.services.length + s];
    const answers = new Map(study.survey.map(([u, c, n, mean]) => [`${u}:${c}`, { n, mean }]));
    const people = peopleUnknown(study, arrays, state);
    state.hasLists = Boolean(arrays["lists.found"]);
    state.survey = (u, c) => {
      const said = answers.get(`${u}:${c}`);
      return said ? { n: state.number(said.n), mean: said.mean.toFixed(1) } : null;
    };
    state.listOf = (u, s) => {
      const [expected, judge] = [read("expected", u, s), read("judge", u, s)];
      return {
        found: read("found", u, s),
        expected: expected ? (expected - 1) / 10 : null,
        known: read("known", u, s) === 1,
        judge: judge ? judge - 1 : null, // null: an inventory lists every one
        people: people(u, s),
      };
    };
    /* Services that decide a cell and of which the list is incomplete in the unit; any one known is enough for any one. */
    state.unlisted = (u, c) => {
      if (!state.hasLists) return [];
      const asked = state.servicesOf(c).filter(state.asked);
      const missing = asked.filter((s) => read("known", u, s) !== 1);
      return state.reading === "lenient" && missing.length < asked.length ? [] : missing;
    };
    state.anyUnlisted = () => state.shown.some((u) => state.look(u, state.category).key === "unknown");
  }

  /* Residents of a unit of whom it cannot be said because the list is incomplete, counted once for each unit; not told
     where the page does not carry why. */
  function peopleUnknown(study, arrays, state) {
    if (!state.carried.answers) return () => null;
    const { parent } = study.units;
    const kept = new Map();
    const clusters = state.people.length;
    const within = (u) => {
      const held = [];
      state.unitOf.forEach((unit, i) => {
        let at = unit;
        while (at >= 0 && at !== u) at = parent[at];
        if (at === u) held.push(i);
      });
      return held;
    };
    return (u, s) => {
      if (!kept.has(u)) kept.set(u, within(u));
      return kept.get(u).reduce((sum, i) => sum + (arrays["coverage.why"][s * clusters + i] === INVENTORY ? state.people[i] : 0), 0);
    };
  }

  /* The unit that is chosen, or the whole. */
  const unitOf = (study, state) => state.unit ?? Math.max(0, study.units.parent.indexOf(-1));

  /* Lists to get first: most people of whom it cannot be said, then basic services. */
  function ordered(study, state, u) {
    const rank = (one) => [one.known ? 1 : 0, -Math.round(one.people), study.services[one.s].need === "basic" ? 0 : 1, one.s];
    return study.services
      .map((_, s) => ({ s, ...state.listOf(u, s) }))
      .sort((a, b) => rank(a).map((x, k) => x - rank(b)[k]).find(Boolean) ?? 0);
  }

  function row(study, state, one, u) {
    const { say, number } = state;
    const { el, mark } = panel;
    const expected = one.expected === null ? "–" : one.expected < 10 ? one.expected.toFixed(1).replace(".0", "") : number(one.expected);
    const judge = one.judge === null ? say("completeness.table") : one.judge === u ? "" : say("completeness.judged", { unit: canvas.plain(state.unitName(one.judge)) });
    const people = one.known || one.people === null ? null : el("small", {}, say("completeness.people", { n: number(one.people) }));
    return el("tr", { class: study.services[one.s].category === state.category ? "c15-current" : null },
      el("th", { scope: "row" }, state.serviceName(one.s), judge ? el("small", {}, judge) : null),
      el("td", { title: one.expected === null ? say("completeness.nothing") : null }, `${number(one.found)} / ${expected}`),
      el("td", {}, one.known ? mark(state, "known") : mark(state, "unknown"), people));
  }

  function write(study, state) {
    const { say } = state;
    const { $, el } = panel;
    $("lists").hidden = state.list !== "lists" || !state.hasLists;
    if ($("lists").hidden) return;
    const u = unitOf(study, state);
    const rows = ordered(study, state, u);
    const missing = rows.filter((one) => !one.known);
    const services = missing.slice(0, NAMED).map((one) => state.serviceName(one.s)).join(say("number.comma"));
    const words = missing.length > NAMED ? "completeness.next_more" : missing.length ? "completeness.next" : "completeness.none";
    const place = el("strong", {}, panel.name(state.unitName(u)));
    $("lists").querySelector("p").replaceChildren(place, say("number.colon"), say(words, { services, n: missing.length }));
    const heads = ["service", "found", "known"].map((key) =>
      el("th", { scope: "col", title: say(`completeness.${key}_why`), tabindex: "0" }, say(`completeness.${key}`)));
    $("lists").querySelector("table").replaceChildren(
      el("thead", {}, el("tr", {}, ...heads)),
      el("tbody", {}, ...rows.map((one) => row(study, state, one, u))));
  }

  return { ask, write };
})();
