// A job's page keeps itself current: one conditional request for all of it, one for the output that is followed.
// Both cost nothing when nothing changed. Without this script the page is the same, as it was when it was read.
"use strict";
(() => {
  const PAUSE = 2000, SOON = 60, LATE = 15000, MOST = 2_000_000;

  // --- <div data-job data-etag data-active>: its parts with data-fresh are replaced, unless somebody is in them ------

  const job = document.querySelector("[data-job]");

  async function refresh() {
    if (!job.hasAttribute("data-active")) return;
    if (!document.hidden) await look();
    setTimeout(refresh, PAUSE);
  }

  async function look() {
    const headers = { "If-None-Match": job.dataset.etag };
    const answer = await fetch(location.href, { headers, credentials: "same-origin", cache: "no-store" }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-job]");
    if (!fresh) return;
    const before = document.querySelector("#job-head .state");
    let left = false;
    for (const part of document.querySelectorAll("[data-fresh]")) left = replace(part, page.getElementById(part.id)) || left;
    if (!left) job.dataset.etag = fresh.dataset.etag;
    job.toggleAttribute("data-active", left || fresh.hasAttribute("data-active"));
    const after = document.querySelector("#job-head .state");
    if (before && after && before.textContent !== after.textContent && window.roost) roost.say(`The job is ${after.textContent}.`);
  }

  function replace(part, fresh) {
    if (!fresh || fresh.innerHTML === part.innerHTML) return false;
    if (part.contains(document.activeElement) || part.querySelector("dialog[open], input:checked")) return true;
    const moved = keep(part, fresh);
    part.replaceWith(fresh);
    for (const [box, left, top] of moved) box.scrollTo(left, top);
    follow();
    if (window.roost && roost.local) roost.local(fresh);
    return false;
  }

  // What was opened, chosen or moved stays so. What is new comes first, so the last is still the last.
  function keep(part, fresh) {
    const pairs = (places) => {
      const before = [...part.querySelectorAll(places)].reverse(), after = [...fresh.querySelectorAll(places)].reverse();
      return before.slice(0, after.length).map((each, at) => [each, after[at]]);
    };
    for (const [before, after] of pairs("details")) after.open = before.open;
    for (const [before, after] of pairs("select")) {
      if ([...after.options].some((option) => option.value === before.value)) after.value = before.value;
    }
    return pairs("[tabindex]").map(([before, after]) => [after, before.scrollLeft, before.scrollTop]);
  }

  for (const here of document.querySelectorAll(".graph .box.here")) {
    const view = here.closest(".graph-box"), at = here.getBBox();
    view.scrollTo(at.x + at.width / 2 - view.clientWidth / 2, at.y + at.height / 2 - view.clientHeight / 2);
  }

  if (job) setTimeout(refresh, PAUSE);

  // --- <pre data-news data-offset data-pen>: what comes is put behind what is there ------------------------------------

  let box = null, button = null, following = true, etag = "", pause = PAUSE;

  async function tail() {
    if (following && !document.hidden && !(await read())) return;
    setTimeout(tail, pause);
  }

  async function read() {
    const { news, offset, pen } = box.dataset;
    const answer = await fetch(`${news}&offset=${offset}&pen=${encodeURIComponent(pen)}`, {
      headers: etag ? { "If-None-Match": etag } : {}, credentials: "same-origin", cache: "no-store",
    }).catch(() => null);
    if (answer && answer.status === 304) return (pause = PAUSE);
    if (!answer || !answer.ok) return (pause = LATE);
    etag = answer.headers.get("ETag") || "";
    return show(await answer.json());
  }

  function show(piece) {
    const lines = box.querySelector("[data-lines]"), rest = box.querySelector("[data-rest]");
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    if (piece.anew) lines.textContent = "";
    lines.insertAdjacentHTML("beforeend", piece.lines); // escaped by the server, see web/ansi.py
    rest.innerHTML = piece.rest;
    while (lines.textContent.length > MOST && lines.firstChild) lines.firstChild.remove();
    Object.assign(box.dataset, { offset: piece.offset, pen: piece.pen });
    const nothing = document.querySelector("[data-nothing]"), trouble = document.querySelector("[data-trouble]");
    if (nothing && (piece.lines || piece.rest)) nothing.remove();
    if (trouble) trouble.textContent = piece.trouble;
    if (atEnd) box.scrollTop = box.scrollHeight;
    pause = piece.more ? SOON : piece.trouble ? LATE : PAUSE;
    if (piece.ended && !piece.more && button) button.hidden = true;
    return !piece.ended || piece.more;
  }

  function follow() {
    const found = document.querySelector("pre[data-news]");
    if (!found || found === box) return;
    box = found;
    button = document.querySelector("[data-follow]");
    box.scrollTop = box.scrollHeight;
    if (button) {
      button.hidden = false;
      button.addEventListener("click", () => {
        following = !following;
        button.setAttribute("aria-pressed", String(following));
        button.textContent = following ? "Following" : "Paused";
      });
    }
    setTimeout(tail, SOON);
  }
  follow();
})();
