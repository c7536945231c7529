/* Streets of the walking engine as lines on the map, in map pixels at zoom 0, and which of them lies at a place. */
"use strict";

circle15.traces = (() => {
  const { STEPS } = circle15.network;
  const WORLD = 256;
  const NONE = { distance: Infinity };

  /* Web Mercator at zoom 0, as Leaflet's own projection has it. */
  function point(lon, lat) {
    const sine = Math.sin((lat * Math.PI) / 180);
    return [WORLD * ((lon + 180) / 360), WORLD / 2 - (WORLD / (4 * Math.PI)) * Math.log((1 + sine) / (1 - sine))];
  }

  /* Lines of points as a shape that `canvas.trace` draws; each line is a shape of one ring. */
  function shapeOf(lines) {
    const size = lines.reduce((sum, line) => sum + line.length, 0) / 2;
    const [xs, ys] = [new Float64Array(size), new Float64Array(size)];
    const start = new Int32Array(lines.length + 1);
    const box = new Float64Array(4 * lines.length);
    let at = 0;
    lines.forEach((line, i) => {
      let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
      for (let k = 0; k < line.length; k += 2) {
        const [x, y] = [line[k], line[k + 1]];
        xs[at] = x;
        ys[at] = y;
        at += 1;
        if (x < west) west = x;
        if (x > east) east = x;
        if (y < north) north = y;
        if (y > south) south = y;
      }
      start[i + 1] = at;
      box.set([west, north, east, south], 4 * i);
    });
    return { count: lines.length, first: Int32Array.from({ length: lines.length + 1 }, (_, i) => i), start, xs, ys, box };
  }

  /* Points in degrees as a line: x and y in turn. */
  const lineOf = (degrees) => degrees.flatMap(([lon, lat]) => point(lon, lat));

  class Traces {
    constructor(live) {
      this.net = live.net;
      const { lon, lat } = live.net.pieces;
      this.xs = new Float64Array(lon.length);
      this.ys = new Float64Array(lon.length);
      for (let v = 0; v < lon.length; v += 1) [this.xs[v], this.ys[v]] = point(lon[v], lat[v]);
      this.elements = live.elements.map((one) => this.element(one, live.net.facts.kinds));
    }

    /* Where new links may be joined to the streets: x and y in turn. */
    get joints() {
      const { nodes, facts: { corner } } = this.net;
      if (!this.ends) {
        const some = [...nodes.joint.keys()].filter((i) => nodes.joint[i] > 0);
        const degrees = (i) => [(corner[0] + nodes.east[i]) / STEPS, (corner[1] + nodes.north[i]) / STEPS];
        this.ends = Float64Array.from(some.flatMap((i) => point(...degrees(i))));
      }
      return this.ends;
    }

    /* An element that may be closed: what it is, all its pieces, where its sign stands. */
    element({ id, kinds, pieces }, names) {
      const kind = ["lift", "escalator", "stairs", "cable_car", "bridge"].find((one) => kinds.has(one));
      const own = pieces.filter((p) => names[this.net.pieces.kind[p]] === kind);
      const middle = own[own.length >> 1];
      const { first } = this.net.pieces;
      const v = (first[middle] + first[middle + 1]) >> 1;
      return { id, kind, pieces: own, shut: pieces.every((p) => this.isShut(p)), x: this.xs[v], y: this.ys[v] };
    }

    isShut(p) {
      const { shut } = this.net.pieces;
      return Boolean(shut[2 * p] && shut[2 * p + 1]);
    }

    /* A piece of street from one share of its length to another. */
    part(p, low, high) {
      const { first, share } = this.net.pieces;
      const line = [];
      const [from, to] = [first[p], first[p + 1] - 1];
      if (low > 0) this.cut(line, from, to, low);
      for (let v = from; v <= to; v += 1) if (share[v] >= low && share[v] <= high) line.push(this.xs[v], this.ys[v]);
      if (high < 1) this.cut(line, from, to, high);
      return line;
    }

    cut(line, from, to, part) {
      const { share } = this.net.pieces;
      let v = from;
      while (v < to - 1 && share[v + 1] < part) v += 1;
      const span = share[v + 1] - share[v];
      const along = span > 0 ? Math.min(1, Math.max(0, (part - share[v]) / span)) : 0;
      line.push(this.xs[v] + along * (this.xs[v + 1] - this.xs[v]), this.ys[v] + along * (this.ys[v + 1] - this.ys[v]));
    }

    /* Stretches, as `walk.reached` has them, as a shape. */
    reached(walk, { piece, low, high }) {
      const known = this.net.pieces.count;
      return shapeOf(piece.map((p, k) => (p < known ? this.part(p, low[k], high[k]) : lineOf(walk.line(p, low[k], high[k])))));
    }

    /* A route as one line. */
    route(walk, { stretches }) {
      return shapeOf([stretches.flatMap(({ piece, from, to }) => lineOf(walk.line(piece, from, to)))]);
    }

    pieces(some) {
      return shapeOf(some.map((p) => this.part(p, 0, 1)));
    }

    /* The element at a place within some map pixels; lifts and escalators before stairs, which are many. */
    elementAt(x, y, within) {
      let best = NONE;
      for (const one of this.elements) {
        const bonus = one.kind === "stairs" || one.kind === "bridge" ? 0 : within / 2;
        const distance = Math.min(Math.hypot(one.x - x, one.y - y), ...one.pieces.map((p) => this.away(p, x, y))) - bonus;
        if (distance < within - bonus && distance < best.distance) best = { one, distance };
      }
      return best.one ?? null;
    }

    /* How far a piece lies from a place. */
    away(p, x, y) {
      const { first } = this.net.pieces;
      let least = Infinity;
      for (let v = first[p]; v < first[p + 1] - 1; v += 1) {
        const [ax, ay] = [this.xs[v], this.ys[v]];
        const [dx, dy] = [this.xs[v + 1] - ax, this.ys[v + 1] - ay];
        const square = dx * dx + dy * dy;
        const along = square > 0 ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / square)) : 0;
        least = Math.min(least, Math.hypot(x - ax - along * dx, y - ay - along * dy));
      }
      return least;
    }
  }

  return { Traces, point, shapeOf, lineOf };
})();
