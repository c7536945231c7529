/* Where a point comes to stand on the streets, which streets are reached, and their lines. */
"use strict";

circle15.shapes = (() => {
  const { NEVER, rint } = circle15.network;
  const { reaching, seeds } = circle15.search;
  const TICKS = 10; // a second
  const ROUNDING_M = 1e-6; // slack for comparing distances
  const TIE_M = 1e-3; // distances within a millimetre are equal

  /* --------------------------------------------------------------------------------------------------- snapping */

  /* The nearest place on a piece to a point: how far, and at which share of the length. */
  function foot(pieces, p, px, py) {
    const { first, x, y, share } = pieces;
    let [least, at] = [Infinity, 0];
    for (let v = first[p]; v < first[p + 1] - 1; v += 1) {
      const [dx, dy] = [x[v + 1] - x[v], y[v + 1] - y[v]];
      const square = dx * dx + dy * dy;
      const along = square > 0 ? Math.min(1, Math.max(0, ((px - x[v]) * dx + (py - y[v]) * dy) / square)) : 0;
      const [ex, ey] = [px - x[v] - along * dx, py - y[v] - along * dy];
      const away = ex * ex + ey * ey;
      if (away < least) [least, at] = [away, square > 0 ? share[v] + along * (share[v + 1] - share[v]) : 0];
    }
    return { metres: Math.sqrt(least), share: at };
  }

  /* The spot of a point in metres: the nearest piece that has room for a door and that the walker may use. Scraps of
     street only where nothing else is near; of equally near pieces the one that is walked both ways, then the one that
     is open to all, then the first. Null where none is near enough. */
  function place(net, walker, [px, py]) {
    for (const scraps of [0, 1]) {
      const near = [];
      let ceiling = walker.off_road_max_m + ROUNDING_M;
      for (let p = 0; p < net.pieces.count; p += 1) {
        if (walker.small[p] !== scraps || !net.pieces.doors[p] || isAway(net, p, [px, py], ceiling)) continue;
        const ways = Number(walker.ticks[2 * p] < NEVER) + Number(walker.ticks[2 * p + 1] < NEVER);
        const { metres, share } = foot(net.pieces, p, px, py);
        if (!ways || metres > ceiling) continue;
        near.push({ piece: p, share, metres, oneWay: ways === 1 });
        ceiling = Math.min(ceiling, metres + ROUNDING_M);
      }
      const best = first(net, near.filter((one) => one.metres <= ceiling));
      if (best) return { ...best, off: rint((best.metres / walker.off_road_m_s) * TICKS) };
    }
    return null;
  }

  function first(net, near) {
    const rank = (one) => [rint(one.metres / TIE_M), Number(one.oneWay), net.pieces.hidden[2 * one.piece], one.piece];
    return near.reduce((best, one) => (best && before(rank(best), rank(one)) ? best : one), null);
  }

  function before(one, other) {
    const at = one.findIndex((value, k) => value !== other[k]);
    return at < 0 || one[at] < other[at];
  }

  /* Whether the box around a piece is farther from a point than some metres. */
  function isAway(net, p, [px, py], metres) {
    net.boxes = net.boxes || boxes(net.pieces);
    const box = net.boxes;
    const k = 4 * p;
    return px < box[k] - metres || py < box[k + 1] - metres || px > box[k + 2] + metres || py > box[k + 3] + metres;
  }

  function boxes({ first, x, y, count }) {
    const found = new Float64Array(4 * count);
    for (let p = 0; p < count; p += 1) {
      let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
      for (let v = first[p]; v < first[p + 1]; v += 1) {
        west = Math.min(west, x[v]);
        south = Math.min(south, y[v]);
        east = Math.max(east, x[v]);
        north = Math.max(north, y[v]);
      }
      found.set([west, south, east, north], 4 * p);
    }
    return found;
  }

  /* --------------------------------------------------------------------------------------------- reached streets */

  /* The stretches that walks from a spot reach within each of some limits (ticks), cut exactly there: per limit
     `piece`, `low` and `high` (shares of the length), `ticks` until the stretch is first reached, and `metres`. Nothing
     where there is no spot. */
  function reached(graph, [spot], limits) {
    const nothing = () => ({ piece: [], low: [], high: [], ticks: [], metres: 0 });
    if (!spot) return limits.map(nothing);
    const most = Math.max(...limits);
    const begin = (labels, vertices) => begun(graph, labels, vertices);
    const { starts, touched } = reaching(graph.onward, seeds(graph, [spot], false), most, begin);
    if (!starts.has(2 * spot.piece) && !starts.has(2 * spot.piece + 1)) touched.push(spot.piece);
    touched.sort((a, b) => a - b);
    return limits.map((limit) => {
      const found = nothing();
      for (const piece of touched) {
        for (const [low, high, at] of cut(graph, starts, piece, limit, spot)) {
          found.piece.push(piece);
          found.low.push(low);
          found.high.push(high);
          found.ticks.push(at);
          found.metres += (high - low) * metresOf(graph, piece);
        }
      }
      return found;
    });
  }

  /* When each side of each piece can be begun, and which pieces these are. */
  function begun(graph, labels, vertices) {
    const { first, sides } = graph.onward;
    const starts = new Map();
    for (const vertex of vertices) {
      for (let arc = first[vertex]; arc < first[vertex + 1]; arc += 1) {
        if (sides[arc] < 0) continue;
        if (labels[vertex] < (starts.get(sides[arc]) ?? NEVER)) starts.set(sides[arc], labels[vertex]);
      }
    }
    return { starts, touched: [...new Set([...starts.keys()].map((side) => side >> 1))] };
  }

  /* One piece cut at a limit: what is reached from either end and, on the own piece, from the middle. Stretches that
     meet are one. */
  function cut(graph, starts, piece, limit, own) {
    let [ahead, back] = [-1, 2]; // from the start: 0 to ahead; from the end: back to 1; empty ones lie outside of 0 to 1
    let [atAhead, atBack] = [starts.get(2 * piece) ?? NEVER, starts.get(2 * piece + 1) ?? NEVER];
    const [wholeAhead, wholeBack] = [graph.ticks[2 * piece], graph.ticks[2 * piece + 1]];
    if (atAhead < limit) ahead = wholeAhead <= limit - atAhead ? 1 : (limit - atAhead) / wholeAhead;
    if (atBack < limit) back = wholeBack <= limit - atBack ? 0 : 1 - (limit - atBack) / wholeBack;
    const found = [];
    if (piece === own.piece && own.off < limit) {
      const left = limit - own.off;
      const low = wholeBack < NEVER ? Math.max(0, own.share - left / wholeBack) : own.share;
      const high = wholeAhead < NEVER ? Math.min(1, own.share + left / wholeAhead) : own.share;
      if (low <= ahead) [ahead, atAhead] = [Math.max(ahead, high), Math.min(atAhead, own.off)];
      else if (high >= back) [back, atBack] = [Math.min(back, low), Math.min(atBack, own.off)];
      else found.push([low, high, own.off]);
    }
    if (ahead >= 0 && ahead >= back) return [...found, [0, 1, Math.min(atAhead, atBack)]];
    if (ahead >= 0) found.push([0, ahead, atAhead]);
    if (back <= 1) found.push([back, 1, atBack]);
    return found;
  }

  function metresOf(graph, piece) {
    const { count, metres } = graph.net.pieces;
    return piece < count ? metres[piece] : graph.added[piece - count].metres;
  }

  /* The line of a stretch, in degrees: from one share of a piece to another, which may be the smaller one. */
  function line(graph, piece, from, to) {
    const { count } = graph.net.pieces;
    const lines = piece < count ? graph.net.pieces : graph.added[piece - count].line;
    const p = piece < count ? piece : 0;
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    const points = [at(lines, p, low)];
    for (let v = lines.first[p]; v < lines.first[p + 1]; v += 1) {
      if (lines.share[v] > low && lines.share[v] < high) points.push([lines.lon[v], lines.lat[v]]);
    }
    points.push(at(lines, p, high));
    return from > to ? points.reverse() : points;
  }

  /* The point of a piece at a share of its length, in degrees. */
  function at({ first, share, lon, lat }, p, part) {
    let v = first[p];
    while (v < first[p + 1] - 2 && share[v + 1] < part) v += 1;
    const span = share[v + 1] - share[v];
    const along = span > 0 ? Math.min(1, Math.max(0, (part - share[v]) / span)) : 0;
    return [lon[v] + along * (lon[v + 1] - lon[v]), lat[v] + along * (lat[v + 1] - lat[v])];
  }

  return { place, reached, line, at, metresOf };
})();
