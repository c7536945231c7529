/* The page: what is chosen, what follows from it, and which part to draw again. */
"use strict";

circle15.page = (() => {
  const { data, canvas, layers, panel, lists, squares, card, legend, progress } = circle15;
  const STATES = ["gap", "unknown", "served"];
  const REASONS = ["", "inventory", "edge", "unplaced"];
  const CAUSES = ["", "none", "far", "terrain", "steps", "closed"];
  const CLOSE_CALL = 0.34; // share of stability runs that give another grade, from which a cell is marked
  const NO_CHANGE = 9;
  const LISTED = 10;

  const NOTHING = { cluster: null, square: null, unit: null, element: null, project: null };
  const UNSHOWN = ["terrain", "depended"]; // layers that the page opens without

  /* Everything that is asked of the data; drawing and wording read it and change nothing. */
  function newState(study, arrays, world) {
    const clusters = world.clusters.count;
    const people = Float64Array.from(arrays["origins.people"], (parts) => parts / study.people_in);
    const columns = study.standard.categories.length;
    const state = {
      world,
      language: study.language,
      category: 0,
      reading: "strict", // lenient: for the study's own walker; difference: for another
      walker: 0, // place in study.walkers; 0 is the study's own
      list: "gaps",
      element: null,
      project: null,
      within: null, // the unit whose parts the card lists; none: all units of the tier
      tier: firstTier(study),
      cluster: null,
      square: null, // its level and its place there
      unit: null,
      zoom: null, // of the map
      kinds: ["served", "unknown", "gap"], // of clusters, from below
      hidden: new Set(UNSHOWN),
      carried: study.carried,
      canAsk: Boolean(circle15.live && document.getElementById("circle15-network")), // the walking engine is in the page
      people,
      size: layers.sizing(people, world.boundary),
      byPeople: byPeople(arrays["origins.people"]),
      unitOf: arrays["origins.unit"],
      buildings: arrays["origins.buildings"],
      height: (i) => (arrays["origins.height"][i] ? arrays["origins.height"][i] - 1 : null),
      evidence: (i) => study.evidence[arrays["origins.evidence"][i]],
    };
    const states = () => arrays[state.reading === "lenient" ? "states.lenient" : "states.strict"];
    state.statusIn = (i, category) => STATES[states()[category * clusters + i]];
    state.status = (i) => state.statusIn(i, state.category);
    state.service = (i, s) => {
      const at = s * clusters + i;
      const tenths = arrays["coverage.minutes"][at];
      return {
        state: STATES[arrays["coverage.state"][at]],
        why: REASONS[arrays["coverage.why"][at]],
        minutes: tenths ? (tenths - 1) / 10 : null,
        count: arrays["coverage.count"][at],
        cause: CAUSES[arrays["coverage.cause"][at]],
      };
    };
    state.cell = (u, c) => {
      const at = u * columns + c;
      if (state.walker) return walkerCell(study, arrays, state.walker, at);
      const suffix = state.reading === "lenient" ? "_lenient" : "";
      const read = (name) => study.card[name][at];
      return {
        people: read("people") ?? 0,
        served: read(`served${suffix}`) ?? 0,
        gap: read(`gap${suffix}`) ?? 0,
        unknown: read(`unknown${suffix}`) ?? 0,
        grade: read(`grade${suffix}`),
        flips: suffix ? 0 : read("flips") ?? 0,
      };
    };
    state.closeCalls = () => !state.walker && state.reading === "strict" && study.card.flips.some((share) => share >= CLOSE_CALL);
    state.changes = () => span(arrays[`walker${state.walker}.change`].filter((n) => n !== NO_CHANGE));
    state.sumFor = (w, c) => (w ? walkerSum(study, arrays, { w, c, all: state.all }) : state.own[c]);
    state.stepFree = (i) => stepFree(arrays, i);
    state.dependedOn = (c) => dependedOn(study, c);
    state.shows = (layer) => !state.hidden.has(layer);
    const terrain = CAUSES.indexOf("terrain");
    state.hasCauses = Boolean(arrays["coverage.cause"]?.includes(terrain));
    state.becauseOfTerrain = (i) => state.status(i) === "gap" && state.servicesOf(state.category).some((s) =>
      state.asked(s) && arrays["coverage.cause"][s * clusters + i] === terrain);
    squares.ask(study, arrays, state);
    lists.ask(study, arrays, state);
    progress.ask(study, state);
    wording(study, state);
    return state;
  }

  /* Most people first, then as they come: sorted as numbers, since there may be very many. */
  function byPeople(people) {
    const most = 2 ** 20;
    const keys = Float64Array.from(people, (parts, i) => i - parts * most).sort();
    return Array.from(keys, (one) => one - Math.floor(one / most) * most);
  }

  /* A cell of the card of another walker than the study's own. */
  function walkerCell(study, arrays, w, at) {
    const read = (name) => arrays[`walker${w}.${name}`][at];
    const change = read("change");
    return {
      people: study.card.people[at] ?? 0,
      served: read("served") / 10,
      gap: read("gap") / 10,
      unknown: read("unknown") / 10,
      grade: read("grade") || null,
      change: change === NO_CHANGE ? null : change,
    };
  }

  /* Over the highest units; of residents outside every unit it cannot be said. */
  function walkerSum(study, arrays, { w, c, all }) {
    const sum = { all, served: 0, gap: 0, unknown: 0 };
    study.units.parent.forEach((parent, u) => {
      if (parent >= 0) return;
      const cell = walkerCell(study, arrays, w, u * study.standard.categories.length + c);
      for (const kind of STATES) sum[kind] += cell[kind];
    });
    const rest = all - sum.served - sum.gap;
    return { ...sum, unknown: rest < 1 ? 0 : rest }; // less than one: rounding
  }

  function stepFree(arrays, i) {
    if (!arrays["step_free.ratio"]) return null;
    const read = (name) => arrays[`step_free.${name}`][i];
    return { ratio: read("ratio") / 100, noWay: read("no_way") === 1, reached: read("reached"), without: read("reached_step_free") };
  }

  /* The elements that most people depend on for one category; for all where it has none. */
  function dependedOn(study, c) {
    const sums = (counts) => study.depended
      .map((one, index) => {
        const services = one.services.flatMap((s, k) => (counts(s) ? [k] : []));
        return { index, services, people: services.reduce((sum, k) => sum + one.people[k], 0) };
      })
      .filter((one) => one.people > 0)
      .sort((a, b) => b.people - a.people || a.index - b.index)
      .slice(0, LISTED);
    const here = sums((s) => study.services[s].category === c);
    return here.length ? { elements: here, everywhere: false } : { elements: sums(() => true), everywhere: true };
  }

  /* Every whole number from the best to the worst, none left out. */
  function span(values) {
    const [low, high] = values.reduce(([least, most], n) => [Math.min(least, n), Math.max(most, n)], [0, 0]);
    return Array.from({ length: high - low + 1 }, (_, i) => high - i);
  }

  /* The part of a cell's address that tells it from the others: without what all start and end with. */
  function cellNames(study) {
    const ids = study.units.id.filter((_, u) => study.units.tier[u] === "cell");
    const [one = ""] = ids;
    let [start, end] = [0, one.length];
    while (start < end - 3 && ids.every((id) => id[start] === one[start])) start += 1;
    while (end > start + 3 && ids.every((id) => id[end - 1] === "f")) end -= 1;
    return (u) => study.units.id[u].slice(start, end);
  }

  /* Subdistricts, where there are enough of them: few enough for a word on each. */
  function firstTier(study) {
    const many = study.units.tier.filter((tier) => tier === "subdistrict").length >= 4;
    return many ? "subdistrict" : study.tiers[study.tiers.length - 1];
  }

  function wording(study, state) {
    const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
    state.say = (key, values = {}) => {
      const [section, word] = key.split(".");
      return fill(study.words[state.language][section][word], values);
    };
    const formats = Object.fromEntries(["zh", "en"].map((one) => [one, new Intl.NumberFormat(study.words[one].number.locale)]));
    state.number = (value) => formats[state.language].format(Math.round(value));
    state.share = (part, all) => (all > 0 ? `${((100 * part) / all).toFixed(1)}%` : "–");
    state.range = (sum) => { // those of whom it cannot be said may all be served, or none
      if (!sum.unknown) return state.share(sum.served, sum.all);
      return `${state.share(sum.served, sum.all).slice(0, -1)}–${state.share(sum.served + sum.unknown, sum.all)}`;
    };
    state.categoryName = (c) => study.standard.categories[c][state.language];
    state.serviceName = (s) => study.services[s][state.language];
    state.servicesOf = (c) => study.services.flatMap((one, s) => (one.category === c ? [s] : []));
    state.asked = (s) => {
      const mine = state.servicesOf(study.services[s].category);
      const basic = mine.some((one) => study.services[one].need === "basic");
      return state.reading === "lenient" || !basic || study.services[s].need === "basic";
    };
    state.gradeWord = (grade) => {
      const band = study.standard.grades.find((one) => one.grade === grade);
      return band ? band[state.language] : state.say("grade.none");
    };
    state.changeWord = (n) => {
      if (n === null) return state.say("change.none");
      return n ? state.say(n > 0 ? "change.up" : "change.down", { n: Math.abs(n) }) : state.say("change.same");
    };
    state.look = (u, c) => { // colour and word of a unit; what is said of close calls and of incomplete lists
      const { people, grade, change, flips } = state.cell(u, c);
      const missing = state.unlisted(u, c);
      const unlisted = missing.length ? state.say("completeness.cell", { services: missing.map(state.serviceName).join(state.say("number.comma")) }) : "";
      if (state.reading === "difference") return { scale: "change", key: String(change ?? "none"), word: state.changeWord(change), close: "", unlisted };
      if (!grade && unlisted && people) return { scale: "grades", key: "unknown", word: state.say("completeness.grade"), close: "", unlisted };
      const close = flips >= CLOSE_CALL ? state.say("stability.said", { share: `${Math.round(100 * flips)}%` }) : "";
      return { scale: "grades", key: String(grade ?? "none"), word: state.gradeWord(grade), close, unlisted, partly: Boolean(grade && unlisted) };
    };
    state.walkerName = (w) => {
      const one = study.walkers[w];
      if (!one) return study.facts[`walker_${state.language}`] || "";
      return one.key === "level" ? state.say("walker.level") : one[state.language];
    };
    const cell = cellNames(study);
    state.unitLabel = (u) => (study.units.tier[u] === "cell" ? "" : state.shortName(study.units.name[u]));
    state.unitName = (u) => {
      if (u < 0) return "–";
      if (study.units.tier[u] === "cell") return state.say("tier.one_cell", { name: cell(u) });
      return study.units.name[u] || study.units.id[u];
    };
    state.shortName = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);
    state.signOf = (i) => state.servicesOf(state.category).indexOf(study.facilities.service[i]);
  }

  /* What follows from the choices. */
  function refresh(study, state) {
    state.own = study.standard.categories.map((_, c) => state.wholeSum(c));
    state.all = state.own[0].all;
    state.sums = state.own.map((_, c) => state.sumFor(state.walker, c));
    state.shown = study.units.tier.flatMap((tier, u) => (tier === state.tier ? [u] : []));
    const services = new Set(state.servicesOf(state.category).filter((s) => state.shows(`service ${s}`)));
    state.facilities = study.facilities.service.flatMap((s, i) => (services.has(s) ? [i] : []));
  }

  /* The page opens at the category that most people lack. */
  const worst = (sums) => sums.reduce((best, sum, c) => (sum.gap > sums[best].gap ? c : best), 0);

  function complete(study) {
    study.services = study.standard.categories.flatMap((category, c) =>
      category.services.map((service) => ({ ...service, category: c })),
    );
    study.counts = study.services.map((_, s) => study.facilities.service.filter((one) => one === s).length);
  }

  function bounds(world, study, shape, i) {
    const [west, north, east, south] = shape.box.subarray(4 * i, 4 * i + 4);
    return L.latLngBounds([
      L.CRS.EPSG3857.pointToLatLng(L.point(west, north), 0),
      L.CRS.EPSG3857.pointToLatLng(L.point(east, south), 0),
    ]);
  }

  /* Which of the elements that take the keyboard has it, and where; found again after everything was written anew. */
  const FOCUSABLE = "button, input, select, summary, [tabindex]";

  function focused() {
    const active = document.activeElement;
    const holder = active?.closest("[id]:not(button)");
    return holder && active !== holder ? { holder, at: [...holder.querySelectorAll(FOCUSABLE)].indexOf(active) } : null;
  }

  function refocus(held) {
    if (!held || document.activeElement !== document.body || held.at < 0) return;
    held.holder.querySelectorAll(FOCUSABLE)[held.at]?.focus({ preventScroll: true });
  }

  class Page {
    constructor(map, study, arrays) {
      Object.assign(this, { map, study });
      complete(study);
      this.world = layers.decode(study, arrays);
      this.begin(arrays);
      this.state.zoom = map.getZoom();
      this.ground = this.layer("c15-ground", 210, layers.ground);
      this.reach = this.layer("c15-reach", 350, layers.reach);
      this.marks = this.layer("c15-marks", 450, layers.marks);
      this.write();
      this.listen();
      circle15.sheet.start(this);
      circle15.why.start();
      this.home(false);
      for (const layer of [this.ground, this.reach, this.marks]) layer.addTo(map);
    }

    /* What can be asked of the data, and what is chosen first. */
    begin(arrays) {
      this.state = newState(this.study, arrays, this.world);
      this.refresh();
      this.state.category = worst(this.state.sums);
      this.refresh();
    }

    refresh() {
      refresh(this.study, this.state);
    }

    tip(found) {
      return panel.tip(this.study, this.state, found);
    }

    layer(pane, height, drawing) {
      const made = this.map.createPane(pane);
      made.style.zIndex = height;
      made.style.pointerEvents = "none"; // layers that an analyst adds stay clickable
      return new canvas.Layer(pane, drawing(this.world, this.study, this.state));
    }

    home(animate = true) {
      this.map.invalidateSize({ animate: false });
      const whole = bounds(this.world, this.study, this.world.boundary, 0);
      this.map.setMaxBounds(whole.pad(3));
      const margins = this.margins();
      const room = L.point(margins.paddingTopLeft).add(margins.paddingBottomRight);
      this.wholeZoom = this.map.getBoundsZoom(whole, false, room);
      this.map.fitBounds(whole, { ...margins, animate });
    }

    receive(isochrones) {
      this.world.isochrones = data.isochrones(isochrones, this.world.clusters, this.world.project);
      this.world.outlines = { left: isochrones["isochrones.left"][0], some: isochrones["isochrones.origin"].length > 0 };
      if (this.state.cluster !== null) this.set({});
    }

    listen() {
      const { map } = this;
      map.on("click", (event) => this.click(event.latlng));
      map.on("mousemove", (event) => this.hover(event.latlng));
      map.on("mouseout", () => this.tooltip?.remove());
      map.on("zoomend", () => this.zoomed());
      map.getContainer().setAttribute("role", "application");
      panel.$("language").addEventListener("click", () => this.set({ language: this.state.language === "zh" ? "en" : "zh" }));
      const [nearer, farther, whole] = panel.$("zoom").querySelectorAll("button");
      nearer.addEventListener("click", () => map.zoomIn());
      farther.addEventListener("click", () => map.zoomOut());
      whole.addEventListener("click", () => this.home());
      panel.$("card-toggle").addEventListener("click", () => this.toggleCard());
      panel.$("layers-toggle").addEventListener("click", () => this.toggleLayers());
      const fold = panel.$("legend-title").querySelector("button");
      fold.addEventListener("click", () => this.toggleLegend(fold.getAttribute("aria-expanded") !== "true"));
      if (window.innerHeight < 560) this.toggleLegend(false);
      document.addEventListener("keydown", (event) => {
        if (event.key === "Escape") this.close();
      });
    }

    /* The legend says what a square measures at this zoom. */
    zoomed() {
      this.state.zoom = this.map.getZoom();
      this.writeLegend();
    }

    /* What other parts of the page are told: ready, written, click; whether the page itself is to answer a click. */
    tell(what, about = null) {
      return document.dispatchEvent(new CustomEvent(`circle15-${what}`, { detail: { page: this, about }, cancelable: true }));
    }

    find(latlng) {
      const place = L.CRS.EPSG3857.latLngToPoint(latlng, 0);
      return layers.find(this.world, this.study, this.state, { place, zoom: this.map.getZoom() });
    }

    click(latlng) {
      if (!this.tell("click", latlng)) return;
      const found = this.find(latlng);
      if (found.kind === "cluster") this.showCluster(found.index);
      else if (found.kind === "square") this.showSquare(found);
      else if (found.kind === "project") this.set({ ...NOTHING, project: found.index });
      else if (found.kind === "element") this.set({ ...NOTHING, element: found.index });
      else if (found.kind === "unit") this.set({ ...NOTHING, unit: found.index });
      else if (found.kind === "none") this.close();
    }

    hover(latlng) {
      const found = this.find(latlng);
      const words = this.tip(found);
      this.map.getContainer().style.cursor = words ? "pointer" : "";
      this.tooltip = this.tooltip || L.tooltip({ direction: "top", offset: [0, -8], opacity: 1 });
      if (words) this.tooltip.setContent(words).setLatLng(latlng).addTo(this.map);
      else this.tooltip.remove();
    }

    showCluster(index, { zoom = false } = {}) {
      this.set({ ...NOTHING, cluster: index });
      if (zoom) this.map.fitBounds(this.around(index), { ...this.margins(), maxZoom: 16, animate: true });
    }

    showSquare({ level, index }, { zoom = false } = {}) {
      this.set({ ...NOTHING, square: { level, index } });
      if (zoom) this.map.fitBounds(squares.bounds({ level, index }), { ...this.margins(), animate: true });
    }

    showElement(index) {
      this.set({ ...NOTHING, element: index });
      this.goTo(this.study.depended[index].at);
    }

    showProject(index) {
      this.set({ ...NOTHING, project: index, category: this.study.projects[index].category });
      this.goTo(this.study.projects[index].at);
    }

    goTo(at) {
      const place = this.world.project.latLng(at);
      this.map.fitBounds(L.latLngBounds([place, place]), { ...this.margins(), maxZoom: 16.5, animate: true });
    }

    /* What is reached from a cluster, or its own surroundings. */
    around(index) {
      const [widest] = this.world.isochrones(index);
      const place = (x, y) => L.CRS.EPSG3857.pointToLatLng(L.point(x, y), 0);
      const { xs, ys } = this.world.clusters;
      const points = widest ? widest.rings.flat().map(([x, y]) => place(x, y)) : [];
      return L.latLngBounds([...points, place(xs[index], ys[index])]);
    }

    /* Room that panels take from the map. */
    margins() {
      if (this.state.printing) return { paddingTopLeft: [12, 12], paddingBottomRight: [12, 12] };
      const phone = window.innerWidth <= 700;
      const wide = (id) => (panel.$(id).hidden || phone ? 0 : panel.$(id).offsetWidth);
      const high = (id) => (panel.$(id).offsetParent === null || phone ? 0 : panel.$(id).offsetHeight);
      const edge = phone ? 8 : 24;
      return {
        paddingTopLeft: [edge, phone ? edge : 48],
        paddingBottomRight: [edge + wide("detail"), edge + Math.max(high("legend"), high("card"))],
      };
    }

    close() {
      panel.$("detail").hidden = true;
      this.set(NOTHING);
    }

    toggleCard() {
      const open = panel.$("card").hidden;
      panel.$("card").hidden = !open;
      document.body.classList.toggle("c15-with-card", open);
      this.write();
      if (this.map.getZoom() <= this.wholeZoom) this.home(); // else the reader is looking at something
    }

    toggleLayers(open = panel.$("layers").hidden) {
      panel.$("layers").hidden = !open;
      panel.$("layers-toggle").setAttribute("aria-expanded", String(open));
    }

    /* Take a layer away, or put it back. */
    toggle(layer, shown) {
      const hidden = new Set(this.state.hidden);
      hidden[shown ? "delete" : "add"](layer);
      this.set({ hidden });
    }

    toggleLegend(open) {
      panel.$("legend-title").querySelector("button").setAttribute("aria-expanded", String(open));
      panel.$("legend-body").hidden = !open;
    }

    /* Change what is chosen, then say and draw it. */
    set(changes) {
      Object.assign(this.state, changes);
      this.refresh();
      if (this.state.unit !== null && !this.covers(this.state.unit)) this.state.unit = null;
      this.write();
      this.redraw();
    }

    redraw() {
      for (const layer of [this.ground, this.reach, this.marks]) layer.redraw();
    }

    /* Whether a unit is on the map, itself or in its parts. */
    covers(unit) {
      return this.state.shown.some((one) => card.above(this.study, one).includes(unit));
    }

    /* Write everything again; what had the keyboard's focus has it still. */
    write() {
      const held = focused();
      this.say();
      refocus(held);
      this.tell("written");
    }

    say() {
      const { study, state } = this;
      panel.head(study, state);
      panel.figures(state);
      panel.categories(study, state, (category) => this.set({ category }));
      panel.switches(study, state, {
        reading: (reading) => this.set({ reading }),
        tier: (tier) => this.set({ tier, within: null }),
        walker: (walker) => this.chooseWalker(walker),
        list: (list) => this.set({ list }),
      });
      panel.ranked(study, state, {
        cluster: (i) => this.showCluster(i, { zoom: true }),
        square: (one) => this.showSquare(one, { zoom: true }),
      });
      panel.depended(study, state, (i) => this.showElement(i));
      lists.write(study, state);
      progress.circles(study, state, (unit, category) => this.pick(unit, category));
      progress.projects(study, state, (i) => this.showProject(i));
      this.writeLegend();
      panel.foot(study, state);
      this.writeCard();
      this.map.getContainer().setAttribute("aria-label", state.say("page.map"));
      this.writeDetail();
    }

    writeLegend() {
      legend.write(this.study, this.state);
      legend.layers(this.study, this.state, (layer, shown) => this.toggle(layer, shown));
    }

    writeCard() {
      const toggle = panel.$("card-toggle");
      const open = !panel.$("card").hidden;
      toggle.textContent = this.state.say("page.card_open");
      toggle.setAttribute("aria-expanded", String(open));
      if (open) this.card();
    }

    card() {
      card.write(this.study, this.state, {
        pick: (unit, category) => this.pick(unit, category),
        choose: (category) => this.set({ category }),
        drill: (unit, open) => this.drill(unit, open),
      });
    }

    /* Go down to the parts of a unit, or back up to the units beside it. */
    drill(unit, open) {
      const { study, state } = this;
      const parent = study.units.parent[unit];
      const up = parent < 0 ? null : parent;
      const [child] = card.childrenOf(study, unit);
      const where = open ? { within: up, tier: study.units.tier[unit] } : { within: unit, tier: study.units.tier[child] };
      this.set({ ...NOTHING, ...where });
      if (where.within === null || study.units.parent[where.within] < 0) this.home();
      else this.zoomTo(where.within);
    }

    writeDetail() {
      const { study, state } = this;
      const close = () => this.close();
      if (state.cluster !== null) {
        panel.cluster(study, state, state.cluster, { reach: this.world.isochrones(state.cluster), close });
      } else if (state.square !== null) squares.detail(study, state, state.square, close);
      else if (state.element !== null) panel.element(study, state, state.element, close);
      else if (state.project !== null) progress.project(study, state, state.project, close);
      else if (state.unit !== null) panel.unit(study, state, state.unit, close);
      else panel.$("detail").hidden = true;
    }

    /* A difference needs another walker, the lenient reading the study's own. */
    chooseWalker(walker) {
      const kept = walker ? ["strict", "difference"] : ["strict", "lenient"];
      this.set({ walker, reading: kept.includes(this.state.reading) ? this.state.reading : "strict" });
    }

    pick(unit, category) {
      const { tier, parent } = this.study.units;
      const kept = this.covers(unit) ? {} : { tier: tier[unit], within: parent[unit] < 0 ? null : parent[unit] };
      this.set({ ...NOTHING, ...kept, category, unit });
      this.zoomTo(unit);
    }

    zoomTo(unit) {
      this.map.fitBounds(bounds(this.world, this.study, this.world.units, unit), { ...this.margins(), maxZoom: 16 });
    }
  }

  /* Opens a page of this kind on a map. */
  const opening = (Kind) => async (map) => {
    const message = document.getElementById("c15-message");
    if (message.className === "c15-stop") return;
    try {
      const [study, arrays] = await Promise.all([data.values("study"), data.numbers("map")]);
      const page = new Kind(map, study, arrays);
      circle15.shown = page;
      message.hidden = true;
      document.body.classList.add("c15-ready");
      performance.mark("circle15-ready");
      requestAnimationFrame(() => setTimeout(() => performance.mark("circle15-map"))); // the first map is on the screen
      page.tell("ready");
      await new Promise((resolve) => setTimeout(resolve)); // outlines are unpacked after the first picture
      if (document.getElementById("circle15-isochrones")) page.receive(await data.numbers("isochrones"));
      performance.mark("circle15-interactive"); // every click is answered in full
    } catch (error) {
      message.hidden = false;
      message.querySelector("p").textContent = message.dataset.failed;
      message.className = "c15-stop";
      throw error;
    }
  };

  return { Page, byPeople, firstTier, opening, wording };
})();

circle15.start = circle15.page.opening(circle15.page.Page);
