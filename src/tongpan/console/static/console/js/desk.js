/* Work by keyboard: walking through the rows of a list, selecting, opening beside the list, going elsewhere.
   A list takes part with data-rows on its table; a row opens by its link with data-panel. */
(() => {
  "use strict";
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const NARROW = window.matchMedia("(max-width: 900px)");
  let current = "";      // the row that was last walked to or opened, by its id: it outlives a fresh list
  let lastChosen = null; // where a selection of several rows begins
  let goesAt = 0;        // when "g" was pressed

  const panel = () => one("#panel");
  const rows = () => all("[data-rows] tbody tr[data-row]");
  const rowOf = (id) => one(`[data-rows] tr[data-row="${CSS.escape(id)}"]`);
  const linkOf = (row) => one(".cell-main a", row);

  function mark(row) {
    current = row.dataset.row;
    all("[data-rows] tr.is-current").forEach((other) => other.classList.remove("is-current"));
    row.classList.add("is-current");
    row.scrollIntoView({ block: "nearest" });
  }

  function walk(step) {
    const list = rows();
    if (!list.length) return;
    const here = list.findIndex((row) => row.dataset.row === current);
    const next = list[here < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, here + step))];
    mark(next);
    if (panel()?.open) open(linkOf(next));
    else linkOf(next)?.focus({ preventScroll: true });
  }

  /* The address says what is open, so that a reload, a link to a colleague and Back show it again. */
  function remember(id) {
    const address = new URL(window.location.href);
    if (id) address.searchParams.set("open", id);
    else address.searchParams.delete("open");
    window.history.replaceState(window.history.state, "", address);
  }

  function open(link) {
    if (!link) return;
    const row = link.closest("tr[data-row]");
    if (row) mark(row);
    window.htmx.ajax("GET", link.dataset.panel, { target: "#panel-content", swap: "innerHTML" });
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    const opened = event.detail.target.id === "panel-content" && one("[data-panel-order]");
    if (!opened || !one("[data-rows]")) return;
    remember(opened.dataset.panelOrder);
    panel().scrollTop = 0;
    one("#panel-title")?.focus({ preventScroll: true });
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-panel]");
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (link && isPlain && !NARROW.matches && window.htmx) {
      event.preventDefault();
      open(link);
    }
    if (event.target.closest("[data-help]")) one("#keys-help")?.showModal();
    if (event.target.id === "keys-help") event.target.close();
  });
  panel()?.addEventListener("close", () => {
    if (!one("[data-rows]")) return;
    remember("");
    // The browser goes back to where the panel was first opened from; we to the order that was open last.
    const opened = one("[data-panel-order]");
    const row = opened && rowOf(opened.dataset.panelOrder);
    if (row) linkOf(row)?.focus({ preventScroll: true });
  });

  /* Selection. */
  function choose(row, isRange) {
    const boxOf = (one_) => one("[data-select-row]", one_);
    const list = rows();
    const from = isRange && lastChosen ? list.findIndex((other) => other.dataset.row === lastChosen) : -1;
    if (from >= 0) {
      const to = list.indexOf(row);
      list.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((other) => { boxOf(other).checked = true; });
    } else {
      boxOf(row).checked = !boxOf(row).checked;
    }
    lastChosen = row.dataset.row;
    boxOf(row).dispatchEvent(new Event("change", { bubbles: true }));
  }
  document.addEventListener("click", (event) => {
    const box = event.target.closest("[data-select-row]");
    if (!box) return;
    const row = box.closest("tr[data-row]");
    if (!row) return;
    if (event.shiftKey && lastChosen) {
      box.checked = !box.checked;
      choose(row, true);
      box.checked = true;
    }
    lastChosen = row.dataset.row;
  });
  document.addEventListener("change", (event) => {
    const whole = event.target.closest("[data-select-filter]");
    if (whole) all("[data-select-row]").forEach((box) => { box.disabled = whole.checked; });
  });

  const KEYS = {
    j: () => walk(1),
    ArrowDown: () => walk(1),
    k: () => walk(-1),
    ArrowUp: () => walk(-1),
    n: () => one("a[rel=next]")?.click(),
    p: () => one("a[rel=prev]")?.click(),
    a: () => one("[data-select-all]")?.click(),
    b: () => one(".bulk:not([hidden]) button")?.focus(),
    x: () => { const row = current && rowOf(current); if (row) choose(row, false); },
    X: () => { const row = current && rowOf(current); if (row) choose(row, true); },
    o: () => { const row = current && rowOf(current); if (row) window.location.assign(linkOf(row).href); },
  };
  const ARROWS = ["ArrowDown", "ArrowUp"];

  document.addEventListener("keydown", (event) => {
    const target = event.target;
    const isTyping = target.matches("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (event.key === "Escape") {
      if (isTyping && target.matches("[data-search]")) target.blur();
      else if (panel()?.open && !one("details.menu[open]")) panel().close();
      return;
    }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || one("dialog:modal")) return;
    if (goesAt && Date.now() - goesAt < 1500) {
      goesAt = 0;
      const link = one(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    if (event.key === "g") goesAt = Date.now();
    else if (event.key === "?") one("#keys-help")?.showModal();
    else if (KEYS[event.key] && one("[data-rows]")) {
      // In the panel and in menus the arrows scroll and move as anywhere.
      if (ARROWS.includes(event.key) && target.closest("#panel, details, .tabs")) return;
      event.preventDefault();
      KEYS[event.key]();
    }
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("tr[data-row]");
    if (row) mark(row);
  });

  /* The counts of the views arrive when the list is there already: only the figures change, so that a menu that
     somebody opened meanwhile stays as it is. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "views") return;
    event.detail.shouldSwap = false;
    const fresh = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
    all("#views a.tab").forEach((tab) => {
      const count = one(".tab-count[data-count]", tab);
      const said = all("a.tab", fresh).find((other) => other.getAttribute("href") === tab.getAttribute("href"));
      const figure = said && one(".tab-count[data-count]", said);
      if (count && figure) count.textContent = figure.textContent;
      else if (count) count.remove();
    });
  });

  /* What the address says is open, also when it is no row of this page. */
  function restore() {
    const id = new URLSearchParams(window.location.search).get("open");
    const table = one("[data-rows]");
    if (!id || !/^\d+$/.test(id) || !table || NARROW.matches || panel()?.open) return;
    const row = rowOf(id);
    if (row) mark(row);
    window.htmx.ajax("GET", `${table.dataset.panelBase}${id}/panel/`, { target: "#panel-content", swap: "innerHTML" });
  }
  document.addEventListener("htmx:afterSettle", (event) => {
    const row = event.detail.target.id === "results" && current && rowOf(current);
    if (row) row.classList.add("is-current");
  });
  window.addEventListener("DOMContentLoaded", () => window.setTimeout(restore, 0));
})();
