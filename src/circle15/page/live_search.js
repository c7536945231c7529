/* The search on whole ticks: shortest ways over the streets as one walker can use them now. */
"use strict";

circle15.search = (() => {
  const { NEVER, ALONG, rint } = circle15.network;
  const NARROW = 6; // buckets of the queue are 64 ticks wide, or wider
  const BUCKETS = 4096;

  /* The queue: the first slot of each bucket; per slot its vertex, its ticks and the slot after it. Free slots hang
     together from `free`. All are free between searches. */
  const bucket = new Int32Array(BUCKETS).fill(-1);
  let slots = { vertex: new Int32Array(0), ticks: new Int32Array(0), after: new Int32Array(0) };
  let free = -1;
  let touched = new Int32Array(0);

  function grown(values, size) {
    const more = new Int32Array(size);
    more.set(values);
    return more;
  }

  function moreSlots() {
    const [from, to] = [slots.vertex.length, Math.max(4096, 2 * slots.vertex.length)];
    slots = { vertex: grown(slots.vertex, to), ticks: grown(slots.ticks, to), after: grown(slots.after, to) };
    for (let slot = from; slot < to; slot += 1) slots.after[slot] = slot + 1 < to ? slot + 1 : free;
    free = from;
  }

  function push(at, vertex, ticks) {
    if (free < 0) moreSlots();
    const slot = free;
    free = slots.after[slot];
    slots.vertex[slot] = vertex;
    slots.ticks[slot] = ticks;
    slots.after[slot] = bucket[at];
    bucket[at] = slot;
  }

  /* Walk from several seeds at once as far as a limit, inclusive. `labels` holds NEVER, or ways that are known already:
     then only what the seeds shorten is walked again. Returns how many vertices had no label before (`touched`).
     `via` takes the arc by which each vertex is reached, -1 at a seed. (Dial 1969; Meyer and Sanders 2003.) */
  function settle(arcs, from, limit, labels, via = null) {
    const { first, heads, ticks } = arcs;
    if (touched.length < labels.length) touched = new Int32Array(labels.length);
    let shift = NARROW;
    while (limit >> shift >= BUCKETS) shift += 1;
    let [count, waiting] = [0, 0];
    for (let k = 0; k < from.length; k += 2) {
      const [vertex, at] = [from[k], from[k + 1]];
      if (at > limit || at >= labels[vertex]) continue;
      if (labels[vertex] === NEVER) {
        touched[count] = vertex;
        count += 1;
      }
      labels[vertex] = at;
      if (via) via[vertex] = -1;
      push(at >> shift, vertex, at);
      waiting += 1;
    }
    for (let b = 0; waiting > 0; ) {
      const slot = bucket[b];
      if (slot < 0) {
        b += 1;
        continue;
      }
      const [vertex, at] = [slots.vertex[slot], slots.ticks[slot]];
      bucket[b] = slots.after[slot];
      slots.after[slot] = free;
      free = slot;
      waiting -= 1;
      if (at > labels[vertex]) continue;
      for (let arc = first[vertex]; arc < first[vertex + 1]; arc += 1) {
        const [head, there] = [heads[arc], at + ticks[arc]];
        if (there > limit || there >= labels[head]) continue;
        if (labels[head] === NEVER) {
          touched[count] = head;
          count += 1;
        }
        labels[head] = there;
        if (via) via[head] = arc;
        push(there >> shift, head, there);
        waiting += 1;
      }
    }
    return count;
  }

  /* Ticks to every vertex from some seeds, lent to a task and then put back. */
  let scratch = new Int32Array(0);
  function reaching(arcs, from, limit, task) {
    const vertices = arcs.first.length - 1;
    if (scratch.length < vertices) scratch = new Int32Array(vertices + 1024).fill(NEVER);
    const count = settle(arcs, from, limit, scratch);
    try {
      return task(scratch, touched.subarray(0, count));
    } finally {
      for (let k = 0; k < count; k += 1) scratch[touched[k]] = NEVER;
    }
  }

  /* ------------------------------------------------------------------------------------------------- the graph */

  /* Arcs sorted by the vertex that they leave; `sides` says which side of a piece each is, -1: none. */
  function packed({ tails, heads, ticks, sides, size }, vertices) {
    const first = new Int32Array(vertices + 1);
    for (let k = 0; k < size; k += 1) first[tails[k] + 1] += 1;
    for (let v = 0; v < vertices; v += 1) first[v + 1] += first[v];
    const at = first.slice();
    const take = () => new Int32Array(size);
    const arcs = { first, tails: take(), heads: take(), ticks: take(), sides: take() };
    for (let k = 0; k < size; k += 1) {
      const place = at[tails[k]];
      at[tails[k]] += 1;
      arcs.tails[place] = tails[k];
      arcs.heads[place] = heads[k];
      arcs.ticks[place] = ticks[k];
      arcs.sides[place] = sides[k];
    }
    return arcs;
  }

  /* The streets as one walker can use them: of every side where it begins and ends, its ticks, and whether it is open.
     `shut` says which sides are closed; `added` are new links, each with its vertices and its ticks both ways. */
  class Graph {
    constructor(net, walker, shut, added) {
      this.net = net;
      this.added = added;
      const more = (values, own) => (added.length ? Int32Array.from([...values, ...added.flatMap(own)]) : values);
      this.from = more(net.pieces.from, (one) => [one.tail, one.head]);
      this.to = more(net.pieces.to, (one) => [one.head, one.tail]);
      this.ticks = more(walker.ticks, (one) => one.ticks); // points beside a closed link still walk to its ends
      this.open = Uint8Array.from(this.ticks, (ticks, side) => (ticks < NEVER && !shut[side] ? 1 : 0));
      this.vertices = added.reduce((most, one) => Math.max(most, one.tail + 1, one.head + 1), net.copies.vertices);
      const { yard, start, end } = net.copies;
      const most = 2 * this.open.length + 2 * yard.length;
      const [tails, heads, ticks, sides] = [0, 1, 2, 3].map(() => new Int32Array(most));
      let size = 0;
      const put = (tail, head, time, side) => {
        tails[size] = tail;
        heads[size] = head;
        ticks[size] = time;
        sides[size] = side;
        size += 1;
      };
      for (let side = 0; side < this.open.length; side += 1) this.arcsOf(side, put);
      for (const node of yard) {
        put(start[node], node, 0, -1);
        put(node, end[node], 0, -1);
      }
      this.onward = packed({ tails, heads, ticks, sides, size }, this.vertices);
      this.reversed = packed({ tails: heads, heads: tails, ticks, sides, size }, this.vertices);
    }

    /* The arcs that a side makes: one, or on private ground one for starts and one for ends. */
    arcsOf(side, put) {
      if (!this.open[side]) return;
      const [from, to, ticks] = [this.from[side], this.to[side], this.ticks[side]];
      if (!this.net.pieces.hidden[side]) {
        put(from, to, ticks, side);
        return;
      }
      const { start, end } = this.net.copies;
      put(start[from], start[to], ticks, side);
      put(end[from], end[to], ticks, side);
    }

    /* Where the data end, as seeds: walks that leave there, or come in from there (`back`). */
    edge(back) {
      const { pieces, copies } = this.net;
      const found = new Set();
      pieces.edge.forEach((edge, side) => {
        if (!edge || (!back && !this.open[side])) return;
        found.add(this.to[side]).add((back ? copies.start : copies.end)[this.to[side]]);
      });
      return [...found].flatMap((vertex) => [vertex, 0]);
    }
  }

  /* ---------------------------------------------------------------------------------------------------- places */

  /* How far along a side a spot stands, in ticks; `whole` are the ticks of that side. The share is rounded once, so that
     the stretches on either side of a spot always add up to the whole. */
  const share = (spot, side) => ((side & 1) === ALONG ? spot.share : 1 - spot.share);
  const walked = (spot, side, whole) => rint(share(spot, side) * whole);

  /* Where walks from a spot come out, or walks to it come from (`entering`): vertex, ticks and side of each door. */
  function doors(graph, spot, entering) {
    const { start, end } = graph.net.copies;
    const found = [];
    for (const side of [2 * spot.piece, 2 * spot.piece + 1]) {
      const whole = graph.ticks[side];
      if (whole === NEVER) continue;
      const far = walked(spot, side, whole);
      const [node, copies, ticks] = entering ? [graph.from[side], end, far] : [graph.to[side], start, whole - far];
      found.push({ vertex: graph.net.pieces.hidden[side] ? copies[node] : node, ticks: ticks + spot.off, side });
    }
    return found;
  }

  /* The doors of some spots as seeds: vertex and ticks in turn. */
  function seeds(graph, spots, entering) {
    return spots.flatMap((spot) => doors(graph, spot, entering).flatMap(({ vertex, ticks }) => [vertex, ticks]));
  }

  /* Ticks from one spot straight to another on the same piece. */
  function straight(graph, from, to) {
    let least = NEVER;
    for (const side of [2 * from.piece, 2 * from.piece + 1]) {
      const whole = graph.ticks[side];
      if (whole === NEVER || share(to, side) < share(from, side)) continue;
      least = Math.min(least, walked(to, side, whole) - walked(from, side, whole) + from.off + to.off);
    }
    return least;
  }

  /* Many points on the streets: the spots of each, and all the doors of all of them. A point is a row of the table. */
  class Places {
    constructor(graph, spots, rows) {
      this.rows = rows;
      this.spots = spots;
      this.doors = [false, true].map((entering) => this.allDoors(graph, entering));
      this.onPiece = new Map();
      for (const spot of this.spots) {
        if (!this.onPiece.has(spot.piece)) this.onPiece.set(spot.piece, []);
        this.onPiece.get(spot.piece).push(spot);
      }
    }

    allDoors(graph, entering) {
      const found = this.spots.flatMap((spot) => doors(graph, spot, entering).map(({ vertex, ticks }) => [spot.row, vertex, ticks]));
      const [row, vertex, ticks] = [0, 1, 2].map((column) => Int32Array.from(found, (door) => door[column]));
      return { row, vertex, ticks };
    }

    /* The same and some more. */
    with(graph, spots, rows) {
      return new Places(graph, [...this.spots, ...spots], rows);
    }

    /* Ticks to every row, or back from there, from the ticks to every vertex. */
    at(labels, back) {
      const found = new Int32Array(this.rows).fill(NEVER);
      const { row, vertex, ticks } = this.doors[back ? 0 : 1];
      for (let k = 0; k < row.length; k += 1) {
        const at = labels[vertex[k]] + ticks[k];
        if (at < found[row[k]]) found[row[k]] = at;
      }
      return found;
    }

    /* Ticks from some spots to every row, or back from there; NEVER beyond the limit. */
    from(graph, spots, limit, back = false) {
      const arcs = back ? graph.reversed : graph.onward;
      const found = reaching(arcs, seeds(graph, spots, back), limit, (labels) => this.at(labels, back));
      for (const spot of spots) {
        for (const other of this.onPiece.get(spot.piece) || []) {
          const at = back ? straight(graph, other, spot) : straight(graph, spot, other);
          if (at < found[other.row]) found[other.row] = at;
        }
      }
      return found.map((at) => (at <= limit ? at : NEVER));
    }
  }

  /* The value of a trip from its two legs. */
  function trip(kind, out, back) {
    if (kind === "out") return out;
    if (kind === "back") return back;
    if (out === NEVER || back === NEVER) return NEVER;
    return kind === "slower" ? Math.max(out, back) : out + back;
  }

  return { Graph, Places, settle, reaching, doors, seeds, straight, trip };
})();
