/* The engine that travels inside the page: any place is asked, the city is edited, and the answers are those of the
   Python engine, tick for tick. Times are whole ticks of 0.1 s. `circle15.live.open` is the door. */
"use strict";

circle15.live = (() => {
  const { data } = circle15;
  const { NEVER, unpacked } = circle15.network;
  const { Graph, Places, settle, doors, seeds, straight, trip } = circle15.search;
  const { Coverage, card, asked, unitsOf, knownIn, GAP, UNKNOWN, SERVED } = circle15.coverage;
  const { Supply } = circle15.supply;
  const { place, reached, line } = circle15.shapes;
  const { Joints, joined, timed } = circle15.links;
  const { clean, toml, fragment, parsed } = circle15.scenario;
  const OPENABLE = ["lift", "escalator", "stairs", "bridge", "cable_car"];
  const KEPT = 100; // rows of new links that are remembered; the first is that of none

  /* What the page carries of the network, ready to be asked. `study` and `map` are what `data` makes of the blocks of
     these names. */
  async function open(study, map) {
    const [arrays, facts] = await Promise.all([data.numbers("network"), data.values("walking")]);
    return new Live(unpacked(study, map, { arrays, facts }));
  }

  class Live {
    constructor(net) {
      this.net = net;
      net.asked = asked(net);
      net.holders = unitsOf(net);
      net.knownIn = knownIn(net);
      net.known = (cluster, s) => net.knownIn(net.map["origins.unit"][cluster], s);
      this.walkers = net.facts.walkers.map(({ name, label }) => ({ key: name, ...label }));
      this.walks = new Map();
      this.grown = new Map([["[]", { links: [], joints: new Joints(net), problem: null }]]);
      this.rowsOf = rowsOf(net.facts);
    }

    /* The city as one walker meets it; each has edits of its own. */
    walk(who) {
      if (!this.walks.has(who)) this.walks.set(who, new Walk(this, who));
      return this.walks.get(who);
    }

    /* Elements that a meeting may want to close: each with its id, the kinds of its pieces, and these. */
    get elements() {
      const { pieces, facts } = this.net;
      const found = new Map();
      for (let p = 0; p < pieces.count; p += 1) {
        const id = facts.osm[pieces.osm[p]];
        if (!found.has(id)) found.set(id, { id, kinds: new Set(), pieces: [] });
        found.get(id).kinds.add(facts.kinds[pieces.kind[p]]);
        found.get(id).pieces.push(p);
      }
      return [...found.values()].filter((one) => OPENABLE.some((kind) => one.kinds.has(kind)));
    }

    /* Whether a point, in degrees, lies in the study area or its margin. */
    isWithin(lon, lat) {
      return this.net.inside(this.net.extent, lon, lat);
    }

    /* What is wrong with edits, each with the place of the edit among them; empty where they can be made. */
    problems(edits) {
      const { osm } = this.net.facts;
      const known = new Set(osm);
      const services = new Set(this.net.services.map((one) => one.key));
      const found = [];
      const done = new Set();
      clean(edits).forEach((edit, at) => {
        const put = edit.facility && edit.facility.do !== "close";
        if (edit.close !== undefined && !known.has(edit.close)) found.push({ edit: at, problem: "unknown", id: edit.close });
        if (put && !this.isWithin(edit.facility.lon, edit.facility.lat)) found.push({ edit: at, problem: "outside" });
        if (edit.facility?.do === "add") {
          for (const key of edit.facility.services) if (!services.has(key)) found.push({ edit: at, problem: "unknown", id: key });
        } else if (edit.facility && !this.rowsOf.has(edit.facility.id)) {
          found.push({ edit: at, problem: "unknown", id: edit.facility.id });
        } else if (edit.facility) {
          const rows = this.rowsOf.get(edit.facility.id);
          if (rows.some((row) => done.has(row))) found.push({ edit: at, problem: "twice", id: edit.facility.id });
          for (const row of rows) done.add(row);
        }
      });
      const adds = edits.flatMap((edit, at) => (edit.add ? [at] : []));
      const { problem, index } = this.links(clean(adds.map((at) => edits[at])).map((edit) => edit.add));
      return problem ? [...found, { edit: adds[index], ...problem }] : found;
    }

    /* New links, one addition after the other: a later one may join what an earlier one made. */
    links(adds) {
      const key = JSON.stringify(adds);
      if (!this.grown.has(key)) {
        const made = this.grow(this.links(adds.slice(0, -1)), adds);
        if (this.grown.size > KEPT) [...this.grown.keys()].slice(1).forEach((old) => this.grown.delete(old));
        this.grown.set(key, made);
      }
      return this.grown.get(key);
    }

    grow(before, adds) {
      if (before.problem) return before;
      const joints = before.joints.copy();
      const { links, problem, end, metres } = joined(this.net, adds[adds.length - 1], joints);
      if (problem) return { ...before, problem: { problem, end, metres }, index: adds.length - 1 };
      return { links: [...before.links, ...links], joints, problem: null };
    }
  }

  /* The rows that an id means: a facility's own, or all of a place. */
  function rowsOf({ facilities, places }) {
    const found = new Map();
    places.forEach((id, row) => found.set(id, [...(found.get(id) || []), row]));
    facilities.forEach((id, row) => found.set(id, [row]));
    return found;
  }

  /* ------------------------------------------------------------------------------------------------- facilities */

  /* The facilities: where they stand (`places`), the service of each row (-1: closed), its size and whether it lies in
     the study area (see `network.sizesOf`), and what it is made from: a row of the page's facilities, an edit, or both. */
  class Goals {
    constructor({ places, service, size, own, origin, touched }) {
      Object.assign(this, { places, service, size, own, origin });
      this.touched = touched; // services that edits are about
      this.ofRow = new Map();
      for (const spot of places.spots) this.ofRow.set(spot.row, [...(this.ofRow.get(spot.row) || []), spot]);
    }

    spots(row) {
      return this.ofRow.get(row) || [];
    }

    /* The same under some edits. */
    under(edits, { net, graph, walker, rowsOf: known }) {
      const services = new Map(net.services.map((one, s) => [one.key, s]));
      const [service, size, own, origin] = [this.service, this.size, this.own, this.origin].map((values) => Array.from(values));
      const [spots, touched] = [[], new Set()];
      const put = (s, edit, row, its) => {
        const spot = place(net, walker, net.forward(edit.lon, edit.lat));
        if (spot) spots.push({ ...spot, row: service.length });
        service.push(s);
        size.push(its);
        own.push(net.supply && net.inside(net.supply.own, edit.lon, edit.lat) ? 1 : 0);
        origin.push({ row, edit });
        touched.add(s);
      };
      for (const edit of edits) {
        for (const row of edit.do === "add" ? [] : known.get(edit.id)) {
          touched.add(service[row]);
          if (edit.do === "move") put(service[row], edit, row, size[row]);
          service[row] = -1;
        }
        for (const key of edit.do === "add" ? new Set(edit.services) : []) {
          put(services.get(key), edit, null, sizeOf(net, services.get(key), edit));
        }
      }
      return new Goals({ places: this.places.with(graph, spots, service.length), service, size, own, origin, touched });
    }
  }

  /* The size of a new place, in facilities of the norm's size. */
  function sizeOf(net, s, edit) {
    const k = net.supply ? net.supply.services.indexOf(s) : -1;
    const column = k < 0 ? "" : net.supply.column[k];
    return column ? (edit[column] ?? NaN) / net.supply.typical[k] : NaN;
  }

  /* ------------------------------------------------------------------------------------------------------ a walk */

  class Walk {
    constructor(live, who) {
      this.live = live;
      this.net = live.net;
      this.walker = live.net.walker(who);
      const { shut } = this.net.pieces;
      this.linkTimes = new WeakMap();
      const graph = new Graph(this.net, this.walker, shut, []);
      this.homes = new Places(graph, this.walker.homes, this.net.rows.homes);
      const places = new Places(graph, this.walker.goals, this.net.rows.goals);
      const { service } = this.net.study.facilities;
      const goals = new Goals({ places, service, ...this.net.sizes, origin: service.map((_, row) => ({ row })), touched: new Set() });
      this.base = { graph, goals, streets: "", facilities: "[]" };
      this.now = this.base;
      this.edits = [];
    }

    /* Make the city so: these edits and no others. Says what is wrong with them; then nothing has changed. */
    set(edits) {
      const problems = this.live.problems(edits);
      if (problems.length) return problems;
      const wanted = clean(edits);
      const closed = new Set(wanted.flatMap((edit) => (edit.close === undefined ? [] : [edit.close])));
      const adds = wanted.flatMap((edit) => edit.add || []);
      const facilities = wanted.flatMap((edit) => edit.facility || []);
      const streets = closed.size || adds.length ? JSON.stringify([[...closed].sort(), adds]) : "";
      const graph = [this.now, this.base].find((one) => one.streets === streets)?.graph ?? this.graph(closed, adds);
      const said = JSON.stringify(facilities);
      const goals = [this.now, this.base].find((one) => one.facilities === said)?.goals ?? this.goals(facilities);
      this.now = { graph, goals, streets, facilities: said };
      this.edits = wanted;
      return [];
    }

    graph(closed, adds) {
      const { pieces, facts } = this.net;
      const shut = pieces.shut.slice();
      const isClosed = facts.osm.map((id) => closed.has(id));
      for (let side = 0; side < shut.length; side += 1) if (isClosed[pieces.osm[side >> 1]]) shut[side] = 1;
      const links = this.live.links(adds).links.map((link) => {
        if (!this.linkTimes.has(link)) this.linkTimes.set(link, timed(this.net, this.walker, link));
        return this.linkTimes.get(link);
      });
      return new Graph(this.net, this.walker, shut, links);
    }

    goals(edits) {
      return this.base.goals.under(edits, { net: this.net, graph: this.base.graph, walker: this.walker, rowsOf: this.live.rowsOf });
    }

    /* ------------------------------------------------------------------------------------------------- one place */

    /* Where a point in degrees comes to stand on the streets; none where no street is near enough. A place to set out
       from is a list of such spots: here of one at most, as `home` and `goal` have it. */
    place(lon, lat) {
      const spot = place(this.net, this.walker, this.net.forward(lon, lat));
      return spot ? [spot] : [];
    }

    home(cluster) {
      return this.homes.spots.filter((spot) => spot.row === cluster);
    }

    goal(row) {
      return this.now.goals.spots(row);
    }

    /* Ticks to every facility and back from it, NEVER beyond the limit: `out`, `back`; rows as in `facilities`. */
    times(spots, limit = this.net.facts.limit) {
      const [out, back] = [false, true].map((way) => this.now.goals.places.from(this.now.graph, spots, limit, way));
      return { out, back };
    }

    /* Per service: the nearest facility by the trip of the study, its ticks by that trip, out and back, and how many
       there are within the cut-off; null where none is found. */
    nearest(spots) {
      const { out, back } = this.times(spots);
      const { limit, trip: kind } = this.net.facts;
      const found = this.net.services.map(() => ({ row: -1, ticks: NEVER, count: 0 }));
      this.now.goals.service.forEach((s, row) => {
        if (s < 0) return;
        const ticks = trip(kind, out[row], back[row]);
        if (ticks > limit) return;
        if (ticks <= this.net.services[s].minutes * 600) found[s].count += 1;
        if (ticks < found[s].ticks) Object.assign(found[s], { row, ticks, out: out[row], back: back[row] });
      });
      return found.map((one) => (one.row < 0 ? null : one));
    }

    /* What is said of each service at a place: `state` and `why`, as of the clusters in `coverage`. `nearest` is what is
       found from there, `unit` the place in the study of the smallest unit that holds it, -1: none does. */
    judged(spots, { nearest, unit }) {
      return this.coverage.judged(this.now.graph, spots, { nearest: nearest.map((one) => one?.ticks ?? NEVER), unit });
    }

    /* A shortest way from one place to another: `stretches` of pieces one after the other, each from a share of the
       length to another, with its ticks; `off`, the ticks off the road at both ends; `ticks`, all together. Null where
       there is none within the limit. */
    route(from, to, limit = this.net.facts.limit) {
      const { graph } = this.now;
      const search = { labels: new Int32Array(graph.vertices).fill(NEVER), via: new Int32Array(graph.vertices) };
      settle(graph.onward, seeds(graph, from, false), limit, search.labels, search.via);
      let best = { ticks: NEVER };
      for (const goal of to) {
        for (const door of doors(graph, goal, true)) {
          const ticks = search.labels[door.vertex] + door.ticks;
          if (ticks < best.ticks) best = { ticks, goal, door };
        }
        for (const home of from) {
          const ticks = home.piece === goal.piece ? straight(graph, home, goal) : NEVER;
          if (ticks < best.ticks) best = { ticks, goal, home };
        }
      }
      if (best.ticks > limit) return null;
      return best.home ? along(best) : traced(graph, search, from, best);
    }

    /* The streets that are reached from one spot within some minutes, cut exactly there; see `shapes.reached`. */
    reached(spots, minutes) {
      return reached(this.now.graph, spots, minutes.map(inTicks));
    }

    /* The line of a stretch in degrees. */
    line(piece, from, to) {
      return line(this.now.graph, piece, from, to);
    }

    /* Residents who are reached within some minutes from a place, or who reach it (`back`). */
    people(spots, minutes, back = false) {
      const limits = minutes.map(inTicks);
      const found = this.homes.from(this.now.graph, spots, Math.max(...limits), back);
      return limits.map((limit) => this.net.people.reduce((sum, people, c) => (found[c] <= limit ? sum + people : sum), 0));
    }

    /* --------------------------------------------------------------------------------------------- the whole city */

    /* Every cluster and service: `near` (ticks to the nearest), `state` and `why`. */
    get coverage() {
      if (!this.standing) {
        this.standing = new Coverage(this.net, this.base.graph, this.homes, this.base.goals);
        this.covered = this.base;
        this.before = this.standing.states();
      }
      if (this.covered !== this.now) this.standing.move(this.covered, this.now);
      this.covered = this.now;
      return this.standing;
    }

    /* What is offered to whom; null where no norm says what is asked. */
    get supply() {
      if (!this.net.supply) return null;
      if (!this.offered) this.offered = new Supply(this.net, this.homes, this.now);
      this.offered.move(this.now);
      return this.offered;
    }

    /* People by state and grades, unit by unit and category by category; `strict` and `lenient`. */
    card() {
      return card(this.net, this.coverage, this.supply);
    }

    /* Residents who gain and who lose by the edits (served now and not before, and the other way round): each of the
       `services`, and each category, `strict` and `lenient`. */
    change() {
      const now = this.coverage.states();
      const { people } = this.net;
      const between = (was, is) => Array.from({ length: is.length / people.length }, (_, row) => {
        let [gained, lost] = [0, 0];
        people.forEach((many, c) => {
          const at = row * people.length + c;
          if (is[at] === SERVED && was[at] !== SERVED) gained += many;
          if (was[at] === SERVED && is[at] !== SERVED) lost += many;
        });
        return { gained, lost };
      });
      return Object.fromEntries(Object.keys(now).map((of) => [of, between(this.before[of], now[of])]));
    }
  }

  /* A way that never leaves its piece. */
  function along({ ticks, home, goal }) {
    const stretch = { piece: home.piece, from: home.share, to: goal.share, ticks: ticks - home.off - goal.off };
    return { ticks, off: [home.off, goal.off], stretches: [stretch] };
  }

  /* A way through the graph, followed back from the door of the goal. */
  function traced(graph, { labels, via }, from, { ticks, goal, door }) {
    const { tails, sides, ticks: times } = graph.onward;
    const stretches = [{ piece: goal.piece, from: door.side & 1, to: goal.share, ticks: door.ticks - goal.off }];
    let at = door.vertex;
    for (; via[at] >= 0; at = tails[via[at]]) {
      const side = sides[via[at]];
      if (side >= 0) stretches.push({ piece: side >> 1, from: side & 1, to: 1 - (side & 1), ticks: times[via[at]] });
    }
    const starts = from.flatMap((home) => doors(graph, home, false).map((one) => ({ ...one, home })));
    const { home, side } = starts.find((one) => one.vertex === at && one.ticks === labels[at]);
    stretches.push({ piece: home.piece, from: home.share, to: 1 - (side & 1), ticks: labels[at] - home.off });
    return { ticks, off: [home.off, goal.off], stretches: stretches.reverse() };
  }

  const inTicks = (minutes) => Math.floor(minutes * 600 + 1e-6);

  return { open, toml, fragment, parsed, NEVER, GAP, UNKNOWN, SERVED };
})();
