/* What is said beside the map. All text enters the page as text, never as markup. */
"use strict";

circle15.panel = (() => {
  const { canvas } = circle15;
  const SIGNS = { served: "✓", gap: "✕", unknown: "?", known: "✓" };
  const LISTED = 30;

  /* An element: its tag and classes ("p.warm.large"), its attributes, its children (text or elements). */
  function el(what, attributes = {}, ...children) {
    const [tag, ...classes] = what.split(".");
    const made = document.createElement(tag);
    if (classes.length) made.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "style") Object.assign(made.style, value);
      else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  /* A name from the data: as text, with a direction of writing of its own. */
  const name = (text) => el("bdi", {}, canvas.plain(text));

  const $ = (id) => document.getElementById(`c15-${id}`);

  function choice(group, options, { chosen, onchoose }) {
    const holder = group.querySelector("div");
    const focused = holder.contains(document.activeElement);
    holder.replaceChildren(
      ...options.map((option) => {
        const input = el("input", { type: "radio", name: group.id, value: option.key, onchange: () => onchoose(option.key) });
        input.checked = option.key === chosen;
        return el("label", { title: option.why || null }, input, ...[].concat(option.shown));
      }),
    );
    if (focused) holder.querySelector("input:checked")?.focus();
  }

  /* ------------------------------------------------------------------------------------------------- the head */

  /* What the study asks otherwise than by default: the leg, the hour, the fares, a scenario. */
  function settings(facts, say, colon) {
    const parts = [];
    if (facts.trip && facts.trip !== "out") parts.push([say(`trip.${facts.trip}`)]);
    if (facts.when) parts.push([say("page.when"), colon, name(facts.when)]);
    if (facts.fares === "free only") parts.push([say("page.free_only")]);
    if (facts.scenario) parts.push([say("page.scenario"), colon, el("strong", {}, name(facts.scenario))]);
    return parts.flatMap((part) => [" · ", ...part]);
  }

  /* The language that the button switches to; the same where there is only one. */
  const nextLanguage = ({ languages }, { language }) => languages[(languages.indexOf(language) + 1) % languages.length];

  function head(study, state) {
    const { facts } = study;
    const say = state.say;
    document.documentElement.lang = say("number.locale");
    const next = nextLanguage(study, state);
    const own = state.placeName(state.language);
    const other = state.placeName(next);
    $("title").querySelector("h1").replaceChildren(name(own || ""), other && other !== own ? el("small", {}, name(other)) : "");
    document.title = `${canvas.plain(own || "")} · ${say("page.title")}`;
    const walker = state.walkerName(state.walker);
    const colon = say("number.colon");
    $("date").replaceChildren(
      ` · ${say("page.data_date")}${colon}`, name(facts.data_date || say("page.no_date")),
      walker ? ` · ${say("page.walker")}${colon}` : "", el(state.walker ? "strong" : "span", {}, name(walker)),
      el("span.c15-paper", {}, ` · ${say("reading.name")}${colon}${say(`reading.${state.reading}`)}`),
      ...settings(facts, say, colon),
    );
    const toggle = $("language");
    toggle.hidden = next === state.language;
    toggle.textContent = study.words[next].page.switch;
    toggle.title = study.words[next].page.switch_title;
    toggle.lang = study.words[next].number.locale;
    $("synthetic").hidden = !facts.synthetic;
    const marks = [state.language, ...study.languages.filter((one) => one !== state.language)];
    $("synthetic").querySelector("strong").textContent = marks.map((one) => study.words[one].page.synthetic).join(" / ");
    $("synthetic").querySelector("span").textContent = say("page.synthetic_more");
    for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
    for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
    for (const element of document.querySelectorAll("[data-title]")) {
      element.title = say(element.dataset.title);
      element.setAttribute("aria-label", element.title);
    }
    $("categories").querySelector("legend").textContent = say("page.choose", { n: state.number(study.standard.categories.length) });
  }

  function figures(state) {
    const { say, number } = state;
    const sum = state.sums[state.category];
    const category = state.categoryName(state.category);
    const why = (key) => say(`figures.${key}_why`, { category });
    const shown = [
      { key: "population", value: number(sum.all), why: why("population") },
      { key: "served", value: state.range(sum), why: why("served") },
      { key: "gap", value: number(sum.gap), why: why("gap") },
      { key: "unknown", value: number(sum.unknown), why: why("unknown") },
      state.figureOfCircles(),
    ];
    $("figures").replaceChildren(...shown.filter(Boolean).map((one) => figure(one.key, [say(`figures.${one.key}`), one.of ? name(` · ${one.of}`) : ""], one)));
  }

  /* A figure of the head, with its definition for pointer and keyboard. */
  function figure(kind, label, { value, why }) {
    return el(`div.c15-${kind}`, { title: why }, el("dt", { tabindex: "0" }, ...[].concat(label)), el("dd", {}, value));
  }

  function bar(state, sum) {
    const part = (kind) => el(`i.c15-${kind}`, { style: { width: `${sum.all ? (100 * sum[kind]) / sum.all : 0}%` } });
    return el("span.c15-bar", { "aria-hidden": "true" }, part("served"), part("unknown"), part("gap"));
  }

  /* Where it cannot be said of most, no number is said. */
  const servedShare = (state, sum) => (2 * sum.unknown > sum.all ? state.say("state.unknown") : state.share(sum.served, sum.all));

  function categories(study, state, choose) {
    const { say } = state;
    const options = study.standard.categories.map((category, i) => {
      const sum = state.sums[i];
      const why = ["served", "gap", "unknown"].map((kind) => `${state.say(`state.${kind}`)} ${state.number(sum[kind])}`);
      return {
        key: String(i),
        why: `${why.join(" · ")} · ${say("figures.served_why", { category: canvas.plain(state.categoryName(i)) })}`,
        shown: [
          el("span.c15-name", { title: state.categoryName(i) }, state.categoryName(i)),
          bar(state, sum),
          el("span.c15-share", {}, servedShare(state, sum)),
        ],
      };
    });
    choice($("categories"), options, { chosen: String(state.category), onchoose: (key) => choose(Number(key)) });
  }

  function switches(study, state, { reading, tier, walker, list }) {
    const say = state.say;
    const own = state.walkerName(0);
    const readings = ["strict", state.walker ? "difference" : "lenient"].map((key) => (
      { key, shown: say(`reading.${key}`), why: say(`reading.${key}_why`, { name: canvas.plain(own) }) }));
    choice($("reading"), readings, { chosen: state.reading, onchoose: reading });
    const tiers = study.tiers.map((key) => ({ key, shown: say(`tier.${key}`) }));
    choice($("tier"), tiers, { chosen: state.tier, onchoose: tier });
    $("tier").hidden = study.tiers.length < 2;
    walkers(study, state, walker);
    const some = { projects: study.projects.length, circles: study.circles.rows.length, lists: state.hasLists, depended: study.depended.length, ask: state.canAsk };
    const kinds = ["gaps", ...Object.keys(some).filter((key) => some[key])];
    $("list").hidden = kinds.length < 2;
    choice($("list"), kinds.map((key) => ({ key, shown: say(`list.${key}`) })), { chosen: state.list, onchoose: list });
    const ask = document.getElementById("ask"); // filled by the panel for questions
    ask.hidden = state.list !== "ask";
    document.body.classList.toggle("c15-asking", !ask.hidden);
  }

  /* Each walker with a short name and the share of residents served in the chosen category. */
  function walkers(study, state, choose) {
    const { say } = state;
    $("walker").hidden = !study.walkers.length;
    const why = say("walker.why", { name: canvas.plain(state.walkerName(0)) });
    const options = study.walkers.map((_, w) => ({
      key: String(w),
      why: `${canvas.plain(state.walkerName(w))} · ${why}`,
      shown: [el("span", {}, name(state.walkerName(w).split(/[\p{Ps},]/u)[0].trim())), el("small", {}, servedShare(state, state.sumFor(w, state.category)))],
    }));
    choice($("walker"), options, { chosen: String(state.walker), onchoose: (w) => choose(Number(w)) });
  }

  /* Who lacks most, and how many more there are: clusters, or squares of them where the page carries no clusters. */
  function gapsOf(state) {
    const { carried, byPeople, people, status } = state;
    const some = carried.clusters ? byPeople.filter((i) => status(i) === "gap" && people[i] > 0) : circle15.squares.ranked(state);
    const one = (gap) => (carried.clusters ? { cluster: gap, people: people[gap] } : gap);
    const listed = state.printing ? state.printing.listed : LISTED;
    const rest = some.slice(listed);
    return {
      first: some.slice(0, listed).map(one),
      rest: { n: rest.length, people: rest.reduce((sum, gap) => sum + (carried.clusters ? people[gap] : gap.people), 0) },
    };
  }

  function rankedRow(study, state, one, { most, show }) {
    const { cluster: i } = one;
    const where = i === undefined ? circle15.squares.where(study, state, one) : name(state.unitName(state.unitOf[i]));
    const onclick = () => (i === undefined ? show.square(one) : show.cluster(i));
    return el("li", {}, el("button", { type: "button", onclick, "data-cluster": i === undefined ? null : String(i) },
      el("span.c15-where", {}, where),
      el("span.c15-count", { title: state.say("page.ranked_why", { category: state.categoryName(state.category) }) }, state.say("cluster.people", { n: state.number(one.people) })),
      i !== undefined && state.carried.answers ? el("span.c15-lacks", {}, lacks(study, state, i)) : null,
      el("i.c15-length", { style: { width: `${(100 * one.people) / most}%` }, "aria-hidden": "true" })));
  }

  function ranked(study, state, show) {
    const { say, number } = state;
    const { first, rest } = gapsOf(state);
    $("ranked").hidden = state.list !== "gaps" && !state.printing;
    const title = say(state.carried.clusters ? "page.ranked" : "squares.ranked");
    $("ranked").querySelector("h2").replaceChildren(title, state.walker ? el("small", {}, " · ", name(state.walkerName(0))) : "");
    const list = $("ranked").querySelector("ol");
    const most = first.length ? first[0].people : 1;
    list.replaceChildren(...first.map((one) => rankedRow(study, state, one, { most, show })));
    const parts = [];
    if (!first.length) parts.push(say("page.ranked_none"));
    if (rest.n) parts.push(say(state.carried.clusters ? "page.ranked_more" : "squares.ranked_more", { n: number(rest.n), people: number(rest.people) }));
    const { unknown } = state.sumFor(0, state.category);
    if (unknown > 0) parts.push(say("page.ranked_unknown", { people: number(unknown) }));
    $("ranked").querySelector("p").textContent = parts.join(" ");
  }

  function lacks(study, state, i) {
    const missing = state.servicesOf(state.category).filter((s) => state.asked(s) && state.service(i, s).state === "gap");
    const each = missing.map((s) => {
      const { minutes, cause } = state.service(i, s);
      const words = cause ? state.say(`cause.${cause}`) : "";
      const values = { service: state.serviceName(s), minutes: minutes?.toFixed(1), n: study.facts.search_minutes ?? "?", cause: words };
      if (minutes === null) return state.say(cause ? "cluster.lacks_none_cause" : "cluster.lacks_none", values);
      return state.say(cause ? "cluster.lacks_cause" : "cluster.lacks_minutes", values);
    });
    return state.say("cluster.lacks", { services: each.join(state.say("number.comma")) });
  }

  /* Lifts, escalators, footbridges and stairs whose closing would take services from people. */
  function depended(study, state, show) {
    const { say, number } = state;
    const { elements, everywhere } = state.dependedOn(state.category);
    $("depended").hidden = state.list !== "depended";
    const most = elements.length ? elements[0].people : 1;
    $("depended").querySelector("ol").replaceChildren(
      ...elements.map(({ index, people, services }) => {
        const one = study.depended[index];
        const lost = services.map((k) => say("depended.service", { service: state.serviceName(one.services[k]), n: number(one.people[k]) }));
        return el("li", {}, el("button", { type: "button", onclick: () => show(index), "data-element": one.id },
          el("span.c15-where", {}, elementSwatch(study, one.kind), elementName(state, one)),
          el("span.c15-count", { title: say("depended.why") }, say("cluster.people", { n: number(people) })),
          el("span.c15-lacks", {}, say("depended.lose", { services: lost.join(say("number.comma")) })),
          el("i.c15-length", { style: { width: `${(100 * people) / most}%` }, "aria-hidden": "true" })));
      }),
    );
    const why = everywhere ? [say("depended.elsewhere", { category: state.categoryName(state.category) })] : [];
    $("depended").querySelector("p").textContent = [...why, say("depended.why")].join(" ");
  }

  const elementSwatch = (study, kind) =>
    swatch((context) => canvas.element(context, [9, 9], { kind, radius: 8, color: circle15.layers.elementColor(study, kind) }), 18);

  /* A name from the data, or what it is and its address. */
  function elementName(state, one) {
    return one.name ? name(one.name) : el("span", {}, state.say(`kind.${one.kind}`), " ", el("small", {}, name(one.id)));
  }

  /* ---------------------------------------------------------------------------------------------- the details */

  function detail(title, lines, body, close) {
    const { say } = body;
    const shut = el("button.c15-close", { type: "button", title: say("page.close"), "aria-label": say("page.close"), onclick: close }, "×");
    $("detail").replaceChildren(el("header", {}, el("div", {}, el("h2", {}, ...title), el("p", {}, lines)), shut), ...body.parts);
    $("detail").hidden = false;
    $("detail").scrollTop = 0;
    if (!$("card").hidden) $("detail").querySelector("tr.c15-current")?.scrollIntoView({ block: "center" }); // little room then
  }

  function mark(state, kind, words = state.say(`state.${kind}`)) {
    return el(`b.c15-mark.c15-${kind}`, {}, el("i", { "aria-hidden": "true" }, SIGNS[kind]), words);
  }

  function serviceRow(study, state, cluster, s) {
    const { say } = state;
    const one = state.service(cluster, s);
    const minutes = one.minutes === null
      ? say("cluster.found_none", { n: study.facts.search_minutes ?? "?" })
      : say("cluster.to_nearest", { minutes: one.minutes.toFixed(1) });
    const limit = say("cluster.limit", { minutes: study.services[s].minutes });
    const reason = one.why ? `why.${one.why}` : one.cause ? `cause.${one.cause}` : null;
    const extra = reason ? say(reason) : one.count > 1 ? say("cluster.count", { n: one.count }) : "";
    return el("tr", {},
      el("th", { scope: "row" }, state.serviceName(s), el("small", {}, say(`need.${study.services[s].need}`))),
      el("td.c15-minutes", {}, minutes, el("small", {}, [limit, extra].filter(Boolean).join(" · "))),
      el("td", {}, mark(state, one.state)));
  }

  function cluster(study, state, i, { reach, close }) {
    const { say, number } = state;
    const facts = [say("cluster.people", { n: number(state.people[i]) })];
    if (state.carried.answers) {
      facts.push(say("cluster.buildings", { n: number(state.buildings[i]) }));
      if (state.height(i) !== null) facts.push(say("cluster.height", { n: number(state.height(i)) }));
      facts.push(say(`evidence.${state.evidence(i)}`));
    }
    const order = [state.category, ...study.standard.categories.keys()].filter((c, k, all) => all.indexOf(c) === k);
    const parts = order.map((c) => {
      const kind = state.statusIn(i, c);
      if (!state.carried.answers) return el("p.c15-answer", {}, el("span", {}, state.categoryName(c)), mark(state, kind));
      const rows = state.servicesOf(c).map((s) => serviceRow(study, state, i, s));
      return el("details", { open: c === state.category },
        el("summary", {}, el("span", {}, state.categoryName(c)), mark(state, kind)),
        el("table", {}, el("tbody", {}, ...rows)));
    });
    const reached = reach.map((one, k) => el("li", {}, edgeSwatch(study, k),
      say("cluster.reach_street", { minutes: one.minutes, km: (one.streetM / 1000).toFixed(1) }))).reverse();
    const footer = el("div.c15-reach", {}, el("strong", {}, say("cluster.reach")),
      reach.length ? el("ul", {}, ...reached) : el("p", {}, noReach(state)), stepFree(state, i),
      state.carried.answers ? null : el("p", {}, say("carried.no_answers")));
    const title = [`${say("cluster.name")} · `, name(state.unitName(state.unitOf[i]))];
    detail(title, facts.join(" · "), { say, parts: [footer, ...parts] }, close);
  }

  /* Why no outline is drawn: it did not fit, none was computed, or the cluster stands on no street. */
  function noReach(state) {
    const { left, some } = state.world.outlines;
    if (left) return some ? state.say("carried.reach_left", { n: state.number(left) }) : state.say("carried.reach_none");
    return state.say(some ? "cluster.reach_none" : "carried.reach_none");
  }

  /* How much farther it is for a pram or a wheelchair. */
  function stepFree(state, i) {
    const one = state.stepFree(i);
    if (!one) return null;
    const reached = one.reached ? state.say("step_free.reached", { n: one.without, of: one.reached }) : "";
    const ratio = one.ratio ? state.say("step_free.ratio", { ratio: one.ratio.toFixed(1) }) : "";
    if (one.noWay) return el("p.c15-step-free", {}, el("strong", {}, `⊘ ${state.say("step_free.none")}`));
    if (!ratio && !reached) return null;
    return el("p.c15-step-free", {}, ratio ? el("strong", {}, ratio) : "", reached ? el("small", {}, reached) : "");
  }

  function element(study, state, index, close) {
    const { say, number } = state;
    const one = study.depended[index];
    const rows = one.services.map((s, k) => el("tr", { class: study.services[s].category === state.category ? "c15-current" : null },
      el("th", { scope: "row" }, state.serviceName(s), el("small", {}, state.categoryName(study.services[s].category))),
      el("td.c15-minutes", {}, say("depended.clusters", { n: number(one.origins[k]) })),
      el("td", {}, el("b.c15-count", {}, say("cluster.people", { n: number(one.people[k]) })))));
    const address = one.name ? [say(`kind.${one.kind}`), " · ", name(one.id), " · "] : []; // else it stands in the title
    const lines = el("span", {}, ...address, say("depended.closed"));
    detail([elementSwatch(study, one.kind), " ", elementName(state, one)], lines, { say, parts: [el("table", {}, el("tbody", {}, ...rows))] }, close);
  }

  function unit(study, state, u, close) {
    const { say, number } = state;
    const rows = study.standard.categories.map((_, c) => {
      const cell = state.cell(u, c);
      const look = state.look(u, c);
      return el("tr", { class: c === state.category ? "c15-current" : null },
        el("th", { scope: "row" }, state.categoryName(c), look.unlisted ? el("small.c15-unlisted", {}, look.unlisted) : null),
        el("td.c15-minutes", {}, bar(state, { ...cell, all: cell.people }), el("small", {},
          `${say("state.gap")} ${number(cell.gap)} · ${say("state.unknown")} ${number(cell.unknown)}`)),
        el("td", {}, grade(state, look), state.walker ? el("small", {}, otherwise(state, cell)) : null, satisfied(state, u, c)));
    });
    const people = say("cluster.people", { n: number(state.cell(u, 0).people) });
    detail([name(state.unitName(u))], `${say(`tier.${study.units.tier[u]}`)} · ${people} · ${chosen(state)}`,
      { say, parts: [el("table.c15-unit", {}, el("tbody", {}, ...rows))] }, close);
  }

  /* What the reading that is not chosen says. */
  const otherwise = (state, cell) => (state.reading === "difference" ? state.gradeWord(cell.grade) : state.changeWord(cell.change));

  /* The reading, and the walker where there are several. */
  function chosen(state) {
    const reading = state.say(`reading.${state.reading}`);
    return state.walker ? `${reading} · ${canvas.plain(state.walkerName(state.walker))}` : reading;
  }

  function grade(state, look) {
    const title = [look.close, look.unlisted].filter(Boolean).join(" · ");
    return el("b.c15-grade", { [`data-${look.scale}`]: look.key, title: title || null }, look.word, ...marks(look));
  }

  /* Beside the word: a close call, and a grade that some lists are too incomplete for. */
  const marks = (look) => [
    look.close ? el("i.c15-close-call", { role: "img", "aria-label": look.close }, "≈") : null,
    look.partly ? el("i.c15-close-call", { role: "img", "aria-label": look.unlisted }, "?") : null,
  ];

  /* What residents say, beside what they can reach. */
  function satisfied(state, u, c) {
    const said = state.survey(u, c);
    return said ? el("small.c15-satisfied", { title: state.say("survey.why") }, state.say("survey.said", said)) : null;
  }

  /* --------------------------------------------------------------------------------------------- swatches */

  /* What the card is, and how it is to be read. */
  const cardTitle = (state, words) => $("card").querySelector("h2").replaceChildren(state.say("page.card"), el("small", {}, words));

  function swatch(draw, width = 30) {
    const ratio = canvas.ratioNow();
    const made = el("canvas", { width: width * ratio, height: 18 * ratio, style: { width: `${width}px`, height: "18px" }, "aria-hidden": "true" });
    const context = made.getContext("2d");
    context.scale(ratio, ratio);
    draw(context);
    return made;
  }

  /* A line of the legend: a picture, and words beside it. */
  const line = (draw, words, extra = null, why = null) =>
    el("li", { title: why }, swatch(draw), el("span", {}, words, extra ? el("small", {}, extra) : null));

  /* Colour and pattern of a unit, as on the map. */
  const paint = (palette, scale, key) => (context) => {
    context.fillStyle = palette.base.land;
    context.fillRect(0, 0, 30, 18);
    context.globalAlpha = canvas.CARD_ALPHA;
    context.fillStyle = palette[scale][key];
    context.fillRect(0, 0, 30, 18);
    context.globalAlpha = 1;
    context.fillStyle = canvas.patterns(context)[scale][key];
    context.fillRect(0, 0, 30, 18);
    context.strokeStyle = "rgba(28,39,51,.5)";
    context.strokeRect(0.5, 0.5, 29, 17);
  };

  const block = (heading, items) => el("div", {}, el("h3", {}, ...[].concat(heading)), el("ul", {}, ...items));

  function edgeSwatch(study, i) {
    return swatch((context) => {
      const edge = canvas.EDGES[Math.min(i, canvas.EDGES.length - 1)];
      const color = study.palette.marks.isochrone;
      canvas.EDGES.slice(0, i + 1).forEach(({ fill }) => { // one lies on the other, as on the map
        context.globalAlpha = fill;
        context.fillStyle = color;
        context.fillRect(1, 2, 28, 14);
      });
      context.globalAlpha = 1;
      context.strokeStyle = color;
      context.lineWidth = edge.width;
      context.setLineDash(edge.dash);
      context.strokeRect(1, 2, 28, 14);
    });
  }

  /* What the page leaves out of a large study; the word says what becomes of homes. */
  function leftOut(state, word) {
    const { say, carried } = state;
    const streets = carried.streets_left.map((one) => say(one === "major" ? "legend.major" : `kind.${one}`)).join(say("number.comma"));
    return [
      carried.clusters ? "" : say(word, { n: state.number(carried.count) }),
      carried.answers || !carried.clusters ? "" : say("carried.no_answers"),
      carried.facilities ? "" : say("carried.no_facilities"),
      streets ? say("carried.no_streets", { streets }) : "",
    ].filter(Boolean).join(" ");
  }

  function foot(study, state, word = "squares.always") {
    const { facts, standard } = study;
    const { say, language } = state;
    const colon = say("number.colon");
    const said = [
      [say("foot.standard"), [standard.title[language], standard.authority[language]].join(say("number.semicolon"))],
      [say("foot.units_from"), facts.units_from],
      [say("foot.sources"), facts.attribution],
      [say("foot.note"), facts.note],
    ];
    const left = leftOut(state, word);
    if (left) said.push([say("carried.title"), left]);
    $("foot").replaceChildren(
      ...said.filter(([, text]) => text).map(([key, text]) =>
        el(key === say("foot.note") ? "span.c15-note" : "span", { title: `${key}${colon}${canvas.plain(String(text))}` }, `${key}${colon}`, name(String(text)))),
      el("span", {}, `${say("foot.version", { version: facts.version || "" })} · Leaflet ${L.version}`),
    );
  }

  /* What stands at the pointer. */
  function tip(study, state, found) {
    const { say, number } = state;
    if (found.kind === "facility") {
      const i = found.index;
      const facility = study.facilities;
      return el("div.c15-tip", {},
        el("strong", {}, name(facility.name[i] || say("facility.unnamed"))),
        el("span", {}, `${state.serviceName(facility.service[i])} · ${say(facility.verified[i] ? "facility.verified" : "facility.unverified")}`),
        facility.source[i] === "scenario" ? el("span", {}, say("facility.scenario"))
          : el("span", {}, say(`entrance.${facility.entrance_from[i]}`), " · ", name(facility.source[i])));
    }
    if (found.kind === "cluster") {
      return el("div.c15-tip", {},
        el("strong", {}, `${say("cluster.people", { n: number(state.people[found.index]) })} · ${say(`state.${state.status(found.index)}`)}`),
        el("span", {}, name(state.unitName(state.unitOf[found.index]))));
    }
    if (found.kind === "project") return circle15.progress.tip(study, state, found.index);
    if (found.kind === "element") return el("div.c15-tip", {}, el("strong", {}, elementName(state, study.depended[found.index])), el("span", {}, say("depended.closed")));
    if (found.kind === "square") return circle15.squares.tip(study, state, found);
    const look = found.kind === "unit" ? state.look(found.index, state.category) : null;
    if (look?.close || look?.unlisted) {
      return el("div.c15-tip", {}, el("strong", {}, name(state.unitName(found.index)), ` · ${look.word}${look.close ? " ≈" : ""}`),
        ...[look.close, look.unlisted].filter(Boolean).map((words) => el("span", {}, words)));
    }
    return null;
  }

  return {
    $, el, name, mark, marks, bar, choice, chosen, detail, cardTitle, swatch, line, paint, block, head, figure, figures, categories, switches, ranked, depended,
    elementSwatch, cluster, element, unit, foot, tip, nextLanguage,
  };
})();
