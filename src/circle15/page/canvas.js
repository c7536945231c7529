/* Drawing on canvas: one Leaflet layer that redraws what is in view, patterns beside colours, marks and labels. */
"use strict";

circle15.canvas = (() => {
  const PADDING = 0.15; // drawn beyond each side of the window, so that panning shows no blank edge

  const TOGETHER = 60; // shapes in one stroke: one of very many takes much longer
  const WIDE_PX = 2; // from which round ends and corners are seen
  let sharpness = null; // pixels to draw for each of the page, where paper asks for more than the screen has
  const ratioNow = () => sharpness ?? Math.min(window.devicePixelRatio || 1, 2);

  const CARD_ALPHA = 0.66; // the streets stay visible through the card

  const EDGES = [ // of isochrones, the widest first
    { dash: [2, 3], width: 1.4, fill: 0.22 },
    { dash: [7, 4], width: 1.5, fill: 0.34 },
    { dash: [], width: 2, fill: 0.5 },
  ];

  const Layer = L.Layer.extend({
    initialize(pane, draw) {
      this._paneName = pane;
      this._draw = draw;
    },
    onAdd(map) {
      this._canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated");
      this._canvas.setAttribute("aria-hidden", "true");
      map.getPane(this._paneName).appendChild(this._canvas);
      this.redraw();
    },
    onRemove() {
      this._canvas.remove();
    },
    getEvents() {
      return { moveend: this.redraw, resize: this.redraw, zoomanim: this._animate };
    },
    redraw() {
      const map = this._map;
      if (!map) return;
      const size = map.getSize();
      const ratio = ratioNow();
      const corner = map.containerPointToLayerPoint(size.multiplyBy(-PADDING)).round();
      const [width, height] = [Math.round(size.x * (1 + 2 * PADDING)), Math.round(size.y * (1 + 2 * PADDING))];
      this._zoom = map.getZoom();
      this._corner = map.layerPointToLatLng(corner);
      L.DomUtil.setPosition(this._canvas, corner);
      this._canvas.width = width * ratio;
      this._canvas.height = height * ratio;
      this._canvas.style.width = `${width}px`;
      this._canvas.style.height = `${height}px`;
      const context = this._canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this._draw(context, viewOf(map.getPixelOrigin().add(corner), 2 ** this._zoom, this._zoom, { width, height }));
    },
    /* Draw what lies above into this one. */
    take(others) {
      const context = this._canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      for (const other of others) if (other._map) context.drawImage(other._canvas, 0, 0);
    },
    _animate(event) {
      const place = this._map._latLngToNewLayerPoint(this._corner, event.zoom, event.center);
      L.DomUtil.setTransform(this._canvas, place, this._map.getZoomScale(event.zoom, this._zoom));
    },
  });

  /* From map pixels at zoom 0 to pixels of the canvas, and what part of the world is in view. */
  function viewOf(origin, scale, zoom, size) {
    return {
      ...size,
      zoom,
      scale,
      x: (x) => x * scale - origin.x,
      y: (y) => y * scale - origin.y,
      west: origin.x / scale,
      north: origin.y / scale,
      east: (origin.x + size.width) / scale,
      south: (origin.y + size.height) / scale,
    };
  }

  /* Add some shapes (all when left out) to the path, where they are in view; whether there are any. */
  function trace(context, view, shape, { from = 0, to = shape.count, closed = true } = {}) {
    const { first, start, xs, ys, box } = shape;
    let seen = false;
    for (let i = from; i < to; i += 1) {
      const b = 4 * i;
      if (box[b] > view.east || box[b + 2] < view.west || box[b + 1] > view.south || box[b + 3] < view.north) continue;
      for (let r = first[i]; r < first[i + 1]; r += 1) {
        context.moveTo(view.x(xs[start[r]]), view.y(ys[start[r]]));
        for (let k = start[r] + 1; k < start[r + 1]; k += 1) context.lineTo(view.x(xs[k]), view.y(ys[k]));
        if (closed) context.closePath();
      }
      seen = true;
    }
    return seen;
  }

  function fill(context, view, shape, style, { only = null } = {}) {
    context.beginPath();
    trace(context, view, shape, only === null ? {} : { from: only, to: only + 1 });
    context.fillStyle = style;
    context.fill("evenodd");
  }

  function stroke(context, view, shape, { color, width, dash = [], closed = false, only = null, cap = "round" }) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.lineCap = dash.length || width < WIDE_PX ? "butt" : cap;
    context.lineJoin = width < WIDE_PX ? "bevel" : "round";
    context.setLineDash(dash);
    const [from, to] = only === null ? [0, shape.count] : [only, only + 1];
    for (let at = from; at < to; at += TOGETHER) {
      context.beginPath();
      if (trace(context, view, shape, { from: at, to: Math.min(to, at + TOGETHER), closed })) context.stroke();
    }
    context.setLineDash([]);
  }

  /* A pattern for every grade, so that the card reads without colour: the worse, the denser. */
  const PATTERNS = {
    5: () => {},
    4: (tile, ink) => {
      tile.fillStyle = ink;
      for (const [x, y] of [[3, 3], [11, 11]]) tile.fillRect(x - 0.9, y - 0.9, 1.8, 1.8);
    },
    3: (tile, ink) => rule(tile, ink, 0.9, [[0, 16, 16, 0], [-4, 4, 4, -4], [12, 20, 20, 12]]),
    2: (tile, ink) => rule(tile, ink, 1.5, [[0, 16, 16, 0], [0, 8, 8, 0], [8, 16, 16, 8], [-2, 2, 2, -2], [14, 18, 18, 14]]),
    1: (tile, ink) => {
      rule(tile, ink, 1.4, [[0, 16, 16, 0], [0, 8, 8, 0], [8, 16, 16, 8], [-2, 2, 2, -2], [14, 18, 18, 14]]);
      rule(tile, ink, 1.4, [[0, 0, 16, 16], [8, 0, 16, 8], [0, 8, 8, 16], [-2, 14, 2, 18], [14, -2, 18, 2]]);
    },
    none: (tile, ink) => rule(tile, ink, 1, [[0, 0, 16, 16], [-4, 12, 4, 20], [12, -4, 20, 4]]),
    unknown: (tile, ink) => { // the list is incomplete
      tile.fillStyle = ink;
      tile.font = "700 9px sans-serif";
      tile.textAlign = "center";
      tile.textBaseline = "middle";
      for (const [x, y] of [[4, 4.5], [12, 12.5]]) tile.fillText("?", x, y);
    },
  };
  /* How a grade differs: lines where it is worse, dots where it is better; one step sparse, more steps dense. */
  const CHANGES = Object.fromEntries(
    [-4, -3, -2, -1, 0, 1, 2, 3, 4].map((n) => [n, n < 0 ? PATTERNS[n < -1 ? 2 : 3] : n > 0 ? dots(n) : PATTERNS[5]]),
  );

  function dots(n) {
    const places = n > 1 ? [[4, 4], [12, 12], [12, 4], [4, 12]] : [[4, 4], [12, 12]];
    return (tile, ink) => {
      tile.fillStyle = ink;
      for (const [x, y] of places) tile.fillRect(x - 1, y - 1, 2, 2);
    };
  }

  const changeInk = (n) => (Math.abs(n) > 2 ? "rgba(255,255,255,.5)" : n < 0 ? "rgba(90,45,0,.45)" : "rgba(10,50,100,.55)");

  const INK = {
    5: "rgba(255,255,255,.5)",
    4: "rgba(255,255,255,.8)",
    3: "rgba(122,98,20,.38)",
    2: "rgba(110,55,0,.42)",
    1: "rgba(255,255,255,.42)",
    none: "rgba(80,86,96,.5)",
    unknown: "rgba(60,68,80,.5)",
  };

  function rule(tile, ink, width, segments) {
    tile.strokeStyle = ink;
    tile.lineWidth = width;
    tile.beginPath();
    for (const [x1, y1, x2, y2] of segments) {
      tile.moveTo(x1, y1);
      tile.lineTo(x2, y2);
    }
    tile.stroke();
  }

  function patterns(context) {
    const ratio = ratioNow();
    const made = (draw, ink) => {
      const tile = document.createElement("canvas");
      tile.width = 16 * ratio;
      tile.height = 16 * ratio;
      const drawing = tile.getContext("2d");
      drawing.scale(ratio, ratio);
      draw(drawing, ink);
      const pattern = context.createPattern(tile, "repeat");
      pattern.setTransform(new DOMMatrix().scale(1 / ratio));
      return pattern;
    };
    const each = (draws, inkOf) => Object.fromEntries(Object.entries(draws).map(([key, draw]) => [key, made(draw, inkOf(key))]));
    const grades = each(PATTERNS, (grade) => INK[grade]);
    return { grades, change: { ...each(CHANGES, changeInk), none: grades.none } };
  }

  /* Signs for facilities, one per service of a category. */
  const SIGNS = [
    [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    [[0, -1.35], [1.35, 0], [0, 1.35], [-1.35, 0]],
    [[0, -1.35], [1.3, 1], [-1.3, 1]],
    [[-1.3, -1], [1.3, -1], [0, 1.35]],
    [[-0.65, -1.2], [0.65, -1.2], [1.3, 0], [0.65, 1.2], [-0.65, 1.2], [-1.3, 0]],
    [[-0.45, -1.3], [0.45, -1.3], [0.45, -0.45], [1.3, -0.45], [1.3, 0.45], [0.45, 0.45], [0.45, 1.3],
      [-0.45, 1.3], [-0.45, 0.45], [-1.3, 0.45], [-1.3, -0.45], [-0.45, -0.45]],
  ];

  function sign(context, at, { which, radius, color, filled }) {
    const corners = SIGNS[which % SIGNS.length];
    context.beginPath();
    corners.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](at[0] + x * radius, at[1] + y * radius));
    context.closePath();
    context.lineJoin = "round";
    context.strokeStyle = "#fff";
    context.lineWidth = radius > 3 ? 4 : 2.4;
    context.stroke();
    context.fillStyle = filled ? color : "#fff";
    context.fill();
    context.strokeStyle = color;
    context.lineWidth = radius > 3 ? 1.4 : 1;
    context.stroke();
  }

  /* What people depend on, drawn as what it is: lines in a square from -1 to 1. */
  const ELEMENTS = {
    lift: [[[0, 1], [0, -1]], [[-0.6, -0.4], [0, -1], [0.6, -0.4]], [[-0.6, 0.4], [0, 1], [0.6, 0.4]]],
    escalator: [[[-1, 0.9], [-0.45, 0.9], [0.5, -0.7], [1, -0.7]], [[-0.5, 0], [0.1, -1]], [[-0.35, -0.95], [0.1, -1], [0.25, -0.6]]],
    stairs: [[[-1, 0.9], [-0.4, 0.9], [-0.4, 0.25], [0.2, 0.25], [0.2, -0.4], [0.8, -0.4], [0.8, -1]]],
    bridge: [[[-1, -0.3], [1, -0.3]], [[-0.8, 0.8], [-0.8, -0.3]], [[0.8, 0.8], [0.8, -0.3]], [[-0.8, 0.5], [-0.4, 0], [0, -0.15], [0.4, 0], [0.8, 0.5]]],
    other: [[[0, -0.8], [0.8, 0], [0, 0.8], [-0.8, 0], [0, -0.8]]],
  };

  function element(context, at, { kind, radius, color }) {
    disc(context, at, radius, { fill: "#fff", line: color, width: radius > 10 ? 2.6 : 1.6 });
    context.strokeStyle = color;
    context.lineWidth = radius > 10 ? 2.2 : 1.5;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    for (const line of ELEMENTS[kind] || ELEMENTS.other) {
      line.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](at[0] + x * radius * 0.55, at[1] + y * radius * 0.55));
    }
    context.stroke();
  }

  function disc(context, at, radius, { fill: inside = null, line = null, width = 1, dash = [] }) {
    context.beginPath();
    context.arc(at[0], at[1], radius, 0, 2 * Math.PI);
    if (inside) {
      context.fillStyle = inside;
      context.fill();
    }
    if (line) {
      context.setLineDash(dash);
      context.strokeStyle = line;
      context.lineWidth = width;
      context.stroke();
      context.setLineDash([]);
    }
  }

  /* Homes: full discs where something is lacking or turns, a sign in them where there is room; small ones else. */
  const SMALL = new Set(["served", "still"]);
  const DASHED = new Set(["unknown", "known"]);
  const HOLLOW = new Set(["shorter", "longer"]);
  const TURNED = { gained: "+", lost: "−", both: "±" };

  function home(context, at, { kind, size, color }) {
    const width = size > 4 ? 1.4 : 0.9;
    if (SMALL.has(kind)) disc(context, at, Math.max(1.3, size * 0.4), { fill: color, line: "rgba(255,255,255,.95)", width: 0.9 });
    else if (DASHED.has(kind)) {
      disc(context, at, size, { fill: "rgba(255,255,255,.4)", line: color, width: Math.max(1, width), dash: [2.5, 2] });
    } else if (HOLLOW.has(kind)) disc(context, at, Math.max(1.8, size * 0.6), { fill: "#fff", line: color, width: width + 0.6 });
    else disc(context, at, size, { fill: color, line: "#fff", width });
    if (TURNED[kind] && size > 4.5) text(context, TURNED[kind], at, { size: Math.min(22, size * 1.6), weight: 700, color: "#fff", halo: null });
  }

  /* A home that lacks something because of the slope: a hill in place of a disc. */
  function hill(context, at, { size, color }) {
    const half = Math.max(3.2, size);
    context.beginPath();
    context.moveTo(at[0], at[1] - half);
    context.lineTo(at[0] + half * 1.1, at[1] + half * 0.8);
    context.lineTo(at[0] - half * 1.1, at[1] + half * 0.8);
    context.closePath();
    context.lineJoin = "round";
    context.strokeStyle = "#fff";
    context.lineWidth = 2.6;
    context.stroke();
    context.fillStyle = color;
    context.fill();
  }

  /* A place to build, with its rank: filled where it comes first, dashed where it is kept in reserve. */
  function proposal(context, at, { rank, near, radius }) {
    disc(context, at, radius + 2, { fill: "rgba(255,255,255,.95)" });
    disc(context, at, radius, { fill: near ? "#ffd34d" : "#fff", line: "#1c2733", width: 1.8, dash: near ? [] : [3, 2.4] });
    text(context, String(rank), [at[0], at[1] + 0.5], { size: radius * (rank > 99 ? 0.8 : 1.15), weight: 700, halo: null });
  }

  /* What many people depend on: its sign in a double ring. */
  function depended(context, at, { kind, radius, color }) {
    disc(context, at, radius + 2.6, { fill: "#fff", line: color, width: 1.4 });
    element(context, at, { kind, radius, color });
  }

  /* Text with a light edge; what steers the direction of writing is taken out, since canvas has no isolation. */
  function text(context, words, at, { size = 12, weight = 500, color = "#1c2733", halo = "rgba(255,255,255,.9)" } = {}) {
    context.font = `${weight} ${size}px "PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const clean = plain(words);
    if (halo) {
      context.lineJoin = "round";
      context.lineWidth = 3.2;
      context.strokeStyle = halo;
      context.strokeText(clean, at[0], at[1]);
    }
    context.fillStyle = color;
    context.fillText(clean, at[0], at[1]);
  }

  const plain = (words) => words.replace(/[\u0000-\u001f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

  function sharpen(pixels) {
    sharpness = pixels;
  }

  return { CARD_ALPHA, EDGES, Layer, ratioNow, sharpen, trace, fill, stroke, patterns, sign, element, disc, home, hill, proposal, depended, text, plain };
})();
