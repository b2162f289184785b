// The form for new jobs: what was changed against the job that is made again, the number of jobs of a sweep, and the
// sweep as a grid. The form works without it.
"use strict";
(() => {
  const make = (tag, given = {}, ...inside) => {
    const element = Object.assign(document.createElement(tag), given);
    element.append(...inside);
    return element;
  };

  const wrong = document.getElementById("wrong");
  if (wrong) wrong.focus();

  // --- what was changed -------------------------------------------------------------------------------------------

  const plain = (text) => text.replaceAll("\r\n", "\n");

  function mark(box) {
    const input = box.querySelector("input, select, textarea");
    const now = input.type === "checkbox" ? (input.checked ? "yes" : "no") : input.value;
    const changed = plain(now) !== plain(box.dataset.was);
    const old = box.querySelector(".was");
    box.classList.toggle("is-changed", changed);
    if (old) old.hidden = !changed;
    else if (changed) note(box, input);
  }

  function note(box, input) {
    const text = "was " + (box.dataset.was || "empty").slice(0, 60);
    let help = box.querySelector(".help");
    if (!help) {
      help = box.appendChild(make("p", { className: "help", id: input.id + "-help" }));
      input.setAttribute("aria-describedby", help.id);
    }
    help.append(" ", make("span", { className: "was", textContent: text }));
  }

  for (const box of document.querySelectorAll("[data-was]")) box.addEventListener("input", () => mark(box));

  // --- a sweep ------------------------------------------------------------------------------------------------------

  const place = document.querySelector("[data-sweep]");
  if (!place) return;
  const text = place.querySelector("textarea");
  const names = place.dataset.sweep.split(", ").filter(Boolean);
  const count = make("span", { className: "quiet" });
  count.setAttribute("role", "status");
  const open = make("button", { type: "button", textContent: "Fill in as a table" });
  const grid = make("div", { className: "sweep-grid", hidden: true });
  place.append(make("div", { className: "sweep-tools" }, open, count), grid);

  const lines = () => text.value.split("\n").filter((line) => line.trim());
  const isRanges = () => /^\s*[^=,;\t]+=/.test(lines()[0] || "");

  function steps(piece) {
    const [first, last, step] = piece.split(":").map(Number);
    if (!piece.includes(":")) return 1;
    const width = step === undefined ? (last >= first ? 1 : -1) : step;
    return Math.floor((last - first) / width + 1e-9) + 1;
  }

  function jobs() {
    if (!isRanges()) return Math.max(0, lines().length - 1);
    const axis = (line) => line.slice(line.indexOf("=") + 1).split(",").map(steps).reduce((a, b) => a + b, 0);
    return lines().map(axis).reduce((a, b) => a * b, 1);
  }

  function tell() {
    const number = lines().length ? jobs() : 0;
    count.textContent = number > 0 ? `${number} job${number === 1 ? "" : "s"}` : "";
  }

  const quoted = (cell) => (/[",\n]/.test(cell) || cell !== cell.trim() ? `"${cell.replaceAll('"', '""')}"` : cell);
  const cells = (row) => [...row.querySelectorAll("input, select")].map((cell) => cell.value);

  function write() {
    const rows = [...grid.querySelectorAll("tr")].map(cells).filter((row, at) => at === 0 || row.some((cell) => cell));
    text.value = rows.map((row) => row.map(quoted).join(",")).join("\n");
    tell();
  }

  function column(chosen) {
    const select = make("select", { ariaLabel: "Column" });
    for (const name of new Set([...names, chosen])) if (name) select.append(make("option", { textContent: name }));
    select.value = chosen;
    return make("th", { scope: "col" }, select);
  }

  const cell = (value = "") => make("td", {}, make("input", { value, ariaLabel: "Value" }));
  const row = (values) => make("tr", {}, ...values.map(cell));
  const width = () => grid.querySelectorAll("th").length;
  const split = (line, mark) => line.split(mark).map((piece) => piece.trim().replace(/^"(.*)"$/, "$1"));

  function show() {
    const given = isRanges() ? [] : lines();
    const mark = [..."\t;,"].find((sign) => (given[0] || "").includes(sign)) || ",";
    const head = given.length ? split(given[0], mark) : [names[0] || "arguments"];
    const body = given.length > 1 ? given.slice(1).map((line) => split(line, mark)) : [head.map(() => "")];
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...head.map(column))), make("tbody", {}, ...body.map(row)));
    const more = make("button", { type: "button", textContent: "Add a row" });
    const wide = make("button", { type: "button", textContent: "Add a column" });
    more.addEventListener("click", () => table.tBodies[0].append(row(Array(width()).fill(""))));
    wide.addEventListener("click", () => widen(table));
    grid.replaceChildren(table, make("div", { className: "sweep-tools" }, more, wide));
    grid.hidden = false;
    write();
    grid.querySelector("td input").focus();
  }

  function widen(table) {
    const used = cells(table.tHead.rows[0]);
    table.tHead.rows[0].append(column(names.find((name) => !used.includes(name)) || "column"));
    for (const each of table.tBodies[0].rows) each.append(cell());
    write();
  }

  function paste(event) {
    const pasted = event.clipboardData.getData("text").replace(/\r?\n$/, "");
    if (!/[\n\t]/.test(pasted)) return;
    event.preventDefault();
    const start = event.target.closest("tr");
    const at = [...start.children].indexOf(event.target.closest("td"));
    let target = start;
    for (const line of pasted.split(/\r?\n/)) {
      if (!target) target = start.parentNode.appendChild(row(Array(width()).fill("")));
      const inputs = target.querySelectorAll("input");
      line.split("\t").forEach((value, k) => inputs[at + k] && (inputs[at + k].value = value));
      target = target.nextElementSibling;
    }
    write();
  }

  open.addEventListener("click", show);
  grid.addEventListener("input", write);
  grid.addEventListener("paste", paste);
  text.addEventListener("input", () => (grid.hidden = true) && tell());
  tell();
})();
