// Keeps the part of a page that changes up to date while its jobs are active, and asks before what cannot be undone.
"use strict";
(() => {
  const PAUSE = 2000;

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
    if (fresh) live.replaceWith(fresh);
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    const question = button && button.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  const link = document.querySelector("form[data-submit]");
  if (link) link.submit();
  setTimeout(refresh, PAUSE);
})();
