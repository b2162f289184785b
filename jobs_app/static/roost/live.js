// What every page has: questions before what cannot be undone, the colours' switch, times in the reader's zone, and
// the part of a page that keeps itself current. No page needs it to work.
"use strict";
(() => {
  const PAUSE = 2000;
  const cookie = (name, value) =>
    (document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`);

  // --- questions: roost.ask("Stop this job?", {word: "Stop", danger: true}) gives a promise of true or false -----

  function ask(question, { word = "Yes", danger = false } = {}) {
    const box = document.createElement("dialog");
    box.setAttribute("aria-labelledby", "roost-question");
    const said = Object.assign(document.createElement("p"), { id: "roost-question", textContent: question });
    const buttons = Object.assign(document.createElement("form"), { method: "dialog", className: "buttons" });
    const no = Object.assign(document.createElement("button"), { value: "", textContent: "Cancel" });
    const yes = Object.assign(document.createElement("button"), { value: "yes", textContent: word });
    yes.className = danger ? "main danger" : "main";
    buttons.append(no, yes);
    box.append(said, buttons);
    (document.querySelector(".roost") || document.body).append(box);
    return new Promise((tell) => {
      box.addEventListener("close", () => (tell(box.returnValue === "yes"), box.remove()));
      box.showModal();
      (danger ? no : yes).focus();
    });
  }

  document.addEventListener("submit", async (event) => {
    const button = event.submitter;
    const question = button && button.dataset.confirm;
    if (!question || event.defaultPrevented) return;
    event.preventDefault();
    const form = event.target;
    if (!(await ask(question, { word: button.textContent.trim(), danger: button.classList.contains("danger") }))) return;
    delete button.dataset.confirm;
    form.requestSubmit(button);
  });

  // --- what a screen reader is told, politely ---------------------------------------------------------------------

  function say(text) {
    const place = document.getElementById("said");
    if (place) place.textContent = text;
  }

  // --- colours: as the system has them, light, dark ---------------------------------------------------------------

  const THEMES = ["", "light", "dark"];
  const WORDS = { "": "◐ Auto", light: "○ Light", dark: "● Dark" };
  const root = document.documentElement;
  const theme = () => root.dataset.theme || "";
  const switcher = document.querySelector("[data-theme-switch]");

  function name() {
    switcher.textContent = WORDS[theme()];
    switcher.title = "Colours: as the system has them, light, or dark";
  }
  if (switcher) {
    switcher.hidden = false;
    name();
    switcher.addEventListener("click", () => {
      const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
      if (next) root.dataset.theme = next;
      else delete root.dataset.theme;
      cookie("roost_theme", next);
      name();
    });
  }

  // --- times: the server writes them in the zone of the cookie; before it has one they are mended here --------------

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const shownIn = document.body.dataset.zone;
  const SHORT = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

  function local(within) {
    if (shownIn === zone) return;
    for (const time of within.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!isNaN(moment)) time.textContent = moment.toLocaleString("sv-SE", SHORT);
    }
  }
  if (shownIn && shownIn !== zone) {
    cookie("roost_zone", zone);
    local(document);
  }

  // --- <div id="live" data-live data-active>: the part of a page that is read again while its jobs are active -------

  async function refresh() {
    const live = document.getElementById("live");
    if (!live || !live.hasAttribute("data-active")) return;
    if (!document.hidden && !live.contains(document.activeElement)) await replace(live);
    setTimeout(refresh, PAUSE);
  }

  async function replace(live) {
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (!fresh) return;
    live.replaceWith(fresh);
    local(fresh);
  }

  // --- data-since: how long something has lasted, which grows while one looks -----------------------------------------

  function tick() {
    for (const each of document.querySelectorAll("[data-since]")) {
      each.textContent = duration(Math.max(0, (Date.now() - Date.parse(each.dataset.since)) / 1000));
    }
  }

  function duration(seconds) {
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    const two = (number) => String(number).padStart(2, "0");
    const whole = Math.floor(seconds), minutes = Math.floor(whole / 60) % 60, hours = Math.floor(whole / 3600);
    if (hours >= 24) return `${Math.floor(hours / 24)} d ${two(hours % 24)}:${two(minutes)}`;
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  }

  setInterval(() => document.hidden || tick(), 1000);

  // --- where one is stays in sight, where the header and the tabs are wider than a phone -----------------------------

  for (const here of document.querySelectorAll("nav [aria-current=page]")) {
    const row = here.closest("ul, nav");
    row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  }

  // --- a file that is too large is told before it is sent: it would be refused afterwards ------------------------------

  document.addEventListener("change", ({ target }) => {
    if (!target.matches("input[type=file][data-largest]")) return;
    const large = [...target.files].find((file) => file.size > Number(target.dataset.largest));
    target.setCustomValidity(large ? `${large.name} is too large: ${target.dataset.most} are allowed here.` : "");
    target.reportValidity();
  });

  const link = document.querySelector("form[data-submit]");
  if (link) link.submit();
  setTimeout(refresh, PAUSE);
  window.roost = { ask, say, local };
})();
