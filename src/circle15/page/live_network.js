/* The walking network that the page carries, unpacked: nodes, pieces of street, ticks by walker, where points stand. */
"use strict";

circle15.network = (() => {
  const { data } = circle15;
  const NEVER = 2 ** 31 - 1; // ticks of what is not reached, and of a link that nobody may use
  const STEPS = 10000000; // of a degree
  const ALONG = 0; // side 2 p of piece p runs along its geometry, side 2 p + 1 against it
  const DOORS = 64; // after two bits each for private, closed, at the edge of the data

  /* To the nearest whole number, halves to the even one, as the Python engine rounds. */
  function rint(x) {
    const up = Math.round(x);
    return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
  }

  /* Numbers that were carried as two words. */
  function floats(arrays, name) {
    const [high, low] = [arrays[`${name}.high`], arrays[`${name}.low`]];
    const view = new DataView(new ArrayBuffer(8 * high.length));
    for (let i = 0; i < high.length; i += 1) {
      view.setInt32(8 * i, low[i], true);
      view.setInt32(8 * i + 4, high[i], true);
    }
    return Float64Array.from(high, (_, i) => view.getFloat64(8 * i, true));
  }

  /* Numbers that were carried as the difference to the one before. */
  function summed(steps) {
    let sum = 0;
    return Int32Array.from(steps, (step) => (sum += step));
  }

  /* ---------------------------------------------------------------------------------------------- projection */

  /* One way of a projection: products of Chebyshev polynomials in both coordinates. */
  function fitted({ low, high, x, y }) {
    const size = x.length;
    const [us, vs] = [new Float64Array(size), new Float64Array(size)];
    const powers = (into, at, axis) => {
      const scaled = (2 * (at - low[axis])) / (high[axis] - low[axis]) - 1;
      into[0] = 1;
      into[1] = scaled;
      for (let i = 2; i < size; i += 1) into[i] = 2 * scaled * into[i - 1] - into[i - 2];
    };
    return (first, second) => {
      powers(us, first, 0);
      powers(vs, second, 1);
      let [toX, toY] = [0, 0];
      for (let i = 0; i < size; i += 1) {
        let [partX, partY] = [0, 0];
        for (let j = 0; j < size; j += 1) {
          partX += x[i][j] * vs[j];
          partY += y[i][j] * vs[j];
        }
        toX += us[i] * partX;
        toY += us[i] * partY;
      }
      return [toX, toY];
    };
  }

  /* ------------------------------------------------------------------------------------------------ streets */

  function nodesOf(arrays, corner, forward) {
    const steps = arrays["nodes.xy"];
    const count = steps.length / 2;
    const nodes = { count, east: new Int32Array(count), north: new Int32Array(count), joint: arrays["nodes.joint"] };
    nodes.x = new Float64Array(count);
    nodes.y = new Float64Array(count);
    nodes.height = Float64Array.from(summed(arrays["nodes.height"]), (mm, i) => (nodes.joint[i] > 1 ? mm / 1000 : NaN));
    let [east, north] = [0, 0];
    for (let i = 0; i < count; i += 1) {
      east += steps[2 * i];
      north += steps[2 * i + 1];
      nodes.east[i] = east;
      nodes.north[i] = north;
      [nodes.x[i], nodes.y[i]] = forward((corner[0] + east) / STEPS, (corner[1] + north) / STEPS);
    }
    return nodes;
  }

  /* Pieces with their vertices: those of piece p are at first[p] to first[p + 1], each with its share of the length. */
  function piecesOf(arrays, nodes, corner, forward) {
    const count = arrays["pieces.tail"].length;
    const tail = summed(arrays["pieces.tail"]);
    const head = arrays["pieces.head"].map((step, p) => tail[p] + step);
    const first = data.sums(arrays["pieces.inner"].map((inner) => inner + 2));
    const size = first[count];
    const [lon, lat, x, y] = [0, 1, 2, 3].map(() => new Float64Array(size));
    const steps = arrays["pieces.xy"];
    let from = 0;
    for (let p = 0; p < count; p += 1) {
      let [east, north] = [nodes.east[tail[p]], nodes.north[tail[p]]];
      for (let v = first[p]; v < first[p + 1]; v += 1) {
        if (v === first[p + 1] - 1) [east, north] = [nodes.east[head[p]], nodes.north[head[p]]];
        else if (v > first[p]) {
          east += steps[from];
          north += steps[from + 1];
          from += 2;
        }
        lon[v] = (corner[0] + east) / STEPS;
        lat[v] = (corner[1] + north) / STEPS;
        [x[v], y[v]] = forward(lon[v], lat[v]);
      }
    }
    const pieces = { count, first, lon, lat, x, y, kind: arrays["pieces.kind"], osm: summed(arrays["pieces.osm"]) };
    Object.assign(pieces, sidesOf(arrays["pieces.flags"], tail, head));
    const metres = shares(pieces);
    pieces.metres = metres.map((drawn, p) => drawn + arrays["pieces.longer"][p] / 1000);
    return pieces;
  }

  /* What is said of sides: where each begins and ends, whether it is for starts and ends of walks only, shut, and leads
     to where the data end. Of pieces: whether they have room for a door. */
  function sidesOf(flags, tail, head) {
    const count = 2 * flags.length;
    const bit = (place) => Uint8Array.from({ length: count }, (_, side) => (flags[side >> 1] >> (2 * place + (side & 1))) & 1);
    const ends = (one, other) => Int32Array.from({ length: count }, (_, side) => ((side & 1) === ALONG ? one : other)[side >> 1]);
    const doors = flags.map((one) => one & DOORS);
    return { from: ends(tail, head), to: ends(head, tail), hidden: bit(0), shut: bit(1), edge: bit(2), doors };
  }

  /* The share of the length of its piece at which each vertex lies; returns the lengths. */
  function shares(pieces) {
    const { first, x, y, count } = pieces;
    const metres = new Float64Array(count);
    const share = new Float64Array(x.length);
    for (let p = 0; p < count; p += 1) {
      let sum = 0;
      for (let v = first[p] + 1; v < first[p + 1]; v += 1) {
        sum += Math.hypot(x[v] - x[v - 1], y[v] - y[v - 1]);
        share[v] = sum;
      }
      metres[p] = sum;
      for (let v = first[p] + 1; v < first[p + 1]; v += 1) share[v] = sum > 0 ? share[v] / sum : v - first[p];
    }
    pieces.share = share;
    return metres;
  }

  /* ------------------------------------------------------------------------------------- walkers and points */

  /* Where points stand for one walker: spots with their row, piece, share of its length and ticks off the road. */
  function spotsOf(arrays, name, who) {
    const [row, share] = [summed(arrays[`${name}.row`]), floats(arrays, `${name}.share`)];
    const [piece, ticks] = [arrays[`${name}.piece`], arrays[`${name}.ticks${who}`]];
    return [...row.keys()].filter((i) => ticks[i]).map((i) => ({ row: row[i], piece: piece[i], share: share[i], off: ticks[i] - 1 }));
  }

  function walkerOf(arrays, facts, who) {
    const [along, more] = [arrays[`ticks${who}.along`], arrays[`ticks${who}.against`]];
    const ticks = (side) => ((side & 1) === ALONG ? 0 : more[side >> 1]) + along[side >> 1] || NEVER;
    return {
      who,
      ...facts.walkers[who],
      ticks: Int32Array.from({ length: 2 * along.length }, (_, side) => ticks(side)),
      small: arrays[`small${who}`],
      homes: spotsOf(arrays, "origins", who),
      goals: spotsOf(arrays, "facilities", who),
    };
  }

  /* Everything that does not depend on what is edited; `study` and `map` are what the page carries besides. */
  function unpacked(study, map, { arrays, facts }) {
    const forward = fitted(facts.projection.forward);
    const nodes = nodesOf(arrays, facts.corner, forward);
    const pieces = piecesOf(arrays, nodes, facts.corner, forward);
    const walkers = new Map();
    const walker = (who) => {
      if (!walkers.has(who)) walkers.set(who, walkerOf(arrays, facts, who));
      return walkers.get(who);
    };
    const services = study.standard.categories.flatMap((category, c) => category.services.map((one) => ({ ...one, category: c })));
    const people = floats(arrays, "people");
    const { origins: homes, facilities: { length: goals } } = facts;
    const shape = (name) => data.shapes(arrays, name, { x: (steps) => steps, y: (steps) => steps });
    const inside = (area, lon, lat) => data.inside(area, 0, lon * STEPS - facts.corner[0], lat * STEPS - facts.corner[1]);
    const supply = facts.supply && { ...supplyOf(arrays, facts.supply, homes), own: shape("own") };
    return {
      study, map, facts, nodes, pieces, walker, services, people, supply, forward, back: fitted(facts.projection.back),
      extent: shape("extent"), inside, rows: { homes, goals }, copies: copiesOf(nodes, pieces), sizes: sizesOf(arrays, goals),
    };
  }

  /* How supply is judged; `crowd` of each service that has a norm: those whom it is for, cluster by cluster. */
  function supplyOf(arrays, ladder, homes) {
    const crowds = floats(arrays, "crowds");
    const known = (value) => value ?? NaN;
    return {
      ...ladder,
      crowd: ladder.crowd.map((place) => crowds.subarray(place * homes, (place + 1) * homes)),
      people_each: ladder.people_each.map(known),
      typical: ladder.typical.map(known),
    };
  }

  /* Facilities in facilities of the norm's size, NaN where it is not known; and which share out what they have. */
  function sizesOf(arrays, goals) {
    const [size, own] = [new Float64Array(goals).fill(NaN), new Uint8Array(goals)];
    if (!arrays["sizes.row"]) return { size, own };
    const known = floats(arrays, "sizes");
    summed(arrays["sizes.row"]).forEach((row, k) => {
      size[row] = known[k];
      own[row] = arrays["sizes.own"][k];
    });
    return { size, own };
  }

  /* Private ground is walked at the start and at the end of a walk only: its nodes have a copy for each. */
  function copiesOf(nodes, pieces) {
    const inYard = new Uint8Array(nodes.count);
    pieces.hidden.forEach((hidden, side) => {
      if (hidden) inYard[pieces.from[side]] = inYard[pieces.to[side]] = 1;
    });
    const yard = Int32Array.from([...inYard.keys()].filter((node) => inYard[node]));
    const start = Int32Array.from(inYard.keys());
    const end = start.slice();
    yard.forEach((node, k) => {
      start[node] = nodes.count + k;
      end[node] = nodes.count + yard.length + k;
    });
    return { yard, start, end, vertices: nodes.count + 2 * yard.length };
  }

  return { NEVER, STEPS, ALONG, rint, shares, unpacked };
})();
