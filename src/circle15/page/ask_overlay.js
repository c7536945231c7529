/* What questions draw on the map: under the marks, what is reached; over them, the place, the way, the edits. */
"use strict";

circle15.overlay = (() => {
  const { canvas, traces } = circle15;
  const SOFT_M = 45; // how far the soft outline lies from a reached street
  const COARSE = 5; // the soft outline is drawn on a canvas so many times smaller
  const SIGNS_FROM = 15.5; // zoom from which every element that may be closed has its sign
  const JOINTS_FROM = 15.5;
  const MACHINES = new Set(["lift", "escalator", "cable_car"]);

  /* Reached streets from the widest to the nearest: colour, width, strength of the soft outline. */
  const BANDS = [
    { color: "#8197cf", width: 2.2, soft: 0.2 },
    { color: "#4767b8", width: 3.2, soft: 0.2 },
    { color: "#182f70", width: 4.6, soft: 0.26 },
  ];

  const bandOf = (i) => BANDS[BANDS.length - 1 - i]; // of the nearest first

  /* Pixels of a metre at a zoom, at the latitude of the study. */
  const pixels = (ask, view) => ask.perMetre * view.scale;

  /* ------------------------------------------------------------------------------------------- what is reached */

  function reach(ask) {
    return (context, view) => {
      context.clearRect(0, 0, view.width, view.height);
      if (!ask.isOpen || !ask.answer) return;
      context.fillStyle = "rgba(255,255,255,.55)"; // quiets the card around what is reached
      context.fillRect(0, 0, view.width, view.height);
      const bands = ask.answer.reach.map((one, i) => [one.shape, bandOf(i)]).reverse();
      for (const [shape, band] of bands) soft(context, view, shape, { ...band, metres: SOFT_M * pixels(ask, view) });
      const grown = Math.min(1.4, Math.max(0.55, 1.3 ** (view.zoom - 15)));
      for (const [shape, { color, width }] of bands) canvas.stroke(context, view, shape, { color, width: width * grown });
    };
  }

  /* The surroundings of some lines: drawn small and broad, then enlarged, which softens the edge. */
  function soft(context, view, shape, { metres, soft: alpha }) {
    const small = new OffscreenCanvas(Math.ceil(view.width / COARSE), Math.ceil(view.height / COARSE));
    const drawing = small.getContext("2d");
    drawing.scale(1 / COARSE, 1 / COARSE);
    canvas.stroke(drawing, view, shape, { color: BANDS[1].color, width: Math.max(10, 2 * metres) });
    context.globalAlpha = alpha;
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, small.width * COARSE, small.height * COARSE);
    context.globalAlpha = 1;
  }

  /* ------------------------------------------------------------------------------------ the place and the edits */

  function marks(ask) {
    return (context, view) => {
      context.clearRect(0, 0, view.width, view.height);
      if (!ask.isOpen) return;
      if (ask.traces && ask.mode === "close") closable(context, view, ask);
      if (ask.traces && ask.mode === "link" && view.zoom >= JOINTS_FROM) joints(context, view, ask);
      links(context, view, ask);
      closed(context, view, ask);
      homes(context, view, ask);
      cells(context, view, ask);
      for (const [row, at] of ask.goneRows()) cross(context, view, ask, { at, sign: row });
      for (const one of ask.edits.list) if (one.facility?.do === "add") place(context, view, ask, one.facility);
      ways(context, view, ask);
      asked(context, view, ask);
      if (ask.pending) pin(context, on(view, traces.point(...ask.pending)), { color: colors(ask).added, word: "1" });
      if (ask.byKeys) crosshair(context, view);
    };
  }

  const colors = (ask) => ask.page.study.palette.ask;
  const on = (view, [x, y]) => [view.x(x), view.y(y)];

  /* Where a new link can be joined. */
  function joints(context, view, ask) {
    const ends = ask.traces.joints;
    context.beginPath();
    for (let k = 0; k < ends.length; k += 2) {
      const [x, y] = [ends[k], ends[k + 1]];
      if (x < view.west || x > view.east || y < view.north || y > view.south) continue;
      context.moveTo(view.x(x) + 2.2, view.y(y));
      context.arc(view.x(x), view.y(y), 2.2, 0, 2 * Math.PI);
    }
    context.fillStyle = colors(ask).added;
    context.fill();
  }

  /* Everything that a click would close or open. */
  function closable(context, view, ask) {
    const color = (kind) => circle15.layers.elementColor(ask.page.study, kind);
    const seen = ask.traces.elements.filter(({ x, y }) => x > view.west && x < view.east && y > view.north && y < view.south);
    for (const one of seen.sort((a, b) => MACHINES.has(a.kind) - MACHINES.has(b.kind))) {
      const at = [view.x(one.x), view.y(one.y)];
      const large = view.zoom >= SIGNS_FROM || (MACHINES.has(one.kind) && view.zoom >= SIGNS_FROM - 1.5);
      context.globalAlpha = one.shut ? 0.45 : 1;
      if (large) canvas.element(context, at, { kind: one.kind, radius: MACHINES.has(one.kind) ? 11 : 9, color: color(one.kind) });
      else canvas.disc(context, at, MACHINES.has(one.kind) ? 4.5 : 3, { fill: color(one.kind), line: "#fff", width: 1.2 });
      context.globalAlpha = 1;
    }
  }

  /* New links, and the level paths that join them to the streets. */
  function links(context, view, ask) {
    for (const { shape, kind, joins } of ask.newLinks()) {
      canvas.stroke(context, view, shape, { color: "#fff", width: joins ? 5 : 9 });
      canvas.stroke(context, view, shape, { color: colors(ask).added, width: joins ? 2 : 5, dash: joins ? [3, 4] : [] });
      if (joins) continue;
      const [a, b] = [0, shape.xs.length - 1];
      const at = [view.x((shape.xs[a] + shape.xs[b]) / 2), view.y((shape.ys[a] + shape.ys[b]) / 2)];
      canvas.element(context, at, { kind, radius: 12, color: colors(ask).added });
    }
  }

  /* Elements that are closed. */
  function closed(context, view, ask) {
    for (const one of ask.closedElements()) {
      const shape = ask.traces.pieces(one.pieces);
      canvas.stroke(context, view, shape, { color: "#fff", width: 8 });
      canvas.stroke(context, view, shape, { color: colors(ask).removed, width: 4, dash: [4, 4] });
      canvas.element(context, [view.x(one.x), view.y(one.y)], { kind: one.kind, radius: 11, color: colors(ask).removed });
      strike(context, [view.x(one.x), view.y(one.y)], 11, colors(ask).removed);
    }
  }

  /* Homes that gain or lose the category that is shown. */
  function homes(context, view, ask) {
    if (!ask.effect?.homes) return;
    const { page: { state, study, world } } = ask;
    for (const [c, kind] of ask.effect.homes(state.category)) {
      const size = Math.max(6, state.size(c, view.zoom));
      canvas.home(context, [view.x(world.clusters.xs[c]), view.y(world.clusters.ys[c])], { kind, size, color: study.palette.marks[kind] });
    }
  }

  /* Units whose grade changes in the category that is shown: the old word and the new one, over the unit's own word. */
  function cells(context, view, ask) {
    const { page: { state, study, world } } = ask;
    for (const one of ask.effect?.cells ?? []) {
      if (one.category !== state.category || !state.shown.includes(one.unit)) continue;
      const [gx, gy] = study.units.at[one.unit];
      const [was, is] = [one.was, one.is].map((value) => circle15.askWords.grade(ask, one, value));
      const at = [view.x(world.project.x(gx)), view.y(world.project.y(gy)) - 9];
      chip(context, at, `${was.word} → ${is.word}`, study.palette.grades[is.key]);
    }
  }

  function chip(context, [x, y], words, color) {
    context.font = "700 13px sans-serif";
    const wide = context.measureText(words).width + 18;
    context.beginPath();
    context[context.roundRect ? "roundRect" : "rect"](x - wide / 2, y - 12, wide, 24, 5);
    context.fillStyle = "#fff";
    context.fill();
    context.strokeStyle = color;
    context.lineWidth = 3;
    context.stroke();
    canvas.text(context, words, [x, y + 0.5], { size: 13, weight: 700, halo: null });
  }

  function cross(context, view, ask, { at, sign }) {
    const spot = on(view, at);
    canvas.disc(context, spot, 9, { fill: "rgba(255,255,255,.85)", line: colors(ask).removed, width: 2 });
    canvas.sign(context, spot, { which: ask.signOf(sign), radius: 5, color: colors(ask).removed, filled: false });
    strike(context, spot, 9, colors(ask).removed);
  }

  function strike(context, [x, y], radius, color) {
    const far = radius * 0.95;
    for (const [ink, width] of [["#fff", 5], [color, 2.6]]) {
      context.beginPath();
      for (const way of [-1, 1]) {
        context.moveTo(x - far, y - way * far);
        context.lineTo(x + far, y + way * far);
      }
      context.strokeStyle = ink;
      context.lineWidth = width;
      context.lineCap = "round";
      context.stroke();
    }
  }

  /* A place that is not there yet. */
  function place(context, view, ask, { lon, lat, services }) {
    const at = on(view, traces.point(lon, lat));
    canvas.disc(context, at, 12, { fill: "#fff", line: colors(ask).added, width: 3 });
    canvas.sign(context, at, { which: ask.signOfService(services[0]), radius: 6, color: colors(ask).added, filled: true });
    canvas.text(context, "+", [at[0] + 13, at[1] - 11], { size: 18, weight: 800, color: colors(ask).added });
  }

  /* The way out as a line, the way back dashed where it is another. */
  function ways(context, view, ask) {
    if (!ask.routes) return;
    const [out, back] = ask.routes;
    const color = colors(ask).route;
    if (back) {
      canvas.stroke(context, view, back.shape, { color: "rgba(255,255,255,.9)", width: 7 });
      canvas.stroke(context, view, back.shape, { color, width: 3, dash: [2, 5] });
    }
    if (out) {
      canvas.stroke(context, view, out.shape, { color: "rgba(255,255,255,.9)", width: 7 });
      canvas.stroke(context, view, out.shape, { color, width: 4 });
    }
    const [end] = ask.goalPoints();
    if (end) canvas.disc(context, on(view, end), 7, { fill: color, line: "#fff", width: 2.5 });
  }

  /* The place that is asked, and how it comes to the street. */
  function asked(context, view, ask) {
    if (!ask.at) return;
    const at = on(view, traces.point(...ask.at));
    for (const spot of ask.answer?.spots ?? []) {
      const [x, y] = on(view, ask.footOf(spot));
      context.beginPath();
      context.moveTo(...at);
      context.lineTo(x, y);
      context.setLineDash([2, 3]);
      context.strokeStyle = "#1c2733";
      context.lineWidth = 1.6;
      context.stroke();
      context.setLineDash([]);
    }
    pin(context, at, { color: "#1c2733" });
  }

  /* A needle whose point is the place. */
  function pin(context, [x, y], { color, word = "" }) {
    context.beginPath();
    context.moveTo(x, y);
    context.bezierCurveTo(x - 4, y - 9, x - 11, y - 13, x - 11, y - 21);
    context.arc(x, y - 21, 11, Math.PI, 0);
    context.bezierCurveTo(x + 11, y - 13, x + 4, y - 9, x, y);
    context.closePath();
    context.fillStyle = color;
    context.strokeStyle = "#fff";
    context.lineWidth = 2.4;
    context.stroke();
    context.fill();
    if (word) canvas.text(context, word, [x, y - 20], { size: 13, weight: 700, color: "#fff", halo: null });
    else canvas.disc(context, [x, y - 21], 4, { fill: "#fff" });
  }

  /* The middle of the map, where a key asks. */
  function crosshair(context, view) {
    const [x, y] = [view.width / 2, view.height / 2];
    for (const [color, width] of [["#fff", 5], ["#1c2733", 2]]) {
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + 5 * dx, y + 5 * dy);
        context.lineTo(x + 16 * dx, y + 16 * dy);
      }
      context.strokeStyle = color;
      context.lineWidth = width;
      context.stroke();
    }
  }

  return { reach, marks, bandOf, pixels };
})();
