/* Coverage that stands while the city is edited: what an edit can reach is searched again, and nothing else. */
"use strict";

circle15.coverage = (() => {
  const { NEVER } = circle15.network;
  const { settle, straight, trip } = circle15.search;
  const TICKS = 10; // a second
  const [GAP, UNKNOWN, SERVED] = [0, 1, 2]; // as in data: "every one" is the least and "any one" the greatest
  const [INVENTORY, EDGE, UNPLACED] = [1, 2, 3]; // why it is unknown
  const ROUNDING = 1e-12; // of a share that is a quotient of sums

  /* Ticks from every vertex to the nearest of some seeds (`back`: from it), kept from edit to edit. */
  class Field {
    constructor(graph, seeds, limit, back) {
      this.limit = limit;
      this.back = back;
      this.seeds = seeds;
      this.labels = new Int32Array(graph.vertices + 64).fill(NEVER);
      settle(this.arcs(graph), seeds, limit, this.labels);
    }

    arcs(graph) {
      return this.back ? graph.onward : graph.reversed;
    }

    /* From one graph and some seeds to others; `change` holds the arcs that are no more and those that are new. A way
       can only get longer where a shortest one led over what is no more: such vertices are forgotten, and searched
       again from their rim (after Ramalingam and Reps 1996). Says whether anything changed. */
    move(before, after, change, seeds) {
      const roots = [];
      if (this.labels.length < after.vertices) this.labels = longer(this.labels, after.vertices + 64);
      const { labels } = this;
      this.each(change.gone, (from, to, ticks) => {
        if (labels[from] < NEVER && labels[from] + ticks === labels[to]) roots.push(to);
      });
      if (seeds !== this.seeds) {
        const still = least(seeds);
        for (let k = 0; k < this.seeds.length; k += 2) {
          const [vertex, at] = [this.seeds[k], this.seeds[k + 1]];
          if (labels[vertex] === at && (still.get(vertex) ?? NEVER) > at) roots.push(vertex);
        }
      }
      const again = this.rim(after, this.forget(before, roots));
      for (let k = 0; k < seeds.length; k += 2) if (seeds[k + 1] < labels[seeds[k]]) again.push(seeds[k], seeds[k + 1]);
      this.each(change.come, (from, to, ticks) => {
        if (labels[from] < NEVER && labels[from] + ticks < labels[to]) again.push(to, labels[from] + ticks);
      });
      this.seeds = seeds;
      if (again.length) settle(this.arcs(after), again, this.limit, labels);
      return roots.length + again.length > 0;
    }

    /* Arcs in the direction of this search. */
    each(arcs, task) {
      for (const [from, to, ticks] of arcs) {
        if (this.back) task(from, to, ticks);
        else task(to, from, ticks);
      }
    }

    /* Forget the roots and all whose shortest way can lead by them. */
    forget(graph, roots) {
      const { labels } = this;
      const { first, heads, ticks } = this.arcs(graph);
      const [lost, had] = [[], []];
      const drop = (vertex) => {
        lost.push(vertex);
        had.push(labels[vertex]);
        labels[vertex] = NEVER;
      };
      for (const root of roots) if (labels[root] < NEVER) drop(root);
      for (let k = 0; k < lost.length; k += 1) {
        if (lost[k] >= graph.vertices) continue;
        for (let arc = first[lost[k]]; arc < first[lost[k] + 1]; arc += 1) {
          if (labels[heads[arc]] < NEVER && labels[heads[arc]] === had[k] + ticks[arc]) drop(heads[arc]);
        }
      }
      return lost;
    }

    /* Seeds for what was forgotten: the ways there from what was not. */
    rim(graph, lost) {
      const { labels } = this;
      const { first, heads, ticks } = this.back ? graph.reversed : graph.onward;
      const seeds = [];
      for (const vertex of lost) {
        if (vertex >= graph.vertices) continue;
        for (let arc = first[vertex]; arc < first[vertex + 1]; arc += 1) {
          if (labels[heads[arc]] < NEVER) seeds.push(vertex, labels[heads[arc]] + ticks[arc]);
        }
      }
      return seeds;
    }
  }

  /* The least ticks among some seeds at each of their vertices. */
  function least(seeds) {
    const found = new Map();
    for (let k = 0; k < seeds.length; k += 2) {
      if (seeds[k + 1] < (found.get(seeds[k]) ?? NEVER)) found.set(seeds[k], seeds[k + 1]);
    }
    return found;
  }

  function longer(values, size) {
    const more = new Int32Array(size).fill(NEVER);
    more.set(values);
    return more;
  }

  /* The arcs that one graph has and another lacks, each as from, to and ticks. */
  function lacking(one, other) {
    const arcs = [];
    const put = (from, to, ticks) => arcs.push([from, to, ticks]);
    const shared = 2 * (one.net.pieces.count + sharedLinks(one, other));
    for (let side = 0; side < one.open.length; side += 1) {
      if (one.open[side] && (side >= shared || !other.open[side])) one.arcsOf(side, put);
    }
    return arcs;
  }

  /* How many new links two graphs have in common, from the first on. */
  function sharedLinks(one, other) {
    let same = 0;
    while (same < one.added.length && same < other.added.length && one.added[same] === other.added[same]) same += 1;
    return same;
  }

  /* ------------------------------------------------------------------------------------------------- coverage */

  /* Every cluster and service: `near`, ticks to the nearest facility (NEVER beyond the search), `state` and `why`;
     service by service, cluster by cluster. `goals` are the facilities: their places, and the service of each row. */
  class Coverage {
    constructor(net, graph, homes, goals) {
      this.net = net;
      this.homes = homes;
      this.limit = net.facts.limit;
      this.trip = net.facts.trip;
      this.clusters = homes.rows;
      this.near = net.services.map(() => null);
      this.state = new Uint8Array(net.services.length * this.clusters);
      this.why = new Uint8Array(net.services.length * this.clusters);
      this.placed = new Uint8Array(this.clusters);
      for (const spot of homes.spots) this.placed[spot.row] = 1;
      this.begin(graph, goals);
    }

    get back() {
      return this.trip === "back";
    }

    get bothLegs() {
      return this.trip === "slower" || this.trip === "round";
    }

    begin(graph, goals) {
      const halves = this.trip === "slower" ? 2 : 1; // the sum of both legs to the edge is held against it
      const legs = this.bothLegs ? [false, true] : [this.back];
      this.edges = legs.map((back) => new Field(graph, graph.edge(back), halves * this.limit, back));
      this.fields = this.bothLegs ? [] : this.near.map((_, s) => new Field(graph, this.seeds(goals, s), this.limit, this.back));
      this.ask(graph, goals, () => true);
    }

    /* From one state of the city to another. */
    move(before, after) {
      const [old, graph] = [before.graph, after.graph];
      if (sharedLinks(old, graph) < Math.min(old.added.length, graph.added.length)) {
        this.begin(graph, after.goals); // links in the midst were replaced: new nodes have other numbers
        return;
      }
      const change = old === graph ? { gone: [], come: [] } : { gone: lacking(old, graph), come: lacking(graph, old) };
      const moved = this.edges.map((edge) => edge.move(old, graph, change, old === graph ? edge.seeds : graph.edge(edge.back)));
      const edited = (s) => before.goals.touched.has(s) || after.goals.touched.has(s);
      const changed = this.fields.map((field, s) => {
        const anew = before.goals !== after.goals && edited(s);
        return field.move(old, graph, change, anew ? this.seeds(after.goals, s) : field.seeds) || anew;
      });
      this.ask(graph, after.goals, (s) => this.bothLegs || changed[s], moved.some(Boolean));
    }

    seeds(goals, s) {
      const { row, vertex, ticks } = goals.places.doors[this.back ? 0 : 1];
      const found = [];
      for (let k = 0; k < row.length; k += 1) if (goals.service[row[k]] === s) found.push(vertex[k], ticks[k]);
      return found;
    }

    /* Hold times against cut-offs, for services whose times have changed; for all where the times to the edge have. */
    ask(graph, goals, changed, edge = true) {
      if (edge) this.edge = this.edgeTicks();
      if (this.bothLegs) this.near = this.bothWays(graph, goals);
      this.net.services.forEach((service, s) => {
        if (!changed(s) && !edge) return;
        if (changed(s) && !this.bothLegs) this.near[s] = this.nearest(graph, goals, s);
        this.judge(service, s);
      });
    }

    /* Ticks from every cluster to the nearest facility of a service, or from it. */
    nearest(graph, goals, s) {
      const found = this.homes.at(this.fields[s].labels, !this.back);
      for (const spot of goals.places.spots) {
        if (goals.service[spot.row] !== s) continue;
        for (const home of this.homes.onPiece.get(spot.piece) || []) {
          const at = this.back ? straight(graph, spot, home) : straight(graph, home, spot);
          if (at < found[home.row]) found[home.row] = at;
        }
      }
      return found.map((at) => (at <= this.limit ? at : NEVER));
    }

    /* The nearest by a trip of two legs: each facility by its own, so one search each way from every cluster. */
    bothWays(graph, goals) {
      const near = this.net.services.map(() => new Int32Array(this.clusters).fill(NEVER));
      for (const home of this.homes.spots) {
        const [out, back] = [false, true].map((way) => goals.places.from(graph, [home], this.limit, way));
        goals.service.forEach((s, row) => {
          if (s < 0) return;
          const at = trip(this.trip, out[row], back[row]);
          if (at <= this.limit && at < near[s][home.row]) near[s][home.row] = at;
        });
      }
      return near;
    }

    /* The least ticks that a trip by way of ground beyond the data can take. */
    edgeTicks() {
      const legs = this.edges.map((edge) => this.homes.at(edge.labels, !edge.back).map((at) => (at <= edge.limit ? at : NEVER)));
      if (legs.length === 1) return legs[0];
      const halves = this.trip === "slower" ? 2 : 1;
      return Float64Array.from(legs[0], (out, c) => (out + legs[1][c]) / halves);
    }

    judge(service, s) {
      const { net } = this;
      const cutoff = service.minutes * 60;
      for (let c = 0; c < this.clusters; c += 1) {
        const at = s * this.clusters + c;
        const served = this.near[s][c] < NEVER && this.near[s][c] / TICKS <= cutoff;
        let why = 0;
        if (!served && !this.placed[c]) why = UNPLACED;
        else if (!served && !net.known(c, s)) why = INVENTORY;
        else if (!served && this.edge[c] <= this.limit && this.edge[c] / TICKS <= cutoff) why = EDGE;
        this.why[at] = why;
        this.state[at] = served ? SERVED : why ? UNKNOWN : GAP;
      }
    }

    /* The states of every category and cluster. Strict: the worst of the services that are asked; lenient: the best. */
    categories(lenient) {
      const asked = this.net.asked[lenient ? 1 : 0];
      const best = lenient ? Math.max : Math.min;
      const found = new Uint8Array(asked.length * this.clusters).fill(lenient ? GAP : SERVED);
      asked.forEach((services, c) => {
        for (const s of services) {
          for (let k = 0; k < this.clusters; k += 1) {
            found[c * this.clusters + k] = best(found[c * this.clusters + k], this.state[s * this.clusters + k]);
          }
        }
      });
      return found;
    }

    /* A copy of all states: of the services, and of the categories in both readings. */
    states() {
      return { services: this.state.slice(), strict: this.categories(false), lenient: this.categories(true) };
    }
  }

  /* Whether the list of a service is known to be whole enough where a cluster lies. */
  function knownAt(net) {
    const known = net.map["lists.known"];
    if (!known) return () => true;
    const services = net.services.length;
    const unit = net.map["origins.unit"];
    const top = net.study.units.parent.flatMap((parent, u) => (parent < 0 ? [u] : []));
    const outside = net.services.map((_, s) => top.every((u) => known[u * services + s]));
    return (c, s) => (unit[c] >= 0 ? known[unit[c] * services + s] > 0 : outside[s]);
  }

  /* ----------------------------------------------------------------------------------------------------- card */

  /* The services that decide each category, strictly and leniently, by their places. */
  function asked(net) {
    const strict = net.study.standard.categories.map((_, c) => {
      const every = net.services.flatMap((one, s) => (one.category === c ? [s] : []));
      const basic = every.filter((s) => net.services[s].need === "basic");
      return [basic.length ? basic : every, every];
    });
    return [strict.map(([one]) => one), strict.map(([, one]) => one)];
  }

  /* The units that hold each cluster: the one that it lies in, and those above. */
  function unitsOf(net) {
    const { parent } = net.study.units;
    return Array.from(net.map["origins.unit"], (unit) => {
      const held = [];
      for (let u = unit; u >= 0 && held.length < parent.length; u = parent[u]) held.push(u);
      return held;
    });
  }

  /* People by state, unit by unit and category by category, strictly and leniently, and grades (0: not graded): the
     worse of coverage and supply, strictly; of coverage alone where supply cannot be said, and leniently. */
  function card(net, coverage, supply) {
    const [units, categories] = [net.study.units.id.length, net.study.standard.categories.length];
    const cells = () => [0, 1, 2].map(() => new Float64Array(units * categories));
    const readings = [false, true].map((lenient) => {
      const people = cells();
      const states = coverage.categories(lenient);
      net.holders.forEach((held, cluster) => {
        for (let c = 0; c < categories; c += 1) {
          const count = people[states[c * coverage.clusters + cluster]];
          for (const u of held) count[u * categories + c] += net.people[cluster];
        }
      });
      return { gap: people[GAP], unknown: people[UNKNOWN], served: people[SERVED], grade: grades(net, people) };
    });
    const [strict, lenient] = readings;
    const ofCoverage = strict.grade;
    const ofSupply = supply ? supply.grades() : new Uint8Array(units * categories);
    const grade = ofCoverage.map((covered, at) => (ofSupply[at] ? Math.min(covered, ofSupply[at]) : covered));
    return { strict: { ...strict, grade, ofCoverage, ofSupply }, lenient };
  }

  function grades(net, people) {
    const { grades: bands, complete_share: share } = net.study.standard;
    const least = bands.map((band) => band.coverage).sort((a, b) => a - b);
    return Uint8Array.from(people[SERVED], (served, at) => {
      const said = served + people[GAP][at];
      if (said <= 0 || said < share * (said + people[UNKNOWN][at])) return 0;
      return bandOf(least, served / said);
    });
  }

  /* Which of some bands, by the least of each, a value reaches; one that misses it only by rounding does. */
  function bandOf(bands, value) {
    return bands.filter((band) => band <= value + ROUNDING).length;
  }

  return { Coverage, lacking, card, asked, unitsOf, knownAt, bandOf, GAP, UNKNOWN, SERVED, INVENTORY, EDGE, UNPLACED };
})();
