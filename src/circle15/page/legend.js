/* What the map shows and how to read it: the legend, and the layers that can be taken away. */
"use strict";

circle15.legend = (() => {
  const { canvas, panel } = circle15;
  const { $, el, line, block } = panel;
  const percent = (value) => `${Math.round(100 * value)}%`;

  const painted = (study) => (scale, key, words, { extra = null, why = null } = {}) =>
    line(panel.paint(study.palette, scale, key), words, extra, why);

  /* Grades and what they ask, or grades up and down. */
  function units(study, state) {
    const { say } = state;
    const paint = painted(study);
    if (state.reading === "difference") {
      return [...state.changes().map((n) => paint("change", String(n), state.changeWord(n))), paint("change", "none", say("change.none"))];
    }
    const bound = (band, key) => { // any one service, which may have no norm, is judged by coverage alone
      const both = band.supply !== null && state.reading !== "lenient";
      return say(`grade.${key}${both ? "_both" : ""}`, { share: percent(band.coverage), supply: both ? percent(band.supply) : "" });
    };
    const bands = study.standard.grades.map((band, i, all) => paint("grades", String(band.grade), `${band[state.language]} (${band.grade})`,
      { extra: i < all.length - 1 ? bound(band, "at_least") : bound(all[i - 1], "below"), why: band.supply === null ? "" : say("grade.supply_why") }));
    const none = paint("grades", "none", say("grade.none"), { why: say("grade.none_why", { share: percent(study.standard.complete_share) }) });
    const unknown = () => paint("grades", "unknown", say("completeness.grade"), { why: say("completeness.grade_why") });
    const close = () => line((context) => canvas.text(context, "≈", [15, 9], { size: 16, weight: 700 }), say("stability.close"), null, say("stability.why"));
    return [...bands, none, ...(state.anyUnlisted() ? [unknown()] : []), ...(state.shows("stability") && state.closeCalls() ? [close()] : [])];
  }

  /* Homes one by one, or squares of them. */
  function homes(study, state) {
    const { say } = state;
    const { marks } = study.palette;
    const level = state.squaresAt(state.zoom);
    const named = { name: canvas.plain(state.walkerName(0)), m: level ? state.number(circle15.squares.typical(level)) : "" };
    if (level) {
      const more = say(state.carried.clusters ? "squares.nearer" : "squares.always", { n: state.number(state.carried.count) });
      return block([say(state.walker ? "squares.legend_of" : "squares.legend", named), el("small", {}, more)], circle15.squares.legend(study, state, level));
    }
    const disc = (kind, size) => line((context) => canvas.home(context, [15, 9], { kind, size, color: marks[kind] }), say(`state.${kind}`));
    const hill = state.shows("terrain") && state.hasCauses
      ? [line((context) => canvas.hill(context, [15, 9], { size: 7, color: marks.terrain }), say("layer.terrain"), null, say("layer.terrain_why"))] : [];
    return block(say(state.walker ? "legend.clusters_of" : "legend.clusters", named), [disc("gap", 7), ...hill, disc("unknown", 6), disc("served", 7)]);
  }

  /* Signs of the services of the chosen category. */
  function facilities(study, state) {
    const { say } = state;
    if (!state.carried.facilities || !state.shows("facilities") || state.squaresAt(state.zoom)) return [];
    const signs = state.servicesOf(state.category).filter((s) => state.shows(`service ${s}`)).map((s) =>
      line((context) => canvas.sign(context, [15, 9], { which: state.servicesOf(state.category).indexOf(s), radius: 5, color: study.palette.marks.facility, filled: true }),
        state.serviceName(s), `${study.counts[s]}`));
    return signs.length ? [block(say("legend.facilities"), signs)] : [];
  }

  function unitsHeading(study, state) {
    const [walker, name] = [state.walkerName(state.walker), state.walkerName(0)].map(canvas.plain);
    const values = { category: state.categoryName(state.category), walker, name };
    const both = study.standard.grades.some((band) => band.supply !== null) && state.reading !== "lenient";
    if (state.reading !== "difference") return [both ? "legend.card_both" : "legend.card", values];
    return [study.walkers[state.walker].key === "level" ? "legend.terrain" : "legend.change", values];
  }

  const stroke = (color, width, dash = []) => (context) => {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(2, 9);
    context.lineTo(28, 9);
    context.stroke();
  };

  const symbol = (study, kind) => (context) =>
    canvas.element(context, [15, 9], { kind, radius: 8, color: circle15.layers.elementColor(study, kind) });

  /* Streets as they are drawn at this zoom, and further signs: one block, or none. */
  function ways(study, state, more = []) {
    const found = state.zoom < circle15.layers.WAYS_FROM || state.cluster !== null ? [] : streets(study, state);
    const heading = more.length ? "legend.signs" : "legend.streets";
    return found.length + more.length ? [block(state.say(heading), [...found, ...more])] : [];
  }

  function streets(study, state) {
    const { base } = study.palette;
    const found = [];
    const has = (one, layer) => state.shows(layer) && state.world.streets[one].count > 0;
    if (has("stairs", "stairs")) found.push(["stairs", stroke(base.stairs, 3.4, [2, 2])]);
    else if (has("street", "streets") || has("major", "streets")) found.push(["street", stroke("rgba(38,40,52,.5)", 1.6)]);
    const symbols = state.zoom >= circle15.layers.SYMBOLS_FROM;
    if (has("escalator", "lifts")) found.push(["escalator", symbols ? symbol(study, "escalator") : stroke(base.lift, 3.4)]);
    if (state.shows("lifts") && state.world.lifts.count) found.push(["lift", symbol(study, "lift")]);
    return found.map(([key, drawn]) => line(drawn, state.say(`legend.${key}`)));
  }

  /* What should be built, and what is depended on. */
  function plans(study, state) {
    const { say } = state;
    const found = [];
    const phases = new Set(state.projectsShown().map((i) => study.projects[i].phase));
    for (const phase of ["near", "reserve"]) {
      if (phases.has(phase)) found.push(line((context) => canvas.proposal(context, [15, 9], { rank: 1, near: phase === "near", radius: 7 }), say(`projects.${phase}`)));
    }
    if (state.shows("depended") && study.depended.length) {
      found.push(line((context) => canvas.depended(context, [15, 9], { kind: "stairs", radius: 6.4, color: circle15.layers.elementColor(study, "stairs") }), say("layer.depended"), null, say("depended.why")));
    }
    return found;
  }

  function write(study, state) {
    $("legend-body").replaceChildren(
      ...(state.shows("card") ? [block(state.say(...unitsHeading(study, state)), units(study, state))] : []),
      ...(state.cluster === null && state.shows("homes") ? [homes(study, state)] : []),
      ...facilities(study, state),
      ...ways(study, state, plans(study, state)),
    );
  }

  /* ------------------------------------------------------------------------------------------------- the layers */

  /* Layers that this page has, in two groups; services stand under the facilities. */
  function layersOf(study, state) {
    const { areas, streets, lifts } = state.world;
    const some = (kind) => areas[kind][0].count + areas[kind][1].count > 0;
    const services = state.carried.facilities ? ["facilities", ...state.servicesOf(state.category).map((s) => `service ${s}`)] : [];
    const found = ["card", "homes", ...services,
      ...(state.closeCalls() ? ["stability"] : []), ...(state.hasCauses ? ["terrain"] : []),
      ...(study.depended.length ? ["depended"] : []), ...(study.projects.length ? ["projects"] : [])];
    const base = ["borders", "streets", ...(streets.stairs.count ? ["stairs"] : []),
      ...(streets.escalator.count + lifts.count ? ["lifts"] : []), ...(some("rail") ? ["rail"] : []),
      ...(some("water") ? ["water"] : []), ...(some("park") ? ["parks"] : []), ...(some("building") ? ["buildings"] : [])];
    return [["layer.found", found], ["layer.base", base]];
  }

  function layers(study, state, toggle) {
    const { say } = state;
    const word = (key) => (key.startsWith("service ") ? state.serviceName(Number(key.slice(8))) : say(`layer.${key}`));
    const tick = (key) => {
      const input = el("input", { type: "checkbox", value: key, onchange: (event) => toggle(key, event.target.checked) });
      input.checked = state.shows(key);
      return el("li", { class: key.startsWith("service ") ? "c15-under" : null }, el("label", {}, input, word(key)));
    };
    $("layers").replaceChildren(...layersOf(study, state).map(([heading, keys]) =>
      el("fieldset", {}, el("legend", {}, say(heading)), el("ul", {}, ...keys.map(tick)))));
  }

  return { write, ways, layers };
})();
