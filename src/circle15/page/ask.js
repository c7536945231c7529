/* Questions in a meeting: a click is asked of the walking engine, edits make a scenario. What is chosen, what follows
   from it, and what to write and draw again. Stands on what the page tells: ready, written, click. */
"use strict";

circle15.ask = (() => {
  const { data, answers, askPanel, askWords, edits: { Edits }, overlay, traces, scenario } = circle15;
  const NEAR = 14; // pixels from a click to what it means
  const LINK = /^#s=([\w-]+)$/;

  class Ask {
    constructor(page) {
      Object.assign(this, { page, live: null, traces: null, who: 0, edits: new Edits(), effect: null, isOpen: false });
      Object.assign(this, { mode: "ask", pending: null, kind: "stairs", oneWay: false, byKeys: false });
      this.noPlace();
      this.service = page.state.servicesOf(page.state.category)[0];
      const { lat } = page.map.getCenter();
      this.perMetre = 256 / (2 * Math.PI * 6378137 * Math.cos((lat * Math.PI) / 180)); // map pixels at zoom 0
      this.parts = askPanel.mount();
      this.layers = [page.layer("c15-ask-reach", 355, () => overlay.reach(this)), page.layer("c15-ask", 460, () => overlay.marks(this))];
      for (const layer of this.layers) layer.addTo(page.map);
      this.listen();
    }

    noPlace() {
      Object.assign(this, { at: null, cluster: null, answer: null, picked: null, routes: null });
    }

    listen() {
      document.addEventListener("circle15-written", () => this.written());
      document.addEventListener("circle15-click", (event) => {
        if (!this.isOpen) return;
        event.preventDefault();
        this.click(event.detail.about);
      });
      window.addEventListener("keydown", (event) => this.key(event), true);
      window.addEventListener("hashchange", () => this.readLink());
      const holder = this.page.map.getContainer();
      for (const what of ["focus", "blur", "mousedown"]) {
        holder.addEventListener(what, () => setTimeout(() => this.crosshair(holder.matches(":focus-visible"))));
      }
    }

    get walk() {
      return this.live.walk(this.who);
    }

    get reading() {
      return this.page.state.reading === "lenient" ? "lenient" : "strict";
    }

    /* ------------------------------------------------------------------------------------- opening and closing */

    /* The page has been written: in another language, with another choice, with another list. */
    written() {
      const { state } = this.page;
      const open = state.list === "ask";
      const [turned, anew] = [open !== this.isOpen, this.read !== this.reading || this.followWalker()];
      this.isOpen = open;
      this.read = this.reading;
      if (!state.servicesOf(state.category).includes(this.service)) [this.service] = state.servicesOf(state.category);
      if (turned && open) this.opened();
      else if (open && anew && this.live) this.evaluate();
      else if (open) this.write();
      if (open || turned) this.draw();
    }

    /* The walker that the page is about, where the engine has him; says whether it is another one than before. */
    followWalker() {
      const key = this.page.study.walkers[this.page.state.walker]?.key;
      const who = this.live ? this.live.walkers.findIndex((one) => one.key === key) : -1;
      const other = key !== this.followed && who >= 0 && who !== this.who;
      if (this.live) this.followed = key;
      if (other) this.who = who;
      return other;
    }

    opened() {
      const { state } = this.page;
      const { cluster } = state;
      if (["cluster", "square", "unit", "element"].some((kind) => state[kind] !== null)) this.page.close();
      this.started = this.start();
      if (cluster !== null) this.started = this.started.then(() => this.askHome(cluster));
    }

    /* The engine is unpacked when it is first asked for. */
    async start() {
      this.write();
      if (!this.live) {
        this.tell("ask.starting");
        const live = await circle15.live.open(this.page.study, await data.numbers("map"));
        if (!this.live) {
          this.live = live;
          this.traces = new circle15.traces.Traces(live);
          this.followWalker();
        }
        await new Promise((resolve) => setTimeout(resolve)); // so that what is said is seen
        answers.rehearse(this.walk, this.traces.elements); // so that the first edit is answered at once
      }
      this.hint();
      this.evaluate();
    }

    /* A scenario at the end of the address. */
    async readLink() {
      const [, text] = LINK.exec(window.location.hash) ?? [];
      if (!text || text === this.kept) return;
      const said = scenario.parsed(text);
      this.page.set({ list: "ask" });
      await this.started;
      if (!said) {
        this.tell("ask.wrong_link");
        return;
      }
      const [good, bad] = this.possible(said.edits);
      Object.assign(this.edits, { list: good, past: [], name: said.name });
      this.evaluate();
      this.tell(bad ? "ask.opened_some" : "ask.opened", { n: good.length, bad });
    }

    /* Edits that can be made here, and how many can not. */
    possible(edits) {
      let good = edits;
      for (let wrong = this.live.problems(good); wrong.length; wrong = this.live.problems(good)) {
        const bad = new Set(wrong.map((one) => one.edit));
        good = good.filter((_, k) => !bad.has(k));
      }
      return [good, edits.length - good.length];
    }

    /* ---------------------------------------------------------------------------------------------------- input */

    key(event) {
      if (!this.isOpen) return;
      const holder = this.page.map.getContainer();
      if (event.key === "Enter" && event.target === holder) {
        event.preventDefault();
        this.page.click(this.page.map.getCenter());
      }
      if (event.key !== "Escape" || !this.end()) return;
      event.stopImmediatePropagation();
      event.preventDefault();
    }

    /* End what was begun last; says whether there was anything. */
    end() {
      if (this.pending) this.pending = null;
      else if (this.mode !== "ask") this.mode = "ask";
      else if (this.picked !== null) Object.assign(this, { picked: null, routes: null });
      else if (this.at) this.noPlace();
      else return false;
      this.hint();
      this.show();
      return true;
    }

    setMode(mode) {
      Object.assign(this, { mode, pending: null });
      this.hint();
      this.show();
    }

    chooseService(service) {
      this.service = service;
      const { category } = this.page.study.services[service];
      if (category !== this.page.state.category) this.page.set({ category });
    }

    chooseKind(kind) {
      this.kind = kind;
      this.oneWay = kind === "escalator"; // most run one way
      this.show();
    }

    /* The whole page is about the walker that is chosen here, where it has a card of him. */
    chooseWalker(who) {
      const same = this.page.study.walkers.findIndex((one) => one.key === this.live.walkers[who].key);
      this.who = who;
      if (same >= 0) this.page.chooseWalker(same);
      this.evaluate();
    }

    async click(latlng) {
      await this.started;
      const { lng, lat } = latlng.wrap();
      const place = [Number(lng.toFixed(7)), Number(lat.toFixed(7))];
      const { mode } = this;
      if (mode === "ask") this.askAt(place, this.page.find(latlng));
      else if (mode === "add") this.try({ facility: { do: "add", services: [this.page.study.services[this.service].key], lon: place[0], lat: place[1] } });
      else if (mode === "remove") this.remove(place);
      else if (mode === "close") this.close(place);
      else this.drawLink(place);
    }

    /* --------------------------------------------------------------------------------------------------- a place */

    askAt(place, found) {
      if (found.kind === "cluster") this.askHome(found.index);
      else this.askFrom(place, null);
    }

    /* From a home, which stands on the streets as in the run. */
    askHome(cluster) {
      const { clusters } = this.page.world;
      const { lat, lng } = L.CRS.EPSG3857.pointToLatLng(L.point(clusters.xs[cluster], clusters.ys[cluster]), 0);
      this.askFrom([lng, lat], cluster);
    }

    askFrom(at, cluster) {
      Object.assign(this, { at, cluster, picked: null, routes: null });
      this.answerPlace();
      this.show();
      this.tellPlace();
      if (!this.page.map.getBounds().contains([at[1], at[0]])) this.page.map.panTo([at[1], at[0]]);
    }

    answerPlace() {
      if (!this.at) return;
      const { cluster, walk, page } = this;
      const spots = cluster === null ? walk.place(...this.at) : walk.home(cluster);
      const unit = cluster === null ? answers.unitAt(page.world, traces.point(...this.at)) : page.state.unitOf[cluster];
      this.answer = answers.place(walk, this.traces, { spots, unit });
      if (this.picked !== null) this.pick(this.picked, false);
    }

    tellPlace() {
      const { state } = this.page;
      const { spots, reach, services } = this.answer;
      if (!spots.length) {
        this.tell("ask.no_street", { n: state.number(this.walk.walker.off_road_max_m) });
        return;
      }
      const [widest] = reach.slice(-1);
      const count = (kind) => services.filter((one) => one.state === kind).length;
      this.tell("ask.told_place", { n: widest.minutes, people: state.number(widest.people), served: count("served"), gap: count("gap"), unknown: count("unknown") });
    }

    /* Show the way to the nearest of a service; a second time, hide it. */
    pick(service, again = true) {
      const { nearest } = this.answer.services[service];
      const hide = !nearest || (again && this.picked === service);
      this.picked = hide ? null : service;
      this.routes = hide ? null : answers.routes(this.walk, this.traces, { spots: this.answer.spots, row: nearest.row });
      if (again) this.show();
      if (again && this.routes) this.showWays();
    }

    /* Bring ways into view that reach beyond it. */
    showWays() {
      const { map } = this.page;
      const bounds = L.latLngBounds([]);
      for (const { shape } of this.routes.filter(Boolean)) {
        const [west, north, east, south] = shape.box;
        for (const at of [[west, north], [east, south]]) bounds.extend(L.CRS.EPSG3857.pointToLatLng(L.point(...at), 0));
      }
      if (bounds.isValid() && !map.getBounds().contains(bounds)) map.fitBounds(bounds, { ...this.page.margins(), maxZoom: map.getZoom() });
    }

    forget() {
      this.noPlace();
      this.hint();
      this.show();
    }

    /* Where the facility stands that the way leads to. */
    goalPoints() {
      const { nearest } = this.answer.services[this.picked];
      const { row, edit } = this.walk.now.goals.origin[nearest.row];
      if (edit) return [traces.point(edit.lon, edit.lat)];
      const { facilities } = this.page.world;
      return [[facilities.xs[row], facilities.ys[row]]];
    }

    footOf({ piece, share }) {
      return this.traces.part(piece, share, share).slice(0, 2);
    }

    /* --------------------------------------------------------------------------------------------------- edits */

    /* Make an edit, if it can be made; says what is wrong with it otherwise. */
    try(edit) {
      const [clean] = scenario.clean([edit]);
      const [wrong] = this.live.problems([...this.edits.list, clean]);
      if (wrong) {
        this.tellWords(askWords.problem(this, wrong));
        return false;
      }
      this.edits.add(clean);
      this.evaluate();
      this.tellEffect();
      return true;
    }

    /* Close the facility at a place, or take back that it was closed or added. */
    remove(place) {
      const key = this.page.study.services[this.service].key;
      const planned = this.nearest(this.edits.list.map((edit) => (edit.facility?.do === "add" && edit.facility.services.includes(key) ? traces.point(edit.facility.lon, edit.facility.lat) : null)), place);
      const { facilities } = this.page.world;
      const found = this.nearest(this.page.study.facilities.service.map((s, i) => (s === this.service ? [facilities.xs[i], facilities.ys[i]] : null)), place);
      if (planned.distance < found.distance) this.edits.remove(planned.index);
      else if (found.index >= 0) {
        const id = this.live.net.facts.facilities[found.index];
        this.edits.toggle(this.edits.gone(id), { facility: { do: "close", id } });
      } else {
        this.tell("ask.nothing_here", { service: this.page.state.serviceName(this.service) });
        return;
      }
      this.evaluate();
      this.tellEffect();
    }

    /* The nearest of some points on the map, null where one does not count, that a click can mean. */
    nearest(points, place) {
      const [x, y] = traces.point(...place);
      let best = { index: -1, distance: this.within };
      points.forEach((point, index) => {
        const distance = point ? Math.hypot(point[0] - x, point[1] - y) : Infinity;
        if (distance < best.distance) best = { index, distance };
      });
      return best;
    }

    /* As far as a click reaches, in map pixels at zoom 0. */
    get within() {
      return NEAR / 2 ** this.page.map.getZoom();
    }

    close(place) {
      const found = this.traces.elementAt(...traces.point(...place), this.within);
      if (!found || found.shut) {
        this.tell(found ? "ask.shut_already" : "ask.no_element");
        return;
      }
      this.edits.toggle(this.edits.closed(found.id), { close: found.id });
      this.evaluate();
      this.tellEffect();
    }

    /* The first end of a new link, then the second; the first end again takes it back. */
    drawLink(place) {
      if (this.pending && this.nearest([traces.point(...this.pending)], place).index === 0) {
        this.end();
        return;
      }
      if (!this.pending) {
        this.pending = place;
        this.tell("ask.second");
        this.draw();
        return;
      }
      const line = [this.pending, place];
      if (this.try({ add: { kind: this.kind, line, one_way: this.oneWay } })) this.pending = null;
      this.show();
    }

    drop(at) {
      this.edits.remove(at);
      this.evaluate();
      this.tellEffect();
    }

    undo() {
      this.edits.undo();
      this.evaluate();
      this.tellEffect();
    }

    clear() {
      this.edits.clear();
      this.evaluate();
      this.tellEffect();
    }

    rename(name) {
      this.edits.name = name;
      if (this.exported) this.exported.value = this.toml();
      this.keepLink();
    }

    /* What the edits do to the city, and what becomes of the place that is asked. */
    evaluate() {
      this.effect = answers.effect(this.walk, this.edits.list, this.reading);
      this.answerPlace();
      this.keepLink();
      this.show();
    }

    adds() {
      return this.edits.list.flatMap((edit) => (edit.add ? [edit.add] : []));
    }

    /* New links as they are drawn: each addition, then the paths that join it. */
    newLinks() {
      if (!this.live) return [];
      const adds = this.adds();
      return adds.flatMap((add, k) => {
        const before = this.live.links(adds.slice(0, k)).links.length;
        const own = this.live.links(adds.slice(0, k + 1)).links.slice(before);
        return own.map((link, i) => ({ shape: traces.shapeOf([traces.lineOf(link.lonlat)]), kind: add.kind, joins: i > 0 }));
      });
    }

    /* The link that an edit makes, without the paths that join it. */
    ownLink(at) {
      const adds = this.adds();
      const k = this.edits.list.slice(0, at).filter((edit) => edit.add).length;
      return this.live.links(adds.slice(0, k + 1)).links[this.live.links(adds.slice(0, k)).links.length];
    }

    linkTicks(link) {
      return circle15.links.timed(this.live.net, this.walk.walker, link).ticks;
    }

    closedElements() {
      if (!this.traces) return [];
      return this.traces.elements.filter((one) => this.edits.closed(one.id) >= 0);
    }

    /* Facilities that these edits close: row and place on the map. */
    goneRows() {
      if (!this.live) return [];
      const { facilities } = this.page.world;
      return this.edits.list
        .flatMap((edit) => (edit.facility && edit.facility.do !== "add" ? this.live.rowsOf.get(edit.facility.id) : []))
        .map((row) => [row, [facilities.xs[row], facilities.ys[row]]]);
    }

    signOf(row) {
      return this.signOfIndex(this.page.study.facilities.service[row]);
    }

    signOfService(key) {
      return this.signOfIndex(askWords.serviceOf(this, key));
    }

    signOfIndex(s) {
      const { state, study } = this.page;
      return state.servicesOf(study.services[s].category).indexOf(s);
    }

    /* --------------------------------------------------------------------------------------------------- sharing */

    told() {
      return this.edits.scenario(this.page.state.say("ask.nameless"));
    }

    toml() {
      return scenario.toml(this.told());
    }

    link() {
      return `${window.location.href.replace(/#.*$/, "")}#s=${scenario.fragment(this.told())}`;
    }

    /* The address follows the scenario, so that it can be opened again. */
    keepLink() {
      const text = this.edits.list.length ? scenario.fragment(this.told()) : "";
      if (text === (this.kept ?? "")) return;
      this.kept = text;
      try {
        window.history.replaceState(null, "", text ? `#s=${text}` : "#");
      } catch {
        // a page inside another one has no address of its own
      }
    }

    async copy(text, done) {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const area = circle15.panel.el("textarea", { readonly: true });
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      this.tell(done);
    }

    /* --------------------------------------------------------------------------------------------- saying, drawing */

    tell(key, values = {}) {
      this.tellWords(this.page.state.say(key, values));
      this.spoken = () => this.page.state.say(key, values);
    }

    tellWords(words) {
      this.spoken = null;
      this.parts.said.textContent = words;
    }

    hint() {
      this.tell(`ask.hint_${this.mode}`);
    }

    tellEffect() {
      const { state } = this.page;
      if (!this.edits.list.length) {
        this.tell("ask.as_it_is");
        return;
      }
      const { any, cells } = this.effect;
      this.tell("ask.told_effect", { gained: state.number(any.gained), lost: state.number(any.lost), cells: state.number(cells.length) });
    }

    crosshair(shown) {
      this.byKeys = shown && this.isOpen;
      this.draw();
    }

    write() {
      if (this.spoken) this.parts.said.textContent = this.spoken();
      askPanel.write(this);
      document.body.dataset.asking = this.mode;
    }

    draw() {
      for (const layer of this.layers) layer.redraw();
    }

    show() {
      this.write();
      this.draw();
    }
  }

  document.addEventListener("circle15-ready", (event) => {
    const { page } = event.detail;
    if (!page.state.canAsk) return;
    circle15.asking = new Ask(page);
    circle15.asking.readLink();
  });

  return { Ask };
})();
