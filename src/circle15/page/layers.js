/* What the map shows, in three layers: ground and card, isochrones, marks. */
"use strict";

circle15.layers = (() => {
  const { canvas, data } = circle15;
  const BUILDINGS_FROM = 15; // zoom
  const SYMBOLS_FROM = 14.5;
  const STEPS_FROM = 15; // dashes take far longer than lines, and are no more than a blur below
  const NAMES_FROM = 16;
  const WAYS_FROM = 11.5; // below it, roads alone
  const LARGEST = 26; // radius of a cluster's mark, in pixels

  /* Shapes and points of the whole page, decoded once. */
  function decode(study, arrays) {
    const project = data.projection(study.grid);
    const shape = (name) => data.shapes(arrays, name, project);
    const areas = {};
    for (const kind of ["water", "park", "rail", "building"]) areas[kind] = [shape(kind), shape(`${kind}_line`)];
    const streets = Object.fromEntries(study.street_classes.map((one) => [one, shape(`street_${one}`)]));
    const clusters = data.points(arrays["origins.xy"], project);
    return {
      project,
      boundary: shape("boundary"),
      units: shape("units"),
      areas,
      streets,
      lifts: data.points(arrays.lifts, project),
      clusters,
      facilities: entrances(arrays, project),
      isochrones: () => [], // until they are unpacked
      outlines: { left: 0, some: true },
    };
  }

  /* A facility stands at the middle of its entrances. */
  function entrances(arrays, project) {
    const points = data.points(arrays["entrances.xy"], project);
    const first = data.sums(arrays.entrances);
    const count = arrays.entrances.length;
    const middle = (values, i) => {
      let sum = 0;
      for (let k = first[i]; k < first[i + 1]; k += 1) sum += values[k];
      return sum / (first[i + 1] - first[i]);
    };
    const at = (values) => Float64Array.from({ length: count }, (_, i) => middle(values, i));
    return { count, first, points, xs: at(points.xs), ys: at(points.ys) };
  }

  /* ------------------------------------------------------------------------------------------ ground and card */

  function ground(world, study, state) {
    const base = study.palette.base;
    let hatch = null;
    return (context, view) => {
      hatch = hatch || canvas.patterns(context);
      if (!state.backdrop || state.printing) { // paper shows no pictures under a canvas
        context.fillStyle = base.outside;
        context.fillRect(0, 0, view.width, view.height);
        canvas.fill(context, view, world.boundary, base.land);
      }
      for (const [kind, layer, color] of [["park", "parks", base.park], ["water", "water", base.water]]) {
        if (!state.shows(layer)) continue;
        const [flat, line] = world.areas[kind];
        canvas.fill(context, view, flat, color);
        canvas.stroke(context, view, line, { color, width: 2 });
      }
      if (state.shows("card")) card(context, view, world, study, state, hatch);
      if (view.zoom >= BUILDINGS_FROM && state.shows("buildings")) {
        canvas.fill(context, view, world.areas.building[0], "rgba(70,62,50,.16)");
      }
      streets(context, view, world, { base, shows: state.shows });
      outlines(context, view, world, study, state);
      if (view.zoom >= SYMBOLS_FROM && state.shows("lifts")) lifts(context, view, world, study);
    };
  }

  function card(context, view, world, study, state, hatch) {
    for (const unit of state.shown) {
      const { scale, key } = state.look(unit, state.category);
      context.globalAlpha = canvas.CARD_ALPHA;
      canvas.fill(context, view, world.units, study.palette[scale][key], { only: unit });
      context.globalAlpha = 1;
      canvas.fill(context, view, world.units, hatch[scale][key], { only: unit });
    }
  }

  function streets(context, view, world, { base, shows }) {
    const wide = Math.max(0.55, 1.45 ** (view.zoom - 15));
    const line = (one, color, width, dash = []) =>
      canvas.stroke(context, view, world.streets[one], { color, width: Math.min(width, 9), dash });
    const ink = (alpha) => `rgba(38,40,52,${alpha})`;
    if (shows("rail")) canvas.stroke(context, view, world.areas.rail[1], { color: base.rail, width: 1.1 * wide, dash: [6, 4] });
    if (view.zoom < WAYS_FROM) {
      if (shows("streets")) line("major", ink(0.5), 2 * wide);
      return;
    }
    if (shows("streets")) plainStreets(line, ink, wide, view.zoom);
    if (shows("stairs")) {
      const step = Math.max(1.6, 1.2 * wide);
      if (view.zoom >= STEPS_FROM) {
        line("stairs", "#fff", 2.6 * wide);
        line("stairs", base.stairs, 2.2 * wide, [step, step]);
      } else line("stairs", base.stairs, view.zoom >= 14 ? 1.6 * wide : 0.8 * wide);
    }
    if (shows("lifts")) line("escalator", base.lift, 2.4 * wide);
  }

  function plainStreets(line, ink, wide, zoom) {
    line("tunnel", ink(0.28), 1.1 * wide, [4, 4]);
    if (zoom >= 13) line("path", ink(0.26), 0.7 * wide);
    line("street", ink(0.34), 0.95 * wide);
    line("major", ink(0.5), 2 * wide);
    line("bridge", ink(0.55), 3.4 * wide);
    line("bridge", "#fff", 1.7 * wide);
  }

  function outlines(context, view, world, study, state) {
    canvas.stroke(context, view, world.boundary, { color: "rgba(255,255,255,.9)", width: 5, closed: true });
    for (const unit of state.shows("borders") ? state.shown : []) {
      canvas.stroke(context, view, world.units, { color: "rgba(255,255,255,.95)", width: 2.6, closed: true, only: unit });
      canvas.stroke(context, view, world.units, { color: "rgba(28,39,51,.75)", width: 0.9, closed: true, only: unit });
    }
    canvas.stroke(context, view, world.boundary, { color: "#1c2733", width: 1.8, closed: true });
    if (state.unit !== null) {
      canvas.stroke(context, view, world.units, { color: "#1c2733", width: 3.4, closed: true, only: state.unit });
    }
  }

  /* Lifts and escalators as signs. */
  function lifts(context, view, world, study) {
    const radius = view.zoom >= 16 ? 8 : 6;
    const sign = (x, y, kind) => canvas.element(context, [view.x(x), view.y(y)], { kind, radius, color: elementColor(study, kind) });
    const { box, count } = world.streets.escalator;
    for (let i = 0; i < count; i += 1) sign((box[4 * i] + box[4 * i + 2]) / 2, (box[4 * i + 1] + box[4 * i + 3]) / 2, "escalator");
    for (let i = 0; i < world.lifts.count; i += 1) sign(world.lifts.xs[i], world.lifts.ys[i], "lift");
  }

  /* ---------------------------------------------------------------------------------------------- isochrones */

  function reach(world, study, state) {
    return (context, view) => {
      if (state.cluster === null) return;
      context.fillStyle = "rgba(255,255,255,.45)"; // quiets the card around what is reached
      context.fillRect(0, 0, view.width, view.height);
      world.isochrones(state.cluster).forEach((one, i) => {
        context.beginPath();
        for (const ring of one.rings) {
          ring.forEach(([x, y], k) => context[k ? "lineTo" : "moveTo"](view.x(x), view.y(y)));
          context.closePath();
        }
        const edge = canvas.EDGES[Math.min(i, canvas.EDGES.length - 1)];
        context.globalAlpha = edge.fill;
        context.fillStyle = study.palette.marks.isochrone;
        context.fill("evenodd");
        context.globalAlpha = 1;
        context.setLineDash(edge.dash);
        context.strokeStyle = study.palette.marks.isochrone;
        context.lineWidth = view.zoom < 15 ? edge.width * 0.6 : edge.width;
        context.stroke();
        context.setLineDash([]);
      });
    };
  }

  /* --------------------------------------------------------------------------------------------------- marks */

  /* Radius of a cluster: area by people, all of them together about an eighth of the district. */
  function sizing(people, boundary) {
    const all = people.reduce((sum, one) => sum + one, 0) || 1;
    const share = (areaOf(boundary) * 0.13) / Math.PI / all; // squared map pixels a person, at zoom 0
    return (i, zoom) => {
      const grown = 2 ** Math.min(zoom, 14) * 1.5 ** Math.max(0, zoom - 14);
      return Math.max(1.8, Math.min(LARGEST, grown * Math.sqrt(share * people[i])));
    };
  }

  function areaOf(shape) {
    let twice = 0;
    for (let r = 0; r + 1 < shape.start.length; r += 1) {
      const [from, to] = [shape.start[r], shape.start[r + 1]];
      for (let k = from, j = to - 1; k < to; j = k, k += 1) twice += shape.xs[j] * shape.ys[k] - shape.xs[k] * shape.ys[j];
    }
    return Math.abs(twice) / 2;
  }

  function marks(world, study, state) {
    return (context, view) => {
      const level = state.squaresAt(view.zoom);
      if (level && state.shows("homes")) circle15.squares.draw(context, view, level, { study, state });
      else if (state.shows("homes")) {
        const seen = inView(view, world, state);
        for (const kind of state.kinds) clusters(context, view, world, study, { state, kind, seen });
        if (state.shows("terrain") && state.hasCauses) hills(context, view, world, study, { state, seen });
      }
      if (state.shows("facilities") && !level) facilities(context, view, world, study, state);
      const taken = state.projectsShown().map((i) => roomOf(view, world, study.projects[i]));
      if (state.shows("card")) labels(context, view, world, study, { state, taken });
      if (state.shows("facilities") && state.signLook) signWords(context, view, world, state, taken);
      if (state.shows("facilities") && view.zoom >= NAMES_FROM) names(context, view, world, study, state, taken);
      if (state.shows("depended")) depended(context, view, world, study, { state, taken });
      for (const i of state.projectsShown().reverse()) proposal(context, view, world, study.projects[i]); // the first on top
      selected(context, view, world, study, state);
    };
  }

  /* Clusters that are seen, most people first. */
  function inView(view, world, state) {
    const { xs, ys } = world.clusters;
    const edge = LARGEST / view.scale;
    const [west, north, east, south] = [view.west - edge, view.north - edge, view.east + edge, view.south + edge];
    return state.byPeople.filter((i) => xs[i] > west && xs[i] < east && ys[i] > north && ys[i] < south);
  }

  function clusters(context, view, world, study, { state, kind, seen }) {
    const color = study.palette.marks[kind];
    for (const i of seen) {
      if (state.status(i) !== kind) continue;
      const at = [view.x(world.clusters.xs[i]), view.y(world.clusters.ys[i])];
      canvas.home(context, at, { kind, size: state.size(i, view.zoom), color });
    }
  }

  /* Homes in a gap that would be served if there were no slope. */
  function hills(context, view, world, study, { state, seen }) {
    for (const i of seen) {
      if (!state.becauseOfTerrain(i)) continue;
      const at = [view.x(world.clusters.xs[i]), view.y(world.clusters.ys[i])];
      canvas.hill(context, at, { size: state.size(i, view.zoom), color: study.palette.marks.terrain });
    }
  }

  /* What most people depend on, the least of them first, each with how many. */
  function depended(context, view, world, study, { state, taken }) {
    for (const { index, people } of [...state.dependedOn(state.category).elements].reverse()) {
      const { at: [gx, gy], kind } = study.depended[index];
      const [x, y] = [view.x(world.project.x(gx)), view.y(world.project.y(gy))];
      canvas.depended(context, [x, y], { kind, radius: 9, color: elementColor(study, kind) });
      const words = state.say("cluster.people", { n: state.number(people) });
      context.font = "700 12px sans-serif";
      const half = context.measureText(words).width / 2 + 3;
      if (claim(taken, [x - half, y + 13, x + half, y + 29])) canvas.text(context, words, [x, y + 21], { weight: 700 });
    }
  }

  /* What a proposal's sign takes of the map. */
  function roomOf(view, world, { at: [gx, gy] }) {
    const [x, y] = [view.x(world.project.x(gx)), view.y(world.project.y(gy))];
    return [x - 11, y - 11, x + 11, y + 11];
  }

  function proposal(context, view, world, { at: [gx, gy], rank, phase }) {
    canvas.proposal(context, [view.x(world.project.x(gx)), view.y(world.project.y(gy))], { rank, near: phase === "near", radius: view.zoom >= 14 ? 11 : 9 });
  }

  function facilities(context, view, world, study, state) {
    const color = study.palette.marks.facility;
    const size = view.zoom >= 15.5 ? 5.4 : view.zoom >= 14.5 ? 4.2 : view.zoom >= 13.7 ? 3.2 : view.zoom >= 13 ? 2.5 : 1.5;
    for (const i of state.facilities) {
      const at = [view.x(world.facilities.xs[i]), view.y(world.facilities.ys[i])];
      const { first, points } = world.facilities;
      if (view.zoom >= SYMBOLS_FROM && first[i + 1] - first[i] > 1) {
        for (let k = first[i]; k < first[i + 1]; k += 1) {
          canvas.disc(context, [view.x(points.xs[k]), view.y(points.ys[k])], 2, { fill: color, line: "#fff" });
        }
      }
      const look = state.signLook ? state.signLook(i) : { color, filled: study.facilities.verified[i] === 1, grown: 1, word: "" };
      canvas.sign(context, at, { which: state.signOf(i), radius: size * look.grown, color: look.color, filled: look.filled });
    }
  }

  /* A word at every sign that has one, above it or below, where nothing is written yet. */
  function signWords(context, view, world, state, taken) {
    const said = new Set(); // once for a place with several services
    for (const i of state.facilities) {
      const { word, color } = state.signLook(i);
      const [x, y] = [view.x(world.facilities.xs[i]), view.y(world.facilities.ys[i])];
      const here = `${x.toFixed()} ${y.toFixed()} ${word}`;
      if (!word || said.has(here)) continue;
      said.add(here);
      context.font = "700 12px sans-serif";
      const half = context.measureText(word).width / 2 + 4;
      const spots = [[x, y - 17], [x, y + 17], [x + half + 10, y], [x - half - 10, y]];
      const at = spots.find(([a, b]) => claim(taken, [a - half, b - 8, a + half, b + 8]));
      if (at) canvas.text(context, word, at, { weight: 700, color });
    }
  }

  /* Names of facilities where nothing is written yet. */
  function names(context, view, world, study, state, taken) {
    const color = study.palette.marks.facility;
    for (const i of state.facilities) {
      const name = study.facilities.name[i];
      const at = [view.x(world.facilities.xs[i]), view.y(world.facilities.ys[i]) + 14];
      const short = name.length > 14 ? `${name.slice(0, 13)}…` : name;
      context.font = "500 11px sans-serif";
      const half = context.measureText(short).width / 2 + 2;
      if (name && claim(taken, [at[0] - half, at[1] - 7, at[0] + half, at[1] + 7])) {
        canvas.text(context, short, at, { size: 11, color });
      }
    }
  }

  /* Take a place for writing, if it is free. */
  function claim(taken, mine) {
    const free = taken.every((other) => mine[0] > other[2] || mine[2] < other[0] || mine[1] > other[3] || mine[3] < other[1]);
    if (free) taken.push(mine);
    return free;
  }

  /* Names and grade words where they fit; larger units first. */
  function labels(context, view, world, study, { state, taken }) {
    for (const unit of state.shown) {
      const box = world.units.box.subarray(4 * unit, 4 * unit + 4);
      if (box[0] > view.east || box[2] < view.west || box[1] > view.south || box[3] < view.north) continue;
      const room = (box[2] - box[0]) * view.scale;
      const [gx, gy] = study.units.at[unit];
      const at = [view.x(world.project.x(gx)), view.y(world.project.y(gy))];
      const name = state.unitLabel(unit);
      const look = state.look(unit, state.category);
      const word = look.word + (look.close && state.shows("stability") ? " ≈" : "") + (look.partly ? " ?" : "");
      if (!name && ["none", "unknown"].includes(look.key)) continue;
      context.font = "700 13px sans-serif";
      const wide = Math.max(context.measureText(name).width, context.measureText(word).width + 12) + 8;
      if (room < wide * 0.9 && view.zoom < 15.5) continue;
      const free = [0, 26, -26].find((down) => claim(taken, [at[0] - wide / 2, at[1] + down - 22, at[0] + wide / 2, at[1] + down + 20]));
      if (free === undefined) continue;
      at[1] += free;
      chip(context, [at[0], at[1] - 9], word, study.palette[look.scale][look.key]);
      canvas.text(context, name, [at[0], at[1] + 10], { size: 12.5, weight: 600 });
    }
  }

  function chip(context, at, word, color) {
    context.font = '700 13px "PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",sans-serif';
    const wide = context.measureText(word).width + 12;
    context.beginPath();
    context[context.roundRect ? "roundRect" : "rect"](at[0] - wide / 2, at[1] - 10, wide, 20, 4);
    context.fillStyle = "#fff";
    context.fill();
    context.strokeStyle = color;
    context.lineWidth = 2.5;
    context.stroke();
    canvas.text(context, word, [at[0], at[1] + 0.5], { size: 13, weight: 700, halo: null });
  }

  function selected(context, view, world, study, state) {
    if (state.element !== null) {
      const { at: [gx, gy], kind } = study.depended[state.element];
      const at = [view.x(world.project.x(gx)), view.y(world.project.y(gy))];
      canvas.disc(context, at, 18, { fill: "rgba(255,255,255,.75)" });
      canvas.element(context, at, { kind, radius: 14, color: elementColor(study, kind) });
    }
    if (state.project !== null) {
      const { at: [gx, gy] } = study.projects[state.project];
      canvas.disc(context, [view.x(world.project.x(gx)), view.y(world.project.y(gy))], 17, { line: "#1c2733", width: 2.6 });
    }
    if (state.square !== null) circle15.squares.chosen(context, view, state.square);
    if (state.cluster === null) return;
    const i = state.cluster;
    const at = [view.x(world.clusters.xs[i]), view.y(world.clusters.ys[i])];
    const size = state.size(i, view.zoom);
    canvas.disc(context, at, size + 5, { line: "#fff", width: 5 });
    canvas.disc(context, at, size + 5, { line: "#1c2733", width: 2.4 });
    canvas.disc(context, at, 3, { fill: "#fff", line: "#1c2733", width: 2 });
  }

  const elementColor = (study, kind) =>
    study.palette.base[{ stairs: "stairs", lift: "lift", escalator: "lift" }[kind]] || study.palette.marks.facility;

  /* The cluster or square, facility or unit at a place on the map, in map pixels at zoom 0. */
  function find(world, study, state, { place, zoom }) {
    const scale = 2 ** zoom;
    const edge = LARGEST / scale;
    const far = (xs, ys, i) => Math.abs(xs[i] - place.x) > edge || Math.abs(ys[i] - place.y) > edge;
    const near = (xs, ys, i) => Math.hypot(xs[i] - place.x, ys[i] - place.y) * scale;
    const level = state.squaresAt(zoom);
    let best = { kind: "none", distance: Infinity };
    const sign = (kind, [gx, gy], index) => {
      const distance = Math.hypot(world.project.x(gx) - place.x, world.project.y(gy) - place.y) * scale;
      if (distance < 12 && distance < best.distance) best = { kind, index, distance };
    };
    for (const i of state.projectsShown()) sign("project", study.projects[i].at, i);
    if (state.shows("depended")) for (const { index } of state.dependedOn(state.category).elements) sign("element", study.depended[index].at, index);
    if (best.kind !== "none") return best;
    if (state.shows("facilities") && !level) {
      for (const i of state.facilities) {
        const distance = near(world.facilities.xs, world.facilities.ys, i);
        if (distance < 8 && distance < best.distance) best = { kind: "facility", index: i, distance };
      }
    }
    for (const i of level || !state.shows("homes") ? [] : state.byPeople) {
      if (far(world.clusters.xs, world.clusters.ys, i)) continue;
      const distance = near(world.clusters.xs, world.clusters.ys, i);
      const size = state.size(i, zoom);
      if (distance < Math.max(size, 7) && distance < best.distance) best = { kind: "cluster", index: i, distance };
    }
    if (best.kind !== "none") return best;
    const square = level && state.shows("homes") && circle15.squares.find(study, state, { level, at: place, zoom });
    if (square) return square;
    const unit = [...state.shown].reverse().find((one) => data.inside(world.units, one, place.x, place.y));
    return unit === undefined ? best : { kind: "unit", index: unit };
  }

  return { WAYS_FROM, SYMBOLS_FROM, decode, ground, reach, marks, find, sizing, elementColor };
})();
