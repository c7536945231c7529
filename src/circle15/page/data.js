/* What the page carries, unpacked: plain values, arrays of whole numbers, shapes in map pixels at zoom 0. */
"use strict";

var circle15 = {};

circle15.data = (() => {
  const STEPS_PER_DEGREE = 100000;

  function bytesOf(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
    return bytes;
  }

  async function unpacked(element) {
    const packed = new Blob([bytesOf(element.textContent)]).stream();
    return new Uint8Array(await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  }

  /* Named arrays, in the order of the element's directory: seven bits a byte, sign in the lowest bit. */
  async function numbers(id) {
    const element = document.getElementById(`circle15-${id}`);
    const bytes = await unpacked(element);
    const arrays = {};
    let at = 0;
    for (const entry of element.dataset.arrays.split(" ")) {
      const [name, length] = entry.split(":");
      const values = new Int32Array(Number(length));
      for (let i = 0; i < values.length; i += 1) {
        let folded = 0;
        let shift = 0;
        let byte = 0;
        do {
          byte = bytes[at];
          at += 1;
          folded |= (byte & 127) << shift;
          shift += 7;
        } while (byte > 127);
        values[i] = (folded >>> 1) ^ -(folded & 1);
      }
      arrays[name] = values;
    }
    return arrays;
  }

  async function values(id) {
    return JSON.parse(new TextDecoder().decode(await unpacked(document.getElementById(`circle15-${id}`))));
  }

  /* Web Mercator at zoom 0: a world of 256 pixels, as Leaflet's own projection has it. */
  function projection(corner) {
    const x = (steps) => 256 * ((corner[0] + steps / STEPS_PER_DEGREE + 180) / 360);
    const y = (steps) => {
      const sine = Math.sin(((corner[1] + steps / STEPS_PER_DEGREE) * Math.PI) / 180);
      return 128 - (128 / (2 * Math.PI)) * Math.log((1 + sine) / (1 - sine)) ;
    };
    const latLng = (at) => [corner[1] + at[1] / STEPS_PER_DEGREE, corner[0] + at[0] / STEPS_PER_DEGREE];
    return { x, y, latLng };
  }

  /* Shapes: `first[i] .. first[i + 1]` are the rings of shape i, `start[r] .. start[r + 1]` the points of ring r. */
  function shapes(arrays, name, project) {
    const rings = arrays[`${name}.rings`];
    const sizes = arrays[`${name}.sizes`];
    const steps = arrays[`${name}.xy`];
    const first = sums(rings);
    const start = sums(sizes);
    const count = steps.length / 2;
    const xs = new Float64Array(count);
    const ys = new Float64Array(count);
    const box = new Float64Array(4 * rings.length).fill(Infinity);
    let x = 0;
    let y = 0;
    for (let i = 0; i < count; i += 1) {
      x += steps[2 * i];
      y += steps[2 * i + 1];
      xs[i] = project.x(x);
      ys[i] = project.y(y);
    }
    for (let i = 0; i < rings.length; i += 1) boxOf(box, i, xs, ys, start[first[i]], start[first[i + 1]]);
    return { count: rings.length, first, start, xs, ys, box };
  }

  function boxOf(box, i, xs, ys, from, to) {
    let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let k = from; k < to; k += 1) {
      if (xs[k] < west) west = xs[k];
      if (xs[k] > east) east = xs[k];
      if (ys[k] < north) north = ys[k];
      if (ys[k] > south) south = ys[k];
    }
    box.set([west, north, east, south], 4 * i);
  }

  function sums(counts) {
    const total = new Int32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i += 1) total[i + 1] = total[i] + counts[i];
    return total;
  }

  function points(steps, project) {
    const count = steps.length / 2;
    const found = { count, xs: new Float64Array(count), ys: new Float64Array(count) };
    const places = new Int32Array(steps.length);
    found.steps = (i) => [places[2 * i], places[2 * i + 1]];
    let x = 0;
    let y = 0;
    for (let i = 0; i < count; i += 1) {
      x += steps[2 * i];
      y += steps[2 * i + 1];
      places[2 * i] = x;
      places[2 * i + 1] = y;
      found.xs[i] = project.x(x);
      found.ys[i] = project.y(y);
    }
    return found;
  }

  /* Whether a point lies in shape i, by the even-odd rule. */
  function inside(shape, i, x, y) {
    const [west, north, east, south] = shape.box.subarray(4 * i, 4 * i + 4);
    if (x < west || x > east || y < north || y > south) return false;
    let odd = false;
    for (let r = shape.first[i]; r < shape.first[i + 1]; r += 1) {
      const [from, to] = [shape.start[r], shape.start[r + 1]];
      for (let k = from, j = to - 1; k < to; j = k, k += 1) {
        const [yk, yj] = [shape.ys[k], shape.ys[j]];
        if (yk > y !== yj > y && x < ((shape.xs[j] - shape.xs[k]) * (y - yk)) / (yj - yk) + shape.xs[k]) odd = !odd;
      }
    }
    return odd;
  }

  /* The isochrones of one cluster are decoded when it is asked for; differences start at the cluster. */
  function isochrones(arrays, clusters, project) {
    const first = sums(arrays["isochrones.rings"]);
    const start = sums(arrays["isochrones.sizes"]);
    const steps = arrays["isochrones.xy"];
    const rows = new Map();
    arrays["isochrones.origin"].forEach((origin, row) => {
      if (!rows.has(origin)) rows.set(origin, []);
      rows.get(origin).push(row);
    });

    function outline(row, origin) {
      let [x, y] = clusters.steps(origin);
      const rings = [];
      for (let r = first[row]; r < first[row + 1]; r += 1) {
        const ring = [];
        for (let k = start[r]; k < start[r + 1]; k += 1) {
          x += steps[2 * k];
          y += steps[2 * k + 1];
          ring.push([project.x(x), project.y(y)]);
        }
        rings.push(ring);
      }
      return {
        minutes: arrays["isochrones.minutes"][row] / 10,
        streetM: arrays["isochrones.street"][row],
        rings,
      };
    }

    return (origin) => (rows.get(origin) || []).map((row) => outline(row, origin));
  }

  return { numbers, values, projection, shapes, points, inside, isochrones, sums };
})();
