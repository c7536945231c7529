/* The words of questions and edits: names, kinds, minutes, what is wrong. */
"use strict";

circle15.askWords = (() => {
  const { el, name } = circle15.panel;

  const serviceOf = (ask, key) => ask.page.study.services.findIndex((one) => one.key === key);

  /* The name of a facility, by its row of the engine, as an element. */
  function facility(ask, row) {
    const { say } = ask.page.state;
    const { row: known, edit } = ask.walk.now.goals.origin[row];
    if (known === null || known === undefined) return el("span", {}, say("ask.planned"));
    const called = ask.page.study.facilities.name[known];
    const words = called ? name(called) : el("span", {}, say("facility.unnamed"));
    return edit ? el("span", {}, words, ` · ${say("ask.planned")}`) : words;
  }

  /* What an element is, and its name or id. */
  function element(ask, { id, kind }) {
    const { state, study } = ask.page;
    const known = study.depended.find((one) => one.id === id);
    return el("span", {}, state.say(`kind.${kind}`), " ", known?.name ? name(known.name) : el("small", {}, name(id)));
  }

  /* How long, how high, and how many minutes each way a new link takes. */
  function link(ask, add, at) {
    const { say, number } = ask.page.state;
    const own = ask.ownLink(at);
    const facts = [];
    if (own) {
      facts.push(say("ask.metres", { n: number(own.own.metres) }));
      const rise = Math.round(own.own.rise);
      if (rise) facts.push(say(rise > 0 ? "ask.rises" : "ask.falls", { n: number(Math.abs(rise)) }));
      const [there, back] = ask.linkTicks(own).map((ticks) => (ticks < circle15.live.NEVER ? say("cluster.to_nearest", { minutes: circle15.answers.minutes(ticks) }) : say("ask.no_way")));
      facts.push(say("ask.both_ways", { there, back }));
    }
    return el("span", {}, say("ask.did_link", { kind: say(`kind.${add.kind}`) }), add.one_way ? ` (${say("ask.one_way")})` : "",
      el("small", {}, facts.join(" · ")));
  }

  /* One edit. */
  function edit(ask, one, at) {
    const { state } = ask.page;
    if (one.close !== undefined) {
      const known = ask.traces.elements.find(({ id }) => id === one.close) ?? { id: one.close, kind: "path" };
      return el("span", {}, state.say("ask.did_close"), " ", element(ask, known));
    }
    if (one.add) return link(ask, one.add, at);
    const { do: what, id, services } = one.facility;
    if (what === "add") {
      const named = services.map((key) => state.serviceName(serviceOf(ask, key))).join(state.say("number.comma"));
      return el("span", {}, state.say("ask.did_add", { service: named }));
    }
    const rows = ask.live.rowsOf.get(id) ?? [];
    const { facilities } = ask.page.study;
    const named = [...new Set(rows.map((row) => state.serviceName(facilities.service[row])))].join(state.say("number.comma"));
    return el("span", {}, state.say(what === "move" ? "ask.did_move" : "ask.did_remove", { service: named }), " ",
      rows.length && facilities.name[rows[0]] ? name(facilities.name[rows[0]]) : el("small", {}, name(id)));
  }

  /* What is wrong with an edit. */
  function problem(ask, { problem: what, metres, id }) {
    const { say, number } = ask.page.state;
    return say(`ask.wrong_${what}`, { n: metres === undefined ? "" : number(metres), id: id ?? "", reach: number(ask.live.net.facts.rules.join_m) });
  }

  /* A grade of the card in words and the key of its colour; where there is none, why. */
  function grade({ page: { state } }, { unit, category }, value) {
    if (value) return { key: String(value), word: state.gradeWord(value) };
    const unlisted = state.unlisted(unit, category).length > 0;
    return { key: unlisted ? "unknown" : "none", word: state.say(unlisted ? "completeness.grade" : "grade.none") };
  }

  /* By whom and by what is answered. */
  function basis(ask) {
    const { state, study } = ask.page;
    const { facts, standard } = study;
    return state.say("ask.basis", {
      walker: walker(ask, ask.who),
      trip: state.say(`trip.${facts.trip || "out"}`),
      standard: circle15.canvas.plain(standard.title[state.language]),
    });
  }

  const walker = (ask, who) => circle15.canvas.plain(ask.live.walkers[who][ask.page.state.language]);

  return { facility, edit, problem, grade, basis, walker, serviceOf };
})();
