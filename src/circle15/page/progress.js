/* How many living circles are built, what the others lack, and what should be built next. */
"use strict";

circle15.progress = (() => {
  const { canvas, panel } = circle15;
  const { $, el, name } = panel;
  const MARKS = { built: "served", "not built": "gap", unknown: "unknown" };

  /* What can be asked of circles and projects: added to the state of the page. */
  function ask(study, state) {
    const { rows } = study.circles;
    state.circlesBuilt = () => ({ built: rows.filter((one) => one.state === "built").length, all: rows.length });
    state.projectsShown = () => (state.shows("projects")
      ? study.projects.flatMap((one, i) => (state.list === "projects" || one.category === state.category || i === state.project ? [i] : [])) : []);
    state.circleRule = () => {
      const { grade, basis } = study.circles.built;
      const rule = state.say("circles.rule", { grade: state.gradeWord(grade) });
      return { rule, why: `${rule} ${state.spoken(basis)}` };
    };
    state.figureOfCircles = () => {
      const { built, all } = state.circlesBuilt();
      return all ? { key: "circles", of: state.walker ? state.walkerName(0) : "", value: `${state.number(built)} / ${state.number(all)}`, why: state.circleRule().why } : null;
    };
  }

  /* -------------------------------------------------------------------------------------------------- circles */

  /* A line from none to all circles: how many are built, and where the targets stand. */
  function track(study, state) {
    const { built, all } = state.circlesBuilt();
    const most = Math.max(all, ...study.circles.targets.map((one) => one.circles), 1);
    const at = (n) => `${(100 * n) / most}%`;
    return el("div.c15-track", { "aria-hidden": "true" }, el("i", { style: { width: at(built) } }),
      ...study.circles.targets.map((one) => el("b", { style: { left: at(one.circles) } }, el("small", {}, String(one.circles)))));
  }

  function target(state, one) {
    const { say, number } = state;
    const left = one.short > 0 ? say("circles.short", { n: number(one.short) }) : say("circles.reached");
    const undecided = one.undecided ? say("circles.undecided", { n: number(one.undecided) }) : "";
    return el("tr", { title: say("circles.target_why", { due: canvas.plain(one.due) }) },
      el("th", { scope: "row" }, name(one.due)), el("td", {}, say("circles.target", { n: number(one.circles) })),
      el("td", { class: one.short > 0 ? "c15-behind" : null }, [left, undecided].filter(Boolean).join(" · ")));
  }

  function circle(state, one, { best, pick }) {
    const { say, number } = state;
    const list = (places) => places.map(state.categoryName).join(say("number.comma"));
    const asked = one.met + one.lacks.length + one.undecided.length;
    const words = [one.lacks.length ? say("circles.lacks", { services: list(one.lacks) }) : "",
      one.undecided.length ? say("circles.not_graded", { services: list(one.undecided) }) : ""].filter(Boolean).join(" ");
    return el("li", {}, el("button", { type: "button", onclick: () => pick(one.unit, one.lacks[0] ?? state.category) },
      el("span.c15-where", {}, name(state.unitName(one.unit)), " ", panel.mark(state, MARKS[one.state], say(`circles.${one.state.replace(" ", "_")}`))),
      el("span.c15-met", { title: say("circles.met_why") }, say("circles.met", { n: number(one.met), of: number(asked) })),
      el("span.c15-lacks", {}, words, one.short ? el("span", { title: say("circles.people_why") }, ` ${say("circles.people", { n: number(one.short) })}`) : ""),
      el("i.c15-length", { style: { width: `${(100 * one.met) / best}%` }, "aria-hidden": "true" })));
  }

  function circles(study, state, pick) {
    const { say, number } = state;
    const { rows, targets } = study.circles;
    $("circles").hidden = (state.list !== "circles" && !state.printing) || !rows.length;
    if ($("circles").hidden) return;
    const { built, all } = state.circlesBuilt();
    $("circles").querySelector("h2").replaceChildren(say("circles.title"), state.walker ? el("small", {}, " · ", name(state.walkerName(0))) : "");
    $("circles").querySelector(".c15-about").replaceChildren(
      el("p.c15-big", { title: state.circleRule().why, tabindex: "0" }, el("strong", {}, number(built)), ` ${say("circles.of", { n: number(all) })}`),
      track(study, state),
      targets.length ? el("table", {}, el("caption", {}, say("circles.targets")), el("tbody", {}, ...targets.map((one) => target(state, one)))) : "");
    const best = Math.max(1, ...rows.map((one) => one.met + one.lacks.length + one.undecided.length));
    $("circles").querySelector("ol").replaceChildren(...rows.map((one) => circle(state, one, { best, pick })));
    const { rule, why } = state.circleRule();
    $("circles").querySelector("ol + p").replaceChildren(el("span", { title: why, tabindex: "0" }, rule));
  }

  /* ------------------------------------------------------------------------------------------------- projects */

  const swatch = (one) => panel.swatch((context) => canvas.proposal(context, [12, 9], { rank: one.rank, near: one.phase === "near", radius: 7.5 }), 24);

  function title(study, state, one) {
    const service = study.services.findIndex((known) => known.key === one.service);
    return service < 0 ? state.categoryName(one.category) : state.serviceName(service);
  }

  function row(study, state, one, { index, most, show }) {
    const { say } = state;
    const more = [one.name, say("projects.cost", { cost: say(`projects.cost_${one.cost_class}`) })].filter(Boolean);
    return el("li", {}, el("button", { type: "button", onclick: () => show(index), "data-project": String(one.rank) },
      el("span.c15-where", {}, swatch(one), el("span", {}, title(study, state, one))),
      el("span.c15-count.c15-gain", { title: say("projects.people_why") }, say("projects.people", { n: state.number(one.people) })),
      el("span.c15-lacks", {}, ...more.flatMap((words, k) => [k ? " · " : "", name(words)])),
      el("i.c15-length.c15-gain", { style: { width: `${(100 * one.people) / most}%` }, "aria-hidden": "true" })));
  }

  function projects(study, state, show) {
    const { say } = state;
    $("projects").hidden = (state.list !== "projects" && !state.printing) || !study.projects.length;
    if ($("projects").hidden) return;
    const most = Math.max(1, ...study.projects.map((one) => one.people));
    const rows = study.projects.map((one, index) => ({ one, index }));
    const part = (phase) => {
      const mine = rows.filter(({ one }) => (one.phase === "near") === (phase === "near"));
      return mine.length ? [el("h3", {}, say(`projects.${phase}`)), el("ol", {}, ...mine.map(({ one, index }) => row(study, state, one, { index, most, show })))] : [];
    };
    $("projects").querySelector("div").replaceChildren(...part("near"), ...part("reserve"));
    $("projects").querySelector("div + p").textContent = say("projects.why");
  }

  /* What is said of one project that was chosen. */
  function project(study, state, index, close) {
    const { say } = state;
    const one = study.projects[index];
    const conditions = ["need", "basis", "equipment", "place"].map((key) => `${say(`projects.${key}`)} ${say(`projects.is_${one[key]}`)}`);
    const facts = [["projects.category", state.categoryName(one.category)], ["projects.unit", one.unit < 0 ? "" : state.unitName(one.unit)],
      ["projects.people_name", say("projects.people", { n: state.number(one.people) })], ["projects.by_group", one.by_group],
      ["projects.conditions", conditions.join(say("number.comma"))], ["projects.cost_name", say(`projects.cost_${one.cost_class}`)],
      ["projects.step_free", say(`projects.is_${one.step_free}`)], ["projects.cells", one.cells], ["projects.evidence", state.spoken(one.evidence.split(" | "))]];
    const rows = facts.filter(([, words]) => words).map(([key, words]) => el("tr", {}, el("th", { scope: "row" }, say(key)), el("td", {}, name(words))));
    panel.detail([swatch(one), " ", one.name ? name(one.name) : title(study, state, one)], say(`projects.${one.phase === "near" ? "near" : "reserve"}`),
      { say, parts: [el("table.c15-project", {}, el("tbody", {}, ...rows))] }, close);
  }

  function tip(study, state, index) {
    const one = study.projects[index];
    const people = state.say("projects.people", { n: state.number(one.people) });
    return el("div.c15-tip", {}, el("strong", {}, `${one.rank} · ${title(study, state, one)}`), el("span", {}, name(one.name), ` · ${people}`));
  }

  return { ask, circles, projects, project, tip };
})();
