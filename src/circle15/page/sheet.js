/* The page on paper: one sheet with map and figures, then the card and the plans; the same layout on A4 and A3. */
"use strict";

circle15.sheet = (() => {
  const { canvas, panel } = circle15;
  const HEIGHT = 690; // of a landscape A4 sheet within its margins, in pixels, with a little to spare; A3 is the same, enlarged
  const ROW = 46; // least height of one in the list of gaps
  const SHARPNESS = 3;

  function start(page) {
    let kept = null;
    window.addEventListener("beforeprint", () => {
      if (!kept) kept = begin(page);
    });
    window.addEventListener("afterprint", () => {
      if (kept) end(page, kept);
      kept = null;
    });
  }

  function begin(page) {
    const { map, state } = page;
    const kept = { center: map.getCenter(), zoom: map.getZoom(), bounds: map.getBounds(), card: panel.$("card").hidden, whole: map.getZoom() <= page.wholeZoom };
    document.body.classList.add("c15-printing");
    document.head.append(margin(page));
    panel.$("card").hidden = false;
    state.printing = { listed: 0 };
    canvas.sharpen(SHARPNESS);
    page.say();
    const high = (id) => panel.$(id).offsetHeight;
    const main = HEIGHT - ["head", "synthetic", "legend", "foot"].reduce((sum, id) => sum + high(id), 0);
    document.body.style.setProperty("--main", `${main}px`);
    const list = Math.max(0, main - high("categories"));
    document.body.style.setProperty("--list", `${list}px`);
    state.printing.listed = Math.floor(list / ROW);
    page.say();
    const ranked = panel.$("ranked").querySelector("ol");
    while (state.printing.listed && ranked.scrollHeight > ranked.clientHeight) { // as many as there is room for
      state.printing.listed -= 1;
      page.say();
    }
    map.invalidateSize({ animate: false, pan: false });
    if (kept.whole) page.home(false);
    else map.fitBounds(kept.bounds, { animate: false });
    redraw(page);
    const [ground, ...above] = page.drawn.map((one) => one.layer);
    ground.take(above); // canvases that one sees through are printed white
    return kept;
  }

  function redraw(page) {
    for (const { layer } of page.drawn) layer.redraw();
  }

  function end(page, kept) {
    document.body.classList.remove("c15-printing");
    document.getElementById("c15-margin").remove();
    panel.$("card").hidden = kept.card;
    page.state.printing = null;
    canvas.sharpen(null);
    page.write();
    page.map.invalidateSize({ animate: false, pan: false });
    page.map.setView(kept.center, kept.zoom, { animate: false, reset: true });
    redraw(page);
  }

  /* What stands at the foot of every sheet: what this is, of when, and whether it is made up. */
  function margin({ study, state }) {
    const { facts, standard } = study;
    const place = state.placeName(state.language);
    const parts = [place, facts.synthetic ? state.say("page.synthetic") : "", facts.data_date, standard.title[state.language], `circle15 ${facts.version || ""}`];
    const text = JSON.stringify(canvas.plain(parts.filter(Boolean).join(" · "))).replace(/[<\n]/g, " ");
    const font = "font: 8.5pt sans-serif; color: #44505d;";
    return panel.el("style", { id: "c15-margin" },
      `@page { @bottom-left { content: ${text}; ${font} white-space: nowrap; } @bottom-right { content: counter(page) " / " counter(pages); ${font} white-space: nowrap; } }`);
  }

  return { start };
})();
