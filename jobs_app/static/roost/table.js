// The jobs table: refreshes its rows by one conditional request, sends actions without leaving the page, and can be
// used by keyboard. Without this script every button and link works all the same. Needs live.js.
"use strict";
(() => {
  const SLOWEST = 30000; // between two refreshes while nothing is active or nobody answers
  const ANEW = 5000; // at least, between two readings of the whole page
  const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

  class Table {
    constructor(box) {
      this.box = box;
      this.form = box.querySelector("form");
      this.said = box.querySelector(".said");
      this.interval = Number(box.dataset.interval) || 5000;
      this.pause = this.interval;
      this.renewed = 0;
      this.sealed = this.form ? this.form.elements.table.value : box.dataset.follow;
      if (!this.sealed) return;
      this.later("now" in box.dataset && this.active() ? 0 : this.interval);
      document.addEventListener("visibilitychange", () => document.hidden || this.later(0));
      if (!this.form) return;
      this.form.addEventListener("submit", (event) => this.submit(event));
      this.form.addEventListener("change", () => this.count());
      this.form.addEventListener("click", (event) => this.click(event));
      this.ready();
    }

    rows() {
      return [...this.box.querySelectorAll("tr[data-job]")];
    }

    row(id) {
      return this.box.querySelector(`tr[data-job="${Number(id)}"]`);
    }

    active() {
      return this.box.querySelector("tr[data-active]") !== null;
    }

    // --- refresh ----------------------------------------------------------------------------------------------

    later(pause) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.refresh(), pause);
    }

    async refresh() {
      if (document.hidden || !(this.rows().length || this.box.dataset.follow)) return;
      const changed = await this.ask();
      if (this.due && Date.now() - this.renewed > ANEW) await this.renew();
      if (changed === null) this.pause = Math.min(SLOWEST, this.pause * 2);
      else this.pause = this.active() ? this.interval : Math.max(this.interval, SLOWEST / 3);
      this.box.classList.toggle("stale", changed === null);
      this.later(this.pause);
    }

    async ask() {
      const headers = { "Roost-Table": this.sealed, "If-None-Match": this.box.dataset.etag };
      const given = { headers, credentials: "same-origin", cache: "no-store", redirect: "error" };
      const answer = await fetch(this.box.dataset.rows, given).catch(() => null);
      if (!answer || (answer.status !== 200 && answer.status !== 304)) return this.lost(answer);
      if (this.away) this.tell("");
      this.away = false;
      if (answer.status === 304) return 0;
      const news = await answer.json();
      this.box.dataset.etag = answer.headers.get("ETag");
      for (const [id, html] of Object.entries(news.rows)) this.replace(id, html);
      for (const id of news.gone) this.remove(id);
      this.report(Object.keys(news.rows));
      this.due ||= news.newer;
      return 1;
    }

    // Other jobs may belong on this page: it is read again, but not under the hands of somebody who is at work in it.
    async renew() {
      this.due = false;
      this.renewed = Date.now();
      const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" }).catch(() => null);
      if (!answer || !answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const box = page.getElementById(this.box.id), form = box && box.querySelector("form");
      if (!box) return;
      const here = document.getElementById("count"), there = page.getElementById("count");
      if (here && there) here.textContent = there.textContent;
      const ids = (within) => [...within.querySelectorAll("tr[data-job]")].map((row) => row.dataset.job).join();
      if (ids(box) === ids(this.box)) return;
      if (this.busy()) return this.offer();
      if (!form || !this.form) return location.reload();
      this.take(box, form);
    }

    busy() {
      return this.box.querySelector("input[name=job]:checked, :popover-open, dialog[open]") || this.box.contains(document.activeElement);
    }

    offer() {
      const link = Object.assign(document.createElement("a"), { href: location.href, textContent: "Show it" });
      this.tell("This list has changed. ");
      this.said.firstChild.append(link);
    }

    take(box, form) {
      const known = new Set(this.rows().map((row) => row.dataset.job));
      for (const name of ["table", "until"]) this.form.elements[name].value = form.elements[name].value;
      this.sealed = form.elements.table.value;
      this.box.dataset.etag = box.dataset.etag;
      const body = document.adoptNode(box.querySelector("tbody"));
      for (const row of body.querySelectorAll("tr[data-job]")) row.classList.toggle("fresh", !known.has(row.dataset.job));
      this.box.querySelector("tbody").replaceWith(body);
      window.roost.local(body);
      this.ready(body);
      window.roost.say("Other jobs have come.");
    }

    lost(answer) {
      if (!this.away) this.tell(answer && answer.status === 403 ? "Load the page again to see news." : "Roost cannot be reached just now. The rows are as they were.", "warning");
      this.away = true;
      return null;
    }

    replace(id, html) {
      const old = this.row(id);
      if (!old) return;
      const page = new DOMParser().parseFromString(`<table><tbody>${html}</tbody></table>`, "text/html");
      const fresh = document.adoptNode(page.querySelector("tr"));
      const open = old.querySelector("[popover]:popover-open") || old.contains(document.activeElement) && document.activeElement !== old;
      if (open && old.querySelector("[popover]:popover-open")) return void (this.box.dataset.etag = ""); // next time
      const box = old.querySelector("input[name=job]");
      if (box && box.checked) fresh.querySelector("input[name=job]").checked = true;
      const focused = this.focus(old);
      fresh.classList.add("fresh");
      if (box && box.checked) fresh.classList.add("chosen");
      old.replaceWith(fresh);
      window.roost.local(fresh);
      this.ready(fresh);
      if (focused !== null) this.refocus(fresh, focused);
    }

    focus(row) {
      if (document.activeElement === row) return "";
      if (!row.contains(document.activeElement)) return null;
      return document.activeElement.matches("input") ? "input" : document.activeElement.matches("a") ? "a" : "button";
    }

    refocus(row, what) {
      (what ? row.querySelector(what) || row : row).focus({ preventScroll: true });
    }

    remove(id) {
      const row = this.row(id);
      if (!row) return;
      row.classList.add("gone");
      for (const part of row.querySelectorAll("input, button")) Object.assign(part, { disabled: true, checked: false });
      this.count();
      row.removeAttribute("data-active");
      const state = row.querySelector(".state");
      if (state) Object.assign(state, { textContent: "Gone", className: "state", title: "" });
    }

    report(ids) {
      const words = ids.slice(0, 3).map((id) => {
        const row = this.row(id), state = row && row.querySelector(".state");
        return row ? `Job ${id}: ${state ? state.textContent : "changed"}` : "";
      });
      if (ids.length) window.roost.say(words.join(". ") + (ids.length > 3 ? `. And ${ids.length - 3} more have changed.` : ""));
    }

    // --- actions ----------------------------------------------------------------------------------------------

    async submit(event) {
      event.preventDefault();
      const button = event.submitter;
      const overlay = button && "overlay" in button.dataset && this.cover();
      if (button) button.closest("[popover]")?.hidePopover();
      try {
        await this.send(new FormData(this.form, button));
      } finally {
        if (overlay) overlay.remove();
      }
    }

    async send(data) {
      let answer = await this.post(data);
      if (answer.ask) {
        if (!(await window.roost.ask(answer.ask, { word: answer.word, danger: answer.danger }))) return;
        data.set("confirmed", "1");
        if (answer.until) data.set("until", answer.until);
        answer = await this.post(data);
      }
      let done = answer.done || 0, not_done = answer.not_done || 0, reasons = answer.reasons || [];
      while (answer.left) {
        this.tell(`${done} done so far …`);
        data.set("left", answer.left);
        answer = await this.post(data);
        done += answer.done || 0;
        not_done += answer.not_done || 0;
        reasons = reasons.concat(answer.reasons || []).slice(0, 8);
        answer.said = answer.error ? "" : `Done for ${done} jobs${not_done ? `, not for ${not_done}` : ""}.`;
      }
      this.tell(answer.error || answer.said, answer.error ? "error" : not_done ? "warning" : "success", reasons);
      this.later(0);
    }

    async post(data) {
      const given = { method: "POST", body: data, headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "error" };
      const answer = await fetch(this.form.getAttribute("action"), given).catch(() => null);
      const told = answer && (await answer.json().catch(() => null));
      return told || { error: "Roost did not answer. Load the page again to see what was done." };
    }

    tell(text, kind = "", reasons = []) {
      this.said.replaceChildren();
      if (!text) return;
      const note = Object.assign(document.createElement("div"), { className: `note ${kind}`, textContent: text });
      if (reasons.length) {
        const list = document.createElement("ul");
        list.append(...reasons.map((reason) => Object.assign(document.createElement("li"), { textContent: reason })));
        note.append(list);
      }
      this.said.append(note);
    }

    cover() {
      const cover = Object.assign(document.createElement("div"), { className: "overlay" });
      cover.append(Object.assign(document.createElement("p"), { className: "note", textContent: "At work …" }));
      this.box.append(cover);
      return cover;
    }

    async click(event) {
      const link = event.target.closest("a[data-modal], a[data-overlay]");
      if (!link) return;
      if ("overlay" in link.dataset && !("modal" in link.dataset)) return void this.cover();
      event.preventDefault();
      link.closest("[popover]")?.hidePopover();
      const answer = await fetch(link.href, { credentials: "same-origin" }).catch(() => null);
      if (!answer || !answer.ok) return this.tell("That could not be shown.", "error");
      this.show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }

    show(page) {
      const box = Object.assign(document.createElement("dialog"), { className: "wide" });
      const close = Object.assign(document.createElement("button"), { textContent: "Close", className: "main" });
      const buttons = Object.assign(document.createElement("form"), { method: "dialog", className: "buttons" });
      buttons.append(close);
      const content = page.querySelector("main") || page.body;
      box.append(...document.adoptNode(content).childNodes, buttons);
      this.box.append(box);
      box.addEventListener("close", () => box.remove());
      box.showModal();
    }

    // --- choosing ---------------------------------------------------------------------------------------------

    ready(within = this.box) {
      const all = this.box.querySelector("[data-all]");
      if (all && all.hidden) {
        all.hidden = false;
        all.addEventListener("change", () => {
          for (const box of this.form.querySelectorAll("input[name=job]:enabled")) box.checked = all.checked;
          this.count();
        });
      }
      for (const menu of within.querySelectorAll("[popover]")) menu.addEventListener("beforetoggle", place);
    }

    count() {
      const boxes = [...this.form.querySelectorAll("input[name=job]")];
      for (const box of boxes) box.closest("tr").classList.toggle("chosen", box.checked);
      const number = boxes.filter((box) => box.checked).length;
      const told = this.box.querySelector("[data-chosen]");
      if (told) told.textContent = number ? `${number} chosen` : "";
      const all = this.box.querySelector("[data-all]");
      if (all) Object.assign(all, { checked: number > 0 && number === boxes.length, indeterminate: number > 0 && number < boxes.length });
    }

    // --- keys -------------------------------------------------------------------------------------------------

    step(by) {
      const rows = this.rows();
      if (!rows.length) return;
      const here = rows.indexOf(document.activeElement && document.activeElement.closest("tr[data-job]"));
      rows[Math.min(rows.length - 1, Math.max(0, here < 0 ? 0 : here + by))].focus();
    }

    key(event) {
      const row = document.activeElement && document.activeElement.closest("tr[data-job]");
      const on = document.activeElement === row;
      const keys = {
        j: () => this.step(1), ArrowDown: () => row && this.step(1), k: () => this.step(-1), ArrowUp: () => row && this.step(-1),
        x: () => row && this.choose(row), m: () => row && row.querySelector(".dots")?.click(),
        Enter: () => on && row.querySelector("a")?.click(), "/": () => document.querySelector("input[type=search]")?.focus(),
        "?": () => document.getElementById("keys")?.showModal(),
      };
      const does = keys[event.key];
      if (!does || (event.key.length > 1 && !row) || (event.key === "Enter" && !on)) return;
      event.preventDefault();
      does();
    }

    choose(row) {
      const box = row.querySelector("input[name=job]");
      if (box && !box.disabled) box.click();
    }
  }

  // A menu opens beside its button, and inside the window.
  function place(event) {
    if (event.newState !== "open") return;
    const menu = event.target;
    const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
    if (!button) return;
    menu.dataset.placed = "";
    requestAnimationFrame(() => {
      const at = button.getBoundingClientRect(), size = menu.getBoundingClientRect();
      const below = at.bottom + 4 + size.height < innerHeight || at.top < size.height;
      menu.style.top = `${Math.max(4, below ? Math.min(at.bottom + 4, innerHeight - size.height - 4) : at.top - size.height - 4)}px`;
      menu.style.left = `${Math.max(4, Math.min(at.right - size.width, innerWidth - size.width - 4))}px`;
    });
  }

  // A search in which nothing was found yet goes on by itself, until something is, all was seen, or it is stopped.
  async function further(link) {
    const word = link.closest(".jobs-foot").querySelector("p"), said = word.textContent;
    const stop = Object.assign(document.createElement("button"), { type: "button", textContent: "Stop searching" });
    stop.addEventListener("click", () => stop.remove());
    link.before(stop);
    link.hidden = true;
    word.textContent = "Searching …";
    window.roost.say("Searching.");
    while (stop.isConnected) {
      const answer = await fetch(link.href, { credentials: "same-origin" }).catch(() => null);
      if (!answer || !answer.ok || answer.redirected) break;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-further]");
      if (!next) return location.replace(link.href);
      link.href = next.getAttribute("href");
    }
    stop.remove();
    link.hidden = false;
    word.textContent = said;
  }

  const searching = document.querySelector("[data-further]");
  if (searching) further(searching);

  const tables = [...document.querySelectorAll("[data-jobs-table]")].map((box) => new Table(box));
  for (const menu of document.querySelectorAll("form[popover]")) menu.addEventListener("beforetoggle", place);
  const keyed = tables.find((table) => "keys" in table.box.dataset);
  const help = document.querySelector("[data-help]");
  if (keyed) {
    if (help) help.hidden = false;
    help?.addEventListener("click", () => document.getElementById("keys").showModal());
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], [popover]:popover-open")) return;
      if (event.target.matches(TYPING)) return void (event.key === "Escape" && event.target.blur());
      keyed.key(event);
    });
  }
})();
