/* Supply against demand while the city is edited: how much there is for whom, over what the norms ask (E2SFCA). */
"use strict";

circle15.supply = (() => {
  const { NEVER } = circle15.network;
  const { reaching, trip } = circle15.search;
  const { lacking, bandOf } = circle15.coverage;
  const ROUNDING = 1e-9; // of sums of people
  const MANY = 60; // more arcs than this: all catchments are walked again

  /* Every facility that shares out its size, with its catchment: the clusters within its cut-off and the weight of each. */
  class Supply {
    constructor(net, homes, state) {
      this.net = net;
      this.homes = homes;
      this.place = new Map(net.supply.services.map((s, k) => [s, k]));
      this.state = state;
      this.shares = new Map();
      for (let row = 0; row < state.goals.service.length; row += 1) this.share(state, row);
    }

    minutes(k) {
      return this.net.services[this.net.supply.services[k]].minutes;
    }

    /* The catchment of a row, walked anew; none of what is closed, has no norm, or lies outside of the study area. */
    share({ graph, goals }, row) {
      this.shares.delete(row);
      const k = this.place.get(goals.service[row]);
      if (k === undefined || !goals.own[row]) return;
      const spots = goals.spots(row);
      const cutoff = 600 * this.minutes(k);
      const legs = { out: [true], back: [false] }[this.net.facts.trip] || [true, false];
      const walks = legs.map((back) => this.homes.from(graph, spots, Math.floor(cutoff), back));
      const { decay } = this.net.supply;
      const [clusters, weights] = [[], []];
      walks[0].forEach((one, cluster) => {
        const walk = legs.length === 1 ? one : trip(this.net.facts.trip, one, walks[1][cluster]);
        if (walk === NEVER || walk > cutoff) return;
        clusters.push(cluster);
        weights.push(decay[Math.max(0, Math.ceil((walk * decay.length) / cutoff) - 1)]);
      });
      const size = Number.isNaN(goals.size[row]) ? 1 : goals.size[row];
      this.shares.set(row, { k, size, clusters, weights });
    }

    /* From the state of the city that it knows to another: what has changed is walked again. */
    move(after) {
      const before = this.state;
      this.state = after;
      if (before === after) return;
      const rows = new Set(before.graph === after.graph ? [] : this.reachedBy(before, after));
      if (before.goals !== after.goals) {
        const { length } = this.net.sizes.own;
        const most = Math.max(before.goals.service.length, after.goals.service.length);
        for (let row = length; row < most; row += 1) rows.add(row);
        for (let row = 0; row < length; row += 1) if (before.goals.service[row] !== after.goals.service[row]) rows.add(row);
      }
      for (const row of rows) this.share(after, row);
    }

    /* The rows to or from which a shortest way leads over an arc that is no more, or over one that is new. */
    reachedBy(before, after) {
      const [gone, come] = [lacking(before.graph, after.graph), lacking(after.graph, before.graph)];
      if (gone.length + come.length > MANY) return after.goals.service.keys();
      return [...gone.flatMap((arc) => this.over(before, arc)), ...come.flatMap((arc) => this.over(after, arc))];
    }

    over({ graph, goals }, [from, to, ticks]) {
      const limit = 600 * Math.max(...this.net.supply.services.map((_, k) => this.minutes(k)));
      const { trip: kind } = this.net.facts;
      const found = [];
      for (const back of kind === "out" ? [false] : kind === "back" ? [true] : [false, true]) {
        const ends = back ? [to, from] : [from, to];
        const arcs = back ? graph.reversed : graph.onward;
        const [near, far] = ends.map((vertex) => reaching(arcs, [vertex, 0], limit, (labels) => goals.places.at(labels, back)));
        near.forEach((at, row) => {
          if (at < NEVER && at === far[row] + ticks) found.push(row);
        });
      }
      return found;
    }

    /* What every cluster is offered of each service that has a norm, over what it is owed; NaN where it cannot be said. */
    ratios(known, placed) {
      const { services, crowd, people_each: each } = this.net.supply;
      const found = services.map((s) => Float64Array.from(crowd[0], (_, c) => (placed[c] && known(c, s) ? 0 : NaN)));
      for (const row of [...this.shares.keys()].sort((a, b) => a - b)) {
        const { k, size, clusters, weights } = this.shares.get(row);
        const claimed = clusters.reduce((sum, c, i) => sum + crowd[k][c] * weights[i], 0);
        if (claimed > 0) clusters.forEach((c, i) => (found[k][c] += (size / claimed) * weights[i] * each[k]));
      }
      return found;
    }

    /* The grade of every unit and category: that of the worst basic service that has a norm; 0 where none can be said. */
    grades() {
      const { net } = this;
      const categories = net.study.standard.categories.length;
      const grade = new Uint8Array(net.study.units.id.length * categories);
      this.ratios(net.known, this.placed).forEach((ratio, k) => {
        const s = net.supply.services[k];
        const c = net.services[s].category;
        if (!net.asked[0][c].includes(s)) return;
        this.adequacy(ratio, net.supply.crowd[k]).forEach((value, u) => {
          if (Number.isNaN(value)) return;
          const at = u * categories + c;
          const band = bandOf(net.supply.bands, value);
          grade[at] = grade[at] ? Math.min(grade[at], band) : band;
        });
      });
      return grade;
    }

    /* Unit by unit, what is offered over what is asked; NaN where it can be said of too few. */
    adequacy(ratio, crowd) {
      const { net } = this;
      const units = net.study.units.id.length;
      const [everyone, told, offered] = [0, 1, 2].map(() => new Float64Array(units));
      net.holders.forEach((held, c) => {
        for (const u of held) {
          everyone[u] += crowd[c];
          if (Number.isNaN(ratio[c])) continue;
          told[u] += crowd[c];
          offered[u] += crowd[c] * ratio[c];
        }
      });
      const share = net.study.standard.complete_share;
      return offered.map((sum, u) => {
        const enough = told[u] > 0 && told[u] >= share * everyone[u] - ROUNDING;
        return enough ? Math.min(sum / told[u], net.supply.most) : NaN;
      });
    }

    get placed() {
      const placed = new Uint8Array(this.homes.rows);
      for (const spot of this.homes.spots) placed[spot.row] = 1;
      return placed;
    }
  }

  return { Supply };
})();
