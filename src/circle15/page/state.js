/* What is chosen, what can be asked of the data under it, and the words for it. */
"use strict";

circle15.state = (() => {
  const { canvas, layers, lists, squares, progress } = circle15;
  const STATES = ["gap", "unknown", "served"];
  const REASONS = ["", "inventory", "edge", "unplaced"];
  const CAUSES = ["", "none", "far", "terrain", "steps", "closed"];
  const CLOSE_CALL = 0.34; // share of stability runs that give another grade, from which a cell is marked
  const NO_CHANGE = 9;
  const LISTED = 10;

  const UNSHOWN = ["terrain", "depended"]; // layers that the page opens without

  /* Everything that is asked of the data; drawing and wording read it and change nothing. */
  function newState(study, arrays, world) {
    const clusters = world.clusters.count;
    const people = Float64Array.from(arrays["origins.people"], (parts) => parts / study.people_in);
    const columns = study.standard.categories.length;
    const state = {
      world,
      language: study.language,
      category: 0,
      reading: "strict", // lenient: for the study's own walker; difference: for another
      walker: 0, // place in study.walkers; 0 is the study's own
      list: "gaps",
      element: null,
      project: null,
      within: null, // the unit whose parts the card lists; none: all units of the tier
      tier: firstTier(study),
      cluster: null,
      square: null, // its level and its place there
      unit: null,
      zoom: null, // of the map
      kinds: ["served", "unknown", "gap"], // of clusters, from below
      hidden: new Set(UNSHOWN),
      carried: study.carried,
      canAsk: Boolean(circle15.live && document.getElementById("circle15-network")), // the walking engine is in the page
      people,
      size: layers.sizing(people, world.boundary),
      byPeople: byPeople(arrays["origins.people"]),
      unitOf: arrays["origins.unit"],
      buildings: arrays["origins.buildings"],
      height: (i) => (arrays["origins.height"][i] ? arrays["origins.height"][i] - 1 : null),
      evidence: (i) => study.evidence[arrays["origins.evidence"][i]],
    };
    const states = () => arrays[state.reading === "lenient" ? "states.lenient" : "states.strict"];
    state.statusIn = (i, category) => STATES[states()[category * clusters + i]];
    state.status = (i) => state.statusIn(i, state.category);
    state.service = (i, s) => {
      const at = s * clusters + i;
      const tenths = arrays["coverage.minutes"][at];
      return {
        state: STATES[arrays["coverage.state"][at]],
        why: REASONS[arrays["coverage.why"][at]],
        minutes: tenths ? (tenths - 1) / 10 : null,
        count: arrays["coverage.count"][at],
        cause: CAUSES[arrays["coverage.cause"][at]],
      };
    };
    state.cell = (u, c) => {
      const at = u * columns + c;
      if (state.walker) return walkerCell(study, arrays, state.walker, at);
      const suffix = state.reading === "lenient" ? "_lenient" : "";
      const read = (name) => study.card[name][at];
      return {
        people: read("people") ?? 0,
        served: read(`served${suffix}`) ?? 0,
        gap: read(`gap${suffix}`) ?? 0,
        unknown: read(`unknown${suffix}`) ?? 0,
        grade: read(`grade${suffix}`),
        flips: suffix ? 0 : read("flips") ?? 0,
      };
    };
    state.closeCalls = () => !state.walker && state.reading === "strict" && study.card.flips.some((share) => share >= CLOSE_CALL);
    state.changes = () => span(arrays[`walker${state.walker}.change`].filter((n) => n !== NO_CHANGE));
    state.sumFor = (w, c) => (w ? walkerSum(study, arrays, { w, c, all: state.all }) : state.own[c]);
    state.stepFree = (i) => stepFree(arrays, i);
    state.dependedOn = (c) => dependedOn(study, c);
    state.shows = (layer) => !state.hidden.has(layer);
    const terrain = CAUSES.indexOf("terrain");
    state.hasCauses = Boolean(arrays["coverage.cause"]?.includes(terrain));
    state.becauseOfTerrain = (i) => state.status(i) === "gap" && state.servicesOf(state.category).some((s) =>
      state.asked(s) && arrays["coverage.cause"][s * clusters + i] === terrain);
    squares.ask(study, arrays, state);
    lists.ask(study, arrays, state);
    progress.ask(study, state);
    wording(study, state);
    return state;
  }

  /* Most people first, then as they come: sorted as numbers, since there may be very many. */
  function byPeople(people) {
    const most = 2 ** 20;
    const keys = Float64Array.from(people, (parts, i) => i - parts * most).sort();
    return Array.from(keys, (one) => one - Math.floor(one / most) * most);
  }

  /* A cell of the card of another walker than the study's own. */
  function walkerCell(study, arrays, w, at) {
    const read = (name) => arrays[`walker${w}.${name}`][at];
    const change = read("change");
    return {
      people: study.card.people[at] ?? 0,
      served: read("served") / 10,
      gap: read("gap") / 10,
      unknown: read("unknown") / 10,
      grade: read("grade") || null,
      change: change === NO_CHANGE ? null : change,
    };
  }

  /* Over the highest units; of residents outside every unit it cannot be said. */
  function walkerSum(study, arrays, { w, c, all }) {
    const sum = { all, served: 0, gap: 0, unknown: 0 };
    study.units.parent.forEach((parent, u) => {
      if (parent >= 0) return;
      const cell = walkerCell(study, arrays, w, u * study.standard.categories.length + c);
      for (const kind of STATES) sum[kind] += cell[kind];
    });
    const rest = all - sum.served - sum.gap;
    return { ...sum, unknown: rest < 1 ? 0 : rest }; // less than one: rounding
  }

  function stepFree(arrays, i) {
    if (!arrays["step_free.ratio"]) return null;
    const read = (name) => arrays[`step_free.${name}`][i];
    return { ratio: read("ratio") / 100, noWay: read("no_way") === 1, reached: read("reached"), without: read("reached_step_free") };
  }

  /* The elements that most people depend on for one category; for all where it has none. */
  function dependedOn(study, c) {
    const sums = (counts) => study.depended
      .map((one, index) => {
        const services = one.services.flatMap((s, k) => (counts(s) ? [k] : []));
        return { index, services, people: services.reduce((sum, k) => sum + one.people[k], 0) };
      })
      .filter((one) => one.people > 0)
      .sort((a, b) => b.people - a.people || a.index - b.index)
      .slice(0, LISTED);
    const here = sums((s) => study.services[s].category === c);
    return here.length ? { elements: here, everywhere: false } : { elements: sums(() => true), everywhere: true };
  }

  /* Every whole number from the best to the worst, none left out. */
  function span(values) {
    const [low, high] = values.reduce(([least, most], n) => [Math.min(least, n), Math.max(most, n)], [0, 0]);
    return Array.from({ length: high - low + 1 }, (_, i) => high - i);
  }

  /* Subdistricts, where there are enough of them: few enough for a word on each. */
  function firstTier(study) {
    const many = study.units.tier.filter((tier) => tier === "subdistrict").length >= 4;
    return many ? "subdistrict" : study.tiers[study.tiers.length - 1];
  }

  function wording(study, state) {
    const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
    state.say = (key, values = {}) => {
      const [section, word] = key.split(".");
      return fill(study.words[state.language][section][word], values);
    };
    const formats = Object.fromEntries(study.languages.map((one) => [one, new Intl.NumberFormat(study.words[one].number.locale)]));
    state.number = (value) => formats[state.language].format(Math.round(value));
    state.share = (part, all) => (all > 0 ? `${((100 * part) / all).toFixed(1)}%` : "–");
    state.range = (sum) => { // those of whom it cannot be said may all be served, or none
      if (!sum.unknown) return state.share(sum.served, sum.all);
      return `${state.share(sum.served, sum.all).slice(0, -1)}–${state.share(sum.served + sum.unknown, sum.all)}`;
    };
    state.placeName = (language) => study.facts[`name_${language}`] || study.facts.name;
    state.spoken = (parts) => parts[study.languages.indexOf(state.language)] ?? parts[0]; // texts in the order of the languages
    state.categoryName = (c) => study.standard.categories[c][state.language];
    state.serviceName = (s) => study.services[s][state.language];
    state.servicesOf = (c) => study.services.flatMap((one, s) => (one.category === c ? [s] : []));
    state.asked = (s) => {
      const mine = state.servicesOf(study.services[s].category);
      const basic = mine.some((one) => study.services[one].need === "basic");
      return state.reading === "lenient" || !basic || study.services[s].need === "basic";
    };
    state.gradeWord = (grade) => {
      const band = study.standard.grades.find((one) => one.grade === grade);
      return band ? band[state.language] : state.say("grade.none");
    };
    state.changeWord = (n) => {
      if (n === null) return state.say("change.none");
      return n ? state.say(n > 0 ? "change.up" : "change.down", { n: Math.abs(n) }) : state.say("change.same");
    };
    state.look = (u, c) => { // colour and word of a unit; what is said of close calls and of incomplete lists
      const { people, grade, change, flips } = state.cell(u, c);
      const missing = state.unlisted(u, c);
      const unlisted = missing.length ? state.say("completeness.cell", { services: missing.map(state.serviceName).join(state.say("number.comma")) }) : "";
      if (state.reading === "difference") return { scale: "change", key: String(change ?? "none"), word: state.changeWord(change), close: "", unlisted };
      if (!grade && unlisted && people) return { scale: "grades", key: "unknown", word: state.say("completeness.grade"), close: "", unlisted };
      const close = flips >= CLOSE_CALL ? state.say("stability.said", { share: `${Math.round(100 * flips)}%` }) : "";
      return { scale: "grades", key: String(grade ?? "none"), word: state.gradeWord(grade), close, unlisted, partly: Boolean(grade && unlisted) };
    };
    state.walkerName = (w) => {
      const one = study.walkers[w];
      if (!one) return study.facts[`walker_${state.language}`] || "";
      return one.key === "level" ? state.say("walker.level") : one[state.language];
    };
    state.unitLabel = (u) => (study.units.tier[u] === "cell" ? "" : state.shortName(study.units.name[u]));
    state.unitName = (u) => {
      if (u < 0) return "–";
      if (study.units.tier[u] === "cell") return state.say("tier.one_cell", { name: study.units.name[u] });
      return study.units.name[u] || study.units.id[u];
    };
    state.shortName = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);
    state.signOf = (i) => state.servicesOf(state.category).indexOf(study.facilities.service[i]);
  }

  /* What follows from the choices. */
  function refresh(study, state) {
    state.own = study.standard.categories.map((_, c) => state.wholeSum(c));
    state.all = state.own[0].all;
    state.sums = state.own.map((_, c) => state.sumFor(state.walker, c));
    state.shown = study.units.tier.flatMap((tier, u) => (tier === state.tier ? [u] : []));
    const services = new Set(state.servicesOf(state.category).filter((s) => state.shows(`service ${s}`)));
    state.facilities = study.facilities.service.flatMap((s, i) => (services.has(s) ? [i] : []));
  }

  /* The page opens at the category that most people lack; where nobody lacks any, at the one of which most is known. */
  const worst = (sums) => sums.reduce((best, sum, c) => {
    const { gap, unknown } = sums[best];
    return sum.gap > gap || (!sum.gap && !gap && sum.unknown < unknown) ? c : best;
  }, 0);

  function complete(study) {
    study.services = study.standard.categories.flatMap((category, c) =>
      category.services.map((service) => ({ ...service, category: c })),
    );
    study.counts = study.services.map((_, s) => study.facilities.service.filter((one) => one === s).length);
  }

  return { newState, refresh, complete, worst, byPeople, firstTier, wording };
})();
