/* A base map of pictures from the network, where the page was made with one: under everything that the page draws. */
"use strict";

(() => {
  const COVERED = ["streets", "rail", "water", "parks", "buildings"]; // what such pictures show themselves

  /* How far pictures in GCJ-02 lie from where they belong: known on a grid, in between by straight lines. */
  function moved({ box, side, moved: known }, { lat, lng }) {
    const [west, south, east, north] = box;
    const along = (value, low, high) => Math.min(1, Math.max(0, (value - low) / (high - low))) * (side - 1);
    const [x, y] = [along(lng, west, east), along(lat, south, north)];
    const [column, row] = [x, y].map((value) => Math.min(side - 2, Math.floor(value)));
    const [u, v] = [x - column, y - row];
    const at = (i, j, axis) => known[(row + j) * side + column + i][axis];
    const between = (axis) => (1 - v) * ((1 - u) * at(0, 0, axis) + u * at(1, 0, axis)) + v * ((1 - u) * at(0, 1, axis) + u * at(1, 1, axis));
    return L.latLng(lat + between(1), lng + between(0));
  }

  /* Leaflet asks a grid of pictures for its place by the centre of the map: a shifted grid answers for the other datum. */
  const Shifted = L.TileLayer.extend({
    _getTiledPixelBounds(center) {
      return L.TileLayer.prototype._getTiledPixelBounds.call(this, moved(this.options.shift, center));
    },
    _setZoomTransform(level, center, zoom) {
      L.TileLayer.prototype._setZoomTransform.call(this, level, moved(this.options.shift, center), zoom);
    },
  });

  function start(page, given) {
    const { urls, subdomains, max_zoom: maxNativeZoom, shift } = given;
    const made = shift ? (url, options) => new Shifted(url, { ...options, shift }) : L.tileLayer;
    for (const url of urls) made(url, { subdomains, maxNativeZoom, maxZoom: 22 }).addTo(page.map);
    page.state.backdrop = true;
    page.set({ hidden: new Set([...page.state.hidden, ...COVERED]) });
  }

  /* The page says that it needs a network, in the line that is always visible. */
  function foot(page, given) {
    const { panel } = circle15;
    const said = page.state.say("backdrop.needs", { name: given.attribution });
    panel.$("foot").prepend(panel.el("p", { class: "c15-backdrop" }, said));
  }

  const held = document.getElementById("c15-backdrop");
  if (held) {
    const given = JSON.parse(held.textContent);
    document.addEventListener("circle15-written", ({ detail }) => foot(detail.page, given));
    document.addEventListener("circle15-ready", ({ detail }) => start(detail.page, given));
  }
})();
