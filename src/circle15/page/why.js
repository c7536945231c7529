/* Definitions: what a title says to a pointer is shown to the keyboard and to a finger as well. */
"use strict";

circle15.why = (() => {
  const { canvas, panel } = circle15;
  const LONG_MS = 6000; // how long a finger's answer stays
  const EDGE_PX = 8;

  function start() {
    const bubble = panel.el("div", { id: "c15-why", "aria-hidden": "true", hidden: true }); // readers hear the title itself
    document.body.append(bubble);
    let timer = null;
    const hide = () => {
      bubble.hidden = true;
      clearTimeout(timer);
    };
    const show = (target) => {
      const holder = target.closest?.("[title]");
      hide();
      if (!holder?.title || holder === document.documentElement) return;
      bubble.textContent = canvas.plain(holder.title);
      bubble.hidden = false;
      place(bubble, holder.getBoundingClientRect());
    };
    document.addEventListener("focusin", ({ target }) => (target.matches(":focus-visible") ? show(target) : hide()));
    document.addEventListener("focusout", hide);
    document.addEventListener("scroll", hide, { capture: true, passive: true });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
    });
    document.addEventListener("pointerup", (event) => {
      if (event.pointerType !== "touch" || event.target.closest?.("button, .folium-map")) return;
      show(event.target);
      timer = setTimeout(hide, LONG_MS);
    });
  }

  /* Below what it tells of, or above where there is no room. */
  function place(bubble, box) {
    const { offsetWidth: wide, offsetHeight: high } = bubble;
    const below = box.bottom + EDGE_PX + high < window.innerHeight;
    const left = Math.max(EDGE_PX, Math.min(box.left, window.innerWidth - wide - EDGE_PX));
    Object.assign(bubble.style, { left: `${left}px`, top: `${Math.max(EDGE_PX, below ? box.bottom + EDGE_PX : box.top - high - EDGE_PX)}px` });
  }

  return { start };
})();
