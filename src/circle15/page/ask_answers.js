/* What is answered: one place asked, and what the edits do to the city. Plain values; nothing is drawn or worded here. */
"use strict";

circle15.answers = (() => {
  const { data } = circle15;
  const { GAP, UNKNOWN, SERVED } = circle15.live;
  const MINUTES = [5, 10, 15];
  const REHEARSED = 3;
  const STATES = { [GAP]: "gap", [UNKNOWN]: "unknown", [SERVED]: "served" };
  const REASONS = ["", "inventory", "edge", "unplaced"];

  /* Minutes in words of one decimal, rounded up, so that what is said to be in reach is. */
  const minutes = (ticks) => (Math.ceil(ticks / 60) / 10).toFixed(1);

  /* The smallest unit that holds a place on the map, -1: none. */
  function unitAt(world, [x, y]) {
    for (let u = world.units.count - 1; u >= 0; u -= 1) if (data.inside(world.units, u, x, y)) return u;
    return -1;
  }

  /* From one place: streets and residents within some minutes, of each service the nearest and its state. `took` says
     how many milliseconds the streets took, and all of it. */
  function place(walk, traces, { spots, unit }) {
    const begun = performance.now();
    const reached = walk.reached(spots, MINUTES);
    const shapes = reached.map((one) => traces.reached(walk, one));
    const drawn = performance.now();
    const people = walk.people(spots, MINUTES);
    const nearest = walk.nearest(spots);
    const states = walk.judged(spots, { nearest, unit });
    return {
      spots,
      reach: MINUTES.map((limit, i) => ({ minutes: limit, metres: reached[i].metres, people: people[i], shape: shapes[i] })),
      services: nearest.map((one, s) => ({ nearest: one, state: STATES[states[s].state], why: REASONS[states[s].why] })),
      took: { reach: drawn - begun, all: performance.now() - begun },
    };
  }

  /* Ways from a place to a facility and back. */
  function routes(walk, traces, { spots, row }) {
    const goal = walk.goal(row);
    return [[spots, goal], [goal, spots]].map(([from, to]) => {
      const found = walk.route(from, to);
      return found && { ticks: found.ticks, shape: traces.route(walk, found) };
    });
  }

  /* ------------------------------------------------------------------------------------------------ the edits */

  /* The city as it is, for one walker: what the edits are held against. */
  function asItIs(walk) {
    if (!walk.asItIs) {
      const edits = walk.edits;
      walk.set([]);
      const { strict, lenient, services } = walk.coverage.states();
      walk.asItIs = { states: { strict, lenient, services }, card: walk.card() };
      walk.set(edits);
    }
    return walk.asItIs;
  }

  /* Answer some edits that are then taken back: a browser compiles what it has run a few times. */
  function rehearse(walk, elements) {
    const { edits } = walk;
    asItIs(walk);
    for (const one of elements.filter((each) => !each.shut).slice(0, REHEARSED)) effect(walk, [{ close: one.id }], "strict");
    walk.set(edits);
  }

  /* What the edits do: by service, to people at large, to cells of the card, to homes by category. */
  function effect(walk, edits, reading) {
    const before = asItIs(walk);
    const begun = performance.now();
    const problems = walk.set(edits);
    if (problems.length) return { problems };
    const now = walk.coverage.states();
    const card = walk.card();
    const { people, services } = walk.net;
    return {
      problems,
      services: services.map((_, s) => turned(before.states.services, now.services, people, s)),
      any: anyOf(before.states.services, now.services, people),
      cells: cells(before.card[reading], card[reading], walk.net),
      homes: (category) => homes(before.states[reading], now[reading], people.length, category),
      took: performance.now() - begun,
    };
  }

  /* People of one service: served before and after; from gap to served and back, and what was or becomes unknown. */
  function turned(before, now, people, row) {
    const sum = { before: 0, after: 0, gained: 0, lost: 0, told: 0, untold: 0 };
    for (let c = 0; c < people.length; c += 1) {
      const [was, is] = [before[row * people.length + c], now[row * people.length + c]];
      if (was === SERVED) sum.before += people[c];
      if (is === SERVED) sum.after += people[c];
      if (was === is) continue;
      if (was === UNKNOWN && is === SERVED) sum.told += people[c];
      else if (was === SERVED && is === UNKNOWN) sum.untold += people[c];
      else if (is === SERVED) sum.gained += people[c];
      else if (was === SERVED) sum.lost += people[c];
    }
    return sum;
  }

  /* People who gain, and who lose, at least one service; each is counted once. */
  function anyOf(before, now, people) {
    let [gained, lost] = [0, 0];
    people.forEach((many, c) => {
      let [up, down] = [false, false];
      for (let at = c; at < now.length; at += people.length) {
        up = up || (before[at] === GAP && now[at] === SERVED);
        down = down || (before[at] === SERVED && now[at] === GAP);
      }
      if (up) gained += many;
      if (down) lost += many;
    });
    return { gained, lost };
  }

  /* Cells of the card whose grade is another, in the order of the units: the place of both, and grades (0: none). */
  function cells(before, now, { study }) {
    const columns = study.standard.categories.length;
    return Array.from(now.grade.keys())
      .filter((at) => now.grade[at] !== before.grade[at])
      .map((at) => ({
        unit: Math.floor(at / columns), category: at % columns,
        was: before.grade[at], is: now.grade[at],
        served: [before.served[at], now.served[at]],
      }));
  }

  /* Homes that gain or lose a category: their places, and which. */
  function homes(before, now, clusters, category) {
    const found = [];
    for (let c = 0; c < clusters; c += 1) {
      const [was, is] = [before[category * clusters + c], now[category * clusters + c]];
      if (is === SERVED && was !== SERVED) found.push([c, was === GAP ? "gained" : "known"]);
      if (was === SERVED && is !== SERVED) found.push([c, is === GAP ? "lost" : "unknown"]);
    }
    return found;
  }

  return { MINUTES, minutes, unitAt, place, routes, asItIs, rehearse, effect };
})();
