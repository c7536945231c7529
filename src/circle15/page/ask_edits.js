/* The edits of a meeting: a list with a name, each change of it taken back one after the other. */
"use strict";

circle15.edits = (() => {
  class Edits {
    constructor() {
      this.list = [];
      this.past = [];
      this.name = "";
    }

    change(list) {
      this.past.push(this.list);
      this.list = list;
    }

    add(edit) {
      this.change([...this.list, edit]);
    }

    remove(at) {
      this.change(this.list.filter((_, k) => k !== at));
    }

    clear() {
      if (this.list.length) this.change([]);
    }

    undo() {
      if (this.past.length) this.list = this.past.pop();
    }

    /* Where an element is closed by these edits, -1: it is not. */
    closed(id) {
      return this.list.findIndex((edit) => edit.close === id);
    }

    /* Where a facility is closed by these edits. */
    gone(id) {
      return this.list.findIndex((edit) => edit.facility?.do === "close" && edit.facility.id === id);
    }

    /* Close what is open, open what these edits have closed. */
    toggle(at, edit) {
      if (at < 0) this.add(edit);
      else this.remove(at);
    }

    /* As the engine and the study file have it; a nameless scenario takes the name that is given. */
    scenario(nameless) {
      return { name: this.name.trim() || nameless, edits: this.list };
    }
  }

  return { Edits };
})();
