/* Links that are not there yet: how they are joined to the streets, how high they climb, how long each walker takes. */
"use strict";

circle15.links = (() => {
  const { NEVER, rint, shares } = circle15.network;
  const TICKS = 10; // a second
  const DOT_M = 1e-6; // shorter than this has no slope
  const hypot = (x, y) => Math.sqrt(x * x + y * y);
  const clip = (value, least, most) => Math.min(most, Math.max(least, value));

  /* --------------------------------------------------------------------------------------------- slope laws */

  const degrees = (slope) => (Math.atan(slope) * 180) / Math.PI;
  const tangent = (angle) => Math.tan((angle * Math.PI) / 180);
  const lorentz = (a, b, c, d, e) => (s) => {
    const t = degrees(s);
    return c / (Math.PI * b * (1 + ((t - a) / b) ** 2)) + d + e * t;
  };
  const langmuir = (s) => {
    const descent = s <= tangent(-12) ? -2 : s <= tangent(-5) ? 2 : 0;
    return 0.72 + (s > 0 ? 6 * s : descent * s);
  };

  /* Metres a second over the ground at a slope, as published; sources are with the same table of the Python engine. */
  const LAWS = {
    tobler: (s) => (6 * Math.exp(-3.5 * Math.abs(s + 0.05))) / 3.6,
    marquez_perez: (s) => (4.8 * Math.exp(-5.3 * Math.abs(0.7 * s + 0.03))) / 3.6,
    irmischer_clarke: (s) => 0.11 + Math.exp(-((100 * s + 5) ** 2) / 1800),
    irmischer_clarke_off_path: (s) => 0.11 + 0.67 * Math.exp(-((100 * s + 2) ** 2) / 1800),
    davey: (s) => 1.4 * Math.exp(-2.8 * Math.abs(Math.atan(s))),
    rees: (s) => 1 / (0.75 + 0.09 * Math.abs(s) + 14.6 * s ** 2),
    naismith: (s) => 1 / (0.72 + 6 * Math.max(s, 0)),
    langmuir: (s) => 1 / langmuir(s),
    campbell_2017: (s) => 1.662 - 5.191e-3 * degrees(s) - 1.127e-3 * degrees(s) ** 2,
    campbell_2019_p5: lorentz(-1.527, 14.041, 36.813, 0.32, -0.00273),
    campbell_2019_p25: lorentz(-1.822, 8.827, 37.111, 0.616, -0.00402),
    campbell_2019_p50: lorentz(-2.171, 10.064, 63.66, 0.628, -0.00463),
    campbell_2019_p75: lorentz(-3.067, 13.888, 113.655, 0.518, -0.00488),
  };

  /* What a slope makes of a walker's flat speed. */
  function slopeFactor(law, slope, rules) {
    if (law === "none") return 1;
    const most = law.startsWith("campbell") ? rules.steepest_campbell : rules.steepest;
    return Math.min(LAWS[law](clip(slope, -most, most)) / LAWS[law](0), rules.fastest);
  }

  /* -------------------------------------------------------------------------------------------------- seconds */

  /* Ground without steps, between each vertex and the next. */
  function onFoot(link, walker, rules) {
    if (walker.slope_law === "none") return link.metres / walker.flat_m_s;
    let seconds = 0;
    for (const [run, rise] of link.steps) {
      const slope = run > DOT_M ? rise / run : 0;
      seconds += run * (1 / (walker.flat_m_s * slopeFactor(walker.slope_law, slope, rules)));
    }
    return seconds;
  }

  /* The climb at a vertical speed, never quicker than the run on the flat. */
  function onStairs(link, walker) {
    const flight = link.stepCount ?? Math.abs(link.rise) / walker.step_height_m;
    const upward = flight > walker.long_flight_steps ? walker.stairs_up_long_m_s : walker.stairs_up_m_s;
    const speed = link.rise >= 0 ? upward : walker.stairs_down_m_s;
    return Math.max(Math.abs(link.rise) / speed, link.metres / walker.flat_m_s);
  }

  const RULES = {
    path: onFoot,
    bridge: onFoot,
    stairs: onStairs,
    escalator: (link, walker) => hypot(link.metres, link.rise) / walker.escalator_m_s,
    lift: (link, walker) => hypot(link.metres, link.rise) / walker.lift_m_s + walker.lift_doors_s + walker.lift_wait_s,
    crossing: (link, walker) => link.metres / walker.flat_m_s, // not marked: without a wait
  };

  /* Whole ticks of one direction of a link; NEVER where the walker may not use it. A link has `kind`, `metres`, `rise`,
     `stepCount` (null: not counted) and `steps`: run and rise from vertex to vertex. */
  function ticksOf(link, walker, rules) {
    if (walker.level) return clip(rint((link.metres / walker.flat_m_s) * TICKS), 1, NEVER - 1);
    if (walker.forbidden.includes(link.kind)) return NEVER;
    return clip(rint(RULES[link.kind](link, walker, rules) * TICKS), 1, NEVER - 1);
  }

  /* The same link in the other direction. */
  function turned(link) {
    return { ...link, rise: 0 - link.rise, steps: link.steps.map(([run, rise]) => [run, -rise]).reverse() };
  }

  /* -------------------------------------------------------------------------------------------------- joining */

  /* The nodes that new links may be joined to, and those that earlier new links have made. */
  class Joints {
    constructor(net) {
      const { nodes, copies } = net;
      this.net = net;
      this.fresh = copies.vertices; // the vertex of the next new node
      this.list = [...nodes.joint.keys()]
        .filter((i) => nodes.joint[i] > 0)
        .map((i) => ({ vertex: i, order: i, x: nodes.x[i], y: nodes.y[i], z: nodes.height[i] }));
    }

    copy() {
      const other = Object.create(Joints.prototype);
      return Object.assign(other, this, { list: this.list.map((one) => ({ ...one })) });
    }

    /* The nearest joints to a point within reach, nearest first. */
    near([x, y]) {
      const { join_m: reach, tried } = this.net.facts.rules;
      const found = [];
      for (const joint of this.list) {
        const away = hypot(joint.x - x, joint.y - y);
        if (away <= reach) found.push({ joint, away });
      }
      return found.sort((a, b) => a.away - b.away || a.joint.order - b.joint.order).slice(0, tried);
    }

    /* How far the nearest of all is. */
    distance([x, y]) {
      return this.list.reduce((least, one) => Math.min(least, hypot(one.x - x, one.y - y)), Infinity);
    }

    /* The two that a line joins: the nearest ones; a metre of wrong height counts as a metre of distance. */
    pair(points, rise) {
      const ends = [points[0], points[points.length - 1]];
      const near = ends.map((point) => this.near(point));
      const far = near.findIndex((some) => !some.length);
      if (far >= 0) return { problem: "far", end: far, metres: this.distance(ends[far]) };
      let [best, least] = [null, Infinity];
      for (const a of near[0]) {
        for (const b of near[1]) {
          if (a.joint === b.joint) continue;
          const wrong = rise === null ? 0 : Math.abs(b.joint.z - a.joint.z - rise) || 0;
          if (best && a.away + b.away + wrong >= least) continue;
          [best, least] = [[a, b], a.away + b.away + wrong];
        }
      }
      return best ? { pair: best } : { problem: "same" };
    }

    /* A new node, or a lower height at one that is known; machines have no ground to begin from. */
    meet(vertex, [x, y], z) {
      const known = this.list.find((one) => one.vertex === vertex);
      const height = Math.round(z * 1000) / 1000;
      if (!known) this.list.push({ vertex, order: -vertex, x, y, z: height });
      else if (!(known.z <= height)) known.z = Number.isNaN(height) ? known.z : height;
    }
  }

  /* The rise of a new link from its first to its last point. */
  function riseOf(one, climb, run, rules) {
    const sign = climb < 0 ? -1 : 1;
    if (one.rise_m !== null) return one.rise_m;
    if (one.steps !== null) return sign * one.steps * rules.step_height_m;
    const known = Number.isFinite(climb);
    if (one.kind in rules.inclined) {
      const [least, most] = rules.inclined[one.kind];
      return sign * (known ? clip(Math.abs(climb), least * run, most * run) : rules.inclined_default * run);
    }
    if (one.kind === "lift") return known ? sign * Math.max(Math.abs(climb), rules.lift_least_m) : rules.lift_default_m;
    return known ? climb : 0;
  }

  /* One addition as links between vertices: its own, then the level paths that join it. Adds to the joints; says what is
     wrong (`problem`) where a line lies too far from the streets, or both its ends reach the same node. */
  function joined(net, one, joints) {
    const { rules } = net.facts;
    const points = one.line.map(([lon, lat]) => net.forward(lon, lat));
    const found = joints.pair(points, one.rise_m);
    if (found.problem) return found;
    const [a, b] = found.pair;
    const z = [a.joint.z, b.joint.z];
    const touch = [a.away <= rules.touch_m, b.away <= rules.touch_m];
    const lonlat = one.line.map((point) => [...point]);
    const last = points.length - 1;
    [[a, 0], [b, last]].forEach(([end, at], side) => {
      if (!touch[side]) return;
      points[at] = [end.joint.x, end.joint.y];
      lonlat[at] = net.back(end.joint.x, end.joint.y);
    });
    const vertices = [a, b].map((end, side) => (touch[side] ? end.joint.vertex : joints.fresh + side));
    if (!touch[0] || !touch[1]) joints.fresh += 2;
    const run = lengths(points);
    const whole = run[last];
    const rise = riseOf(one, z[1] - z[0], whole, rules);
    const heights = points.map((_, k) => z[0] + (whole > 0 ? run[k] / whole : k / last) * rise);
    const own = linkOf(points, heights, { kind: one.kind, rise, stepCount: one.steps });
    const links = [{ tail: vertices[0], head: vertices[1], own, both: !one.one_way, lonlat }];
    if (!rules.no_ground.includes(one.kind)) [0, last].forEach((at, side) => joints.meet(vertices[side], points[at], heights[at]));
    [a, b].forEach((end, side) => {
      if (touch[side]) return;
      const path = [[end.joint.x, end.joint.y], points[side ? last : 0]];
      const way = linkOf(path, [z[side], z[side]], { kind: "path", rise: 0, stepCount: null });
      const drawn = [net.back(end.joint.x, end.joint.y), lonlat[side ? last : 0]];
      links.push({ tail: end.joint.vertex, head: vertices[side], own: way, both: true, lonlat: drawn });
      joints.meet(vertices[side], path[1], z[side]);
      joints.meet(end.joint.vertex, path[0], z[side]);
    });
    return { links, rise };
  }

  /* The length of a line up to each of its points. */
  function lengths(points) {
    let sum = 0;
    return points.map(([x, y], k) => (k ? (sum += hypot(x - points[k - 1][0], y - points[k - 1][1])) : 0));
  }

  function linkOf(points, heights, said) {
    const run = lengths(points);
    const metres = run[run.length - 1];
    const grade = metres > DOT_M ? said.rise / metres : 0;
    const profiled = heights.every(Number.isFinite) && metres > DOT_M;
    const steps = points.slice(1).map((_, k) => {
      const along = hypot(points[k + 1][0] - points[k][0], points[k + 1][1] - points[k][1]);
      return [along, profiled ? heights[k + 1] - heights[k] : grade * along];
    });
    return { ...said, metres, steps };
  }

  /* A link between vertices as one walker takes it: what the graph needs, and its line. */
  function timed(net, walker, link) {
    const { rules } = net.facts;
    const ticks = [ticksOf(link.own, walker, rules), link.both ? ticksOf(turned(link.own), walker, rules) : NEVER];
    const { lonlat } = link;
    const line = { first: [0, lonlat.length], count: 1, lon: lonlat.map(([lon]) => lon), lat: lonlat.map(([, lat]) => lat) };
    [line.x, line.y] = [0, 1].map((axis) => lonlat.map(([lon, lat]) => net.forward(lon, lat)[axis]));
    shares(line);
    return { tail: link.tail, head: link.head, kind: link.own.kind, metres: link.own.metres, ticks, line };
  }

  return { Joints, joined, timed, ticksOf, slopeFactor, LAWS };
})();
