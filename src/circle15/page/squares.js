/* Clusters summed over squares of the screen, where they would lie on one another: levels, marks, words. */
"use strict";

circle15.squares = (() => {
  const { canvas, panel } = circle15;
  const { el } = panel;
  const WIDEST_PX = 64; // of a mark's room, however large its square has grown
  const FILLED = 0.43; // radius of the largest mark, as part of a side: the card stays visible between them
  const LEAST_PX = 7; // from a mark, within which the pointer means it
  const READINGS = ["strict", "lenient"];

  /* The level that the page carries; people are counted in parts of a person, so that sums are exact. */
  function finest(study, arrays) {
    const { level, side, places } = study.squares;
    const running = (steps) => {
      let sum = 0;
      return Int32Array.from(steps, (step) => (sum += step));
    };
    const read = (name) => Float64Array.from(arrays[`squares.${name}`]);
    const [columns, rows] = ["column", "row"].map((name) => running(arrays[`squares.${name}`]));
    const size = side / 2 ** level; // in map pixels at zoom 0
    const middle = (cells, name) => Float64Array.from(cells, (cell, i) => size * (cell + (arrays[`squares.${name}`][i] + 0.5) / places));
    return indexed({
      level, size, columns, rows,
      xs: middle(columns, "across"),
      ys: middle(rows, "down"),
      clusters: read("clusters"),
      people: read("people"),
      strict: { gap: read("strict.gap"), unknown: read("strict.unknown") },
      lenient: { gap: read("lenient.gap"), unknown: read("lenient.unknown") },
    });
  }

  const key = (column, row) => row * 2 ** 24 + column;

  function indexed(level) {
    const count = level.people.length;
    const index = new Map();
    for (let i = 0; i < count; i += 1) index.set(key(level.columns[i], level.rows[i]), i);
    return { ...level, count, index, most: level.people.reduce((most, one) => Math.max(most, one), 0) };
  }

  /* Four squares make one of the level above. */
  function coarser(fine, categories) {
    const places = new Map();
    const of = new Int32Array(fine.count);
    const [columns, rows] = [[], []];
    for (let i = 0; i < fine.count; i += 1) {
      const [column, row] = [fine.columns[i] >> 1, fine.rows[i] >> 1];
      const one = key(column, row);
      if (!places.has(one)) {
        places.set(one, columns.length);
        columns.push(column);
        rows.push(row);
      }
      of[i] = places.get(one);
    }
    const count = columns.length;
    const added = (values, times = 1) => {
      const sums = new Float64Array(count * times);
      for (let c = 0; c < times; c += 1) {
        for (let i = 0; i < fine.count; i += 1) sums[c * count + of[i]] += values[c * fine.count + i];
      }
      return sums;
    };
    const people = added(fine.people);
    const middle = (values) => {
      const weights = fine.people.map((one) => one + 1e-3); // where nobody lives, the plain middle
      const [sums, all] = [added(values.map((value, i) => value * weights[i])), added(weights)];
      return sums.map((sum, i) => sum / all[i]);
    };
    const states = (reading) => ({ gap: added(reading.gap, categories), unknown: added(reading.unknown, categories) });
    return indexed({
      level: fine.level - 1, size: 2 * fine.size, columns, rows, people,
      xs: middle(fine.xs), ys: middle(fine.ys), clusters: added(fine.clusters),
      strict: states(fine.strict), lenient: states(fine.lenient),
    });
  }

  /* What can be asked of squares: added to the state of the page. */
  function ask(study, arrays, state) {
    const categories = study.standard.categories.length;
    const levels = [finest(study, arrays)]; // from the finest on
    const readings = () => (state.reading === "lenient" ? "lenient" : "strict");
    const whole = Object.fromEntries(READINGS.map((reading) => [reading, []]));

    /* The level that a zoom shows; none where clusters themselves are drawn. */
    state.squaresAt = (zoom) => {
      const { clusters_from: from, level } = study.squares;
      if (from !== null && zoom >= from) return null;
      const steps = Math.max(0, level - Math.floor(zoom + 1e-6));
      while (levels.length <= steps) levels.push(coarser(levels[levels.length - 1], categories));
      return levels[steps];
    };
    state.finestSquares = levels[0];
    state.squareSum = (level, i, c) => sumOf(level.people[i], level[readings()], c * level.count + i, study.people_in);
    /* Over all squares, which is over all clusters. */
    state.wholeSum = (c) => {
      const reading = readings();
      if (!whole[reading][c]) {
        const { count, people } = levels[0];
        const total = (values, from) => values.subarray(from, from + count).reduce((sum, one) => sum + one, 0);
        const { gap, unknown } = levels[0][reading];
        const sums = { gap: [total(gap, c * count)], unknown: [total(unknown, c * count)] };
        whole[reading][c] = sumOf(total(people, 0), sums, 0, study.people_in);
      }
      return whole[reading][c];
    };
  }

  function sumOf(people, { gap, unknown }, at, parts) {
    const served = people - gap[at] - unknown[at];
    return { all: people / parts, served: served / parts, gap: gap[at] / parts, unknown: unknown[at] / parts };
  }

  /* ------------------------------------------------------------------------------------------------ on the map */

  /* Radius of so many people: area by people, the same for all categories of a level. */
  function radius(level, study, scale) {
    const most = FILLED * Math.min(level.size * scale, WIDEST_PX);
    return (people) => most * Math.sqrt((people * study.people_in) / Math.max(level.most, 1));
  }

  /* Where the mark of a square stands, in map pixels at zoom 0: where its people live, wholly inside the square. */
  function place(level, i, room) {
    const within = (at, cell) => Math.min(Math.max(at, level.size * cell + room), level.size * (cell + 1) - room);
    return [within(level.xs[i], level.columns[i]), within(level.ys[i], level.rows[i])];
  }

  /* Area of the ring: all residents; of the dashed ring: who is in a gap or unknown; of the disc: who is in a gap. */
  function mark(context, at, { all, gap, unknown }, { radius: size, marks }) {
    if (gap + unknown < all) {
      const around = Math.max(size(all), 1.5);
      canvas.disc(context, at, around, { fill: "rgba(255,255,255,.22)", line: "rgba(255,255,255,.85)", width: 2.8 });
      canvas.disc(context, at, around, { line: marks.served, width: 1.2 });
    }
    if (gap + unknown <= 0) canvas.disc(context, at, 1.6, { fill: marks.served });
    if (unknown > 0) {
      const around = Math.max(size(gap + unknown), 2.4);
      const dash = around < 4 ? [] : [2.5, 2]; // dashes want room
      canvas.disc(context, at, around + 0.8, { fill: "rgba(255,255,255,.94)", line: "rgba(255,255,255,.94)", width: 1.4 });
      canvas.disc(context, at, around, { line: marks.unknown, width: 1.2, dash });
    }
    if (gap > 0) canvas.disc(context, at, Math.max(size(gap), 1.8), { fill: marks.gap, line: "#fff", width: size(gap) > 4 ? 1.2 : 0.8 });
  }

  function draw(context, view, level, { study, state }) {
    const size = radius(level, study, view.scale);
    const { marks } = study.palette;
    for (let i = 0; i < level.count; i += 1) {
      const [west, north] = [level.size * level.columns[i], level.size * level.rows[i]];
      if (west > view.east || north > view.south || west + level.size < view.west || north + level.size < view.north) continue;
      const sum = state.squareSum(level, i, state.category);
      if (sum.all <= 0) continue;
      const [x, y] = place(level, i, size(sum.all) / view.scale);
      mark(context, [view.x(x), view.y(y)], sum, { radius: size, marks });
    }
  }

  /* The outline of the square that is chosen. */
  function chosen(context, view, { level, index }) {
    const side = level.size * view.scale;
    const corner = [view.x(level.size * level.columns[index]), view.y(level.size * level.rows[index])];
    for (const [color, width] of [["#fff", 5], ["#1c2733", 2.2]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.strokeRect(...corner, side, side);
    }
  }

  /* The square whose mark stands at a place on the map. */
  function find(study, state, { level, at, zoom }) {
    const index = level.index.get(key(Math.floor(at.x / level.size), Math.floor(at.y / level.size)));
    if (index === undefined) return null;
    const scale = 2 ** zoom;
    const size = radius(level, study, scale)(level.people[index] / study.people_in);
    const [x, y] = place(level, index, size / scale);
    const near = level.people[index] > 0 && Math.hypot(x - at.x, y - at.y) * scale < Math.max(size, LEAST_PX);
    return near ? { kind: "square", level, index } : null;
  }

  function bounds({ level, index }) {
    const corner = (column, row) => L.CRS.EPSG3857.pointToLatLng(L.point(level.size * column, level.size * row), 0);
    const [column, row] = [level.columns[index], level.rows[index]];
    return L.latLngBounds([corner(column, row), corner(column + 1, row + 1)]);
  }

  /* ------------------------------------------------------------------------------------------------- in words */

  /* Side of a square on the ground, in metres to two figures. */
  function metres(level, row) {
    const lat = L.CRS.EPSG3857.pointToLatLng(L.point(0, level.size * (row + 0.5)), 0).lat;
    const side = (level.size / 256) * 40075016.7 * Math.cos((lat * Math.PI) / 180);
    return rounded(side, 2);
  }

  const rounded = (value, figures) => Number(value.toPrecision(figures));

  /* As that of a square in the middle of all. */
  const typical = (level) => metres(level, level.rows[level.count >> 1] ?? 0);

  function detail(study, state, { level, index }, close) {
    const { say, number } = state;
    const rows = study.standard.categories.map((_, c) => {
      const sum = state.squareSum(level, index, c);
      return el("tr", { class: c === state.category ? "c15-current" : null },
        el("th", { scope: "row" }, state.categoryName(c)),
        el("td.c15-minutes", {}, panel.bar(state, sum), el("small", {},
          `${say("state.gap")} ${number(sum.gap)} · ${say("state.unknown")} ${number(sum.unknown)}`)),
        el("td", {}, `${say("state.served")} ${number(sum.served)}`));
    });
    const all = level.people[index] / study.people_in;
    const lines = [say("cluster.people", { n: number(all) }), say("squares.sum_of", { n: number(level.clusters[index]) }), say(`reading.${state.reading === "lenient" ? "lenient" : "strict"}`)];
    panel.detail([say("squares.one", { m: number(metres(level, level.rows[index])) })], lines.join(" · "),
      { say, parts: [el("table.c15-unit", {}, el("tbody", {}, ...rows))] }, close);
  }

  function tip(study, state, { level, index }) {
    const { say, number } = state;
    const sum = state.squareSum(level, index, state.category);
    const parts = ["gap", "unknown", "served"].filter((kind) => sum[kind] > 0).map((kind) => `${say(`state.${kind}`)} ${number(sum[kind])}`);
    return el("div.c15-tip", {},
      el("strong", {}, say("cluster.people", { n: number(sum.all) })),
      el("span", {}, parts.join(" · ")),
      el("span", {}, say("squares.sum_of", { n: number(level.clusters[index]) })));
  }

  /* What the marks of a level mean, and how many people a ring of the legend stands for. */
  function legend(study, state, level) {
    const { say, number } = state;
    const { marks } = study.palette;
    const size = radius(level, study, 2 ** state.zoom);
    const most = (8 / size(1)) ** 2; // whose ring fills the swatch
    const step = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
    const people = Math.max(1, [5, 2, 1].find((n) => n * step <= most) * step || 1);
    const at = [15, 9];
    const { line } = panel;
    return [
      line((context) => mark(context, at, { all: 1, gap: 1, unknown: 0 }, { radius: () => 7, marks }), say("state.gap")),
      line((context) => mark(context, at, { all: 1, gap: 0, unknown: 1 }, { radius: () => 7, marks }), say("state.unknown")),
      line((context) => mark(context, at, { all: 1, gap: 0, unknown: 0 }, { radius: () => 7, marks }), say("state.served")),
      line((context) => canvas.disc(context, at, size(people), { line: "#1c2733", width: 1 }), say("cluster.people", { n: number(people) })),
    ];
  }

  /* Squares of the finest level where most people are in a gap: for a page that does not carry clusters. */
  function ranked(state) {
    const level = state.finestSquares;
    const gap = (i) => state.squareSum(level, i, state.category).gap;
    const found = [];
    for (let index = 0; index < level.count; index += 1) {
      const people = gap(index);
      if (people > 0) found.push({ level, index, people });
    }
    return found.sort((a, b) => b.people - a.people || a.index - b.index);
  }

  /* The unit around the middle of a square, the smallest that is known. */
  function where(study, state, { level, index }) {
    const { units } = state.world;
    const at = place(level, index, 0);
    for (let u = units.count - 1; u >= 0; u -= 1) {
      if (circle15.data.inside(units, u, ...at)) return panel.name(state.unitName(u));
    }
    return state.say("squares.one", { m: state.number(metres(level, level.rows[index])) });
  }

  return { ask, draw, mark, chosen, find, bounds, detail, tip, legend, ranked, where, typical };
})();
