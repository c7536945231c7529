/* A scenario: a name and edits, as plain values; its text for a study file, and for the end of an address.

   An edit is one of
     { close: "way/421605016" }                                                 an OSM element that is shut
     { add: { kind, line: [[lon, lat], ...], rise_m, steps, one_way } }         a link that is not there yet
     { facility: { do: "add", services: [...], lon, lat, name, floor_area_m2, capacity } }   a place that is not there yet
     { facility: { do: "close", id } } and { facility: { do: "move", id, lon, lat } }
   with the words and the meaning of the study file. */
"use strict";

circle15.scenario = (() => {
  const KINDS = ["path", "stairs", "escalator", "lift", "bridge", "crossing"];
  const SIZES = ["floor_area_m2", "capacity"];
  const DIGITS = 7; // of a degree: a centimetre

  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  const isText = (value) => typeof value === "string" && value !== "";
  const isDegrees = (lon, lat) => isNumber(lon) && isNumber(lat) && Math.abs(lon) <= 180 && Math.abs(lat) <= 90;
  const rounded = (degrees) => Number(degrees.toFixed(DIGITS));

  /* One edit with the keys that it may have and no others; null where it is none. */
  function one(edit) {
    if (isText(edit?.close)) return { close: edit.close };
    if (edit?.add) return link(edit.add);
    return edit?.facility ? facility(edit.facility) : null;
  }

  function link({ kind, line, rise_m: rise, steps, one_way: oneWay }) {
    const points = Array.isArray(line) && line.length > 1 && line.every((at) => Array.isArray(at) && isDegrees(...at));
    const counted = steps === undefined || steps === null || (Number.isInteger(steps) && steps > 0);
    const climbs = rise === undefined || rise === null || isNumber(rise);
    if (!KINDS.includes(kind) || !points || !counted || !climbs) return null;
    const drawn = line.map(([lon, lat]) => [rounded(lon), rounded(lat)]);
    return { add: { kind, line: drawn, rise_m: rise ?? null, steps: steps ?? null, one_way: oneWay === true } };
  }

  function facility({ do: what, id, services, lon, lat, name, ...sizes }) {
    const at = isDegrees(lon, lat) ? { lon: rounded(lon), lat: rounded(lat) } : null;
    if (what === "close" && isText(id)) return { facility: { do: what, id } };
    if (what === "move" && isText(id) && at) return { facility: { do: what, id, ...at } };
    if (what !== "add" || !at || !Array.isArray(services) || !services.length || !services.every(isText)) return null;
    const given = Object.fromEntries(SIZES.filter((key) => sizes[key] > 0 && isNumber(sizes[key])).map((key) => [key, sizes[key]]));
    return { facility: { do: what, services: [...services], ...at, ...(isText(name) ? { name } : {}), ...given } };
  }

  /* Edits as they are meant; raises an error at what is none. */
  function clean(edits) {
    return edits.map((edit) => {
      const found = one(edit);
      if (!found) throw new TypeError(`no edit: ${JSON.stringify(edit)}`);
      return found;
    });
  }

  /* --------------------------------------------------------------------------------------------- the study file */

  /* A text as TOML has it. */
  function quoted(text) {
    return JSON.stringify(text.toWellFormed ? text.toWellFormed() : text).replace(/\u007f/g, "\\u007f");
  }

  const array = (values) => `[${values.join(", ")}]`;

  /* A number as TOML has it; a whole number is a float too. */
  const number = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));

  /* The block of a study file that `circle15 run --scenario` reproduces. */
  function toml({ name, edits }) {
    const said = clean(edits);
    const closed = [...new Set(said.flatMap((edit) => (edit.close === undefined ? [] : [edit.close])))];
    const lines = ["[[scenario]]", `name = ${quoted(name)}`];
    if (closed.length) lines.push(`close = ${array(closed.map(quoted))}`);
    for (const { add } of said.filter((edit) => edit.add)) lines.push("", "[[scenario.add]]", ...linkLines(add));
    for (const edit of said.filter((one) => one.facility)) lines.push("", "[[scenario.facilities]]", ...facilityLines(edit.facility));
    return `${lines.join("\n")}\n`;
  }

  function linkLines(add) {
    const lines = [`kind = ${quoted(add.kind)}`, `line = ${array(add.line.map((at) => array(at.map(number))))}`];
    if (add.rise_m !== null) lines.push(`rise_m = ${number(add.rise_m)}`);
    if (add.steps !== null) lines.push(`steps = ${add.steps}`);
    if (add.one_way) lines.push("one_way = true");
    return lines;
  }

  function facilityLines({ do: what, id, services, lon, lat, name, ...sizes }) {
    const lines = [`do = ${quoted(what)}`];
    if (id !== undefined) lines.push(`id = ${quoted(id)}`);
    if (services) lines.push(`services = ${array(services.map(quoted))}`);
    if (name !== undefined) lines.push(`name = ${quoted(name)}`);
    if (lon !== undefined) lines.push(`lon = ${number(lon)}`, `lat = ${number(lat)}`, 'datum = "wgs84"');
    for (const key of SIZES) if (sizes[key] !== undefined) lines.push(`${key} = ${number(sizes[key])}`);
    return lines;
  }

  /* ------------------------------------------------------------------------------------------ the end of an address */

  function fragment({ name, edits }) {
    const bytes = new TextEncoder().encode(JSON.stringify({ name, edits: clean(edits) }));
    const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  /* A scenario from such a text; null where it is none. */
  function parsed(text) {
    try {
      const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
      const said = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(raw, (one) => one.charCodeAt(0))));
      return { name: String(said.name), edits: clean(said.edits) };
    } catch {
      return null;
    }
  }

  return { clean, toml, fragment, parsed };
})();
