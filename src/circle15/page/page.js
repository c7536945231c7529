/* The page: what is chosen, what follows from it, and which part to draw again. */
"use strict";

circle15.page = (() => {
  const { data, canvas, layers, panel, lists, squares, card, legend, progress, state: choices } = circle15;
  const NOTHING = { cluster: null, square: null, unit: null, element: null, project: null };

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
      Object.assign(this, { map, study, drawn: [] }); // every canvas, the lowest first
      choices.complete(study);
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
      this.state = choices.newState(this.study, arrays, this.world);
      this.refresh();
      this.state.category = choices.worst(this.state.sums);
      this.refresh();
    }

    refresh() {
      choices.refresh(this.study, this.state);
    }

    tip(found) {
      return panel.tip(this.study, this.state, found);
    }

    layer(pane, height, drawing) {
      const made = this.map.createPane(pane);
      made.style.zIndex = height;
      made.style.pointerEvents = "none"; // layers that an analyst adds stay clickable
      made.classList.add("c15-drawn");
      const layer = new canvas.Layer(pane, drawing(this.world, this.study, this.state));
      this.drawn.push({ height, layer });
      this.drawn.sort((one, other) => one.height - other.height);
      return layer;
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
      panel.$("language").addEventListener("click", () => this.switchLanguage());
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

    /* Words of another length leave another room to the map. */
    switchLanguage() {
      this.set({ language: panel.nextLanguage(this.study, this.state) });
      if (this.map.getZoom() <= this.wholeZoom) this.home(false);
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
        paddingTopLeft: [edge, phone ? edge : 16],
        paddingBottomRight: [edge + wide("detail"), 16 + Math.max(high("legend"), high("card"))],
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
      progress.circles(study, state, (unit, category) => this.pick(unit, category, { itself: true }));
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

    /* Go to a unit and a category; the parts that the map shows of it stay, unless it is to be shown itself. */
    pick(unit, category, { itself = false } = {}) {
      const { tier, parent } = this.study.units;
      const kept = (itself ? this.state.shown.includes(unit) : this.covers(unit)) ? {} : { tier: tier[unit], within: parent[unit] < 0 ? null : parent[unit] };
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

  return { Page, opening };
})();

circle15.start = circle15.page.opening(circle15.page.Page);
