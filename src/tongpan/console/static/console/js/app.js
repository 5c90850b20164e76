/* The small behaviours of the shell. Every page works without them; nothing here holds state the URL does not. */
(() => {
  "use strict";
  const root = document.documentElement;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  /* Menus and tips are <details>: one open at a time, closed by Escape or a click elsewhere. */
  function closeMenus(except) {
    all("details.menu[open], details.tip[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
  }
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.menu, details.tip"));
    const opener = event.target.closest("[data-drawer]");
    if (opener) setDrawer(opener.dataset.drawer === "open");
    if (event.target.closest("[data-dismiss]")) event.target.closest(".toast, .notice").remove();
    const fold = event.target.closest("[data-fold]");
    if (fold) toggleFold(fold);
    if (event.target.closest("[data-close-panel]")) one("#panel")?.close();
    if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
  });

  function setDrawer(isOpen) {
    root.classList.toggle("drawer-open", isOpen);
    const veil = one(".drawer-veil");
    if (veil) veil.hidden = !isOpen;
    const button = one(".drawer-button");
    button?.setAttribute("aria-expanded", String(isOpen));
    (isOpen ? one(".sidebar .nav-link") : button)?.focus();
  }

  function toggleFold(button) {
    const target = document.getElementById(button.dataset.fold);
    const isFolded = target.dataset.folded !== "true";
    target.dataset.folded = String(isFolded);
    button.setAttribute("aria-expanded", String(!isFolded));
  }

  /* Keys: "/" goes to the search of the list, or to that of everything; Escape closes. */
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input, select, textarea, [contenteditable]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      (one("[data-search]") ?? one("#global-search"))?.focus();
    }
    if (event.key === "Escape") {
      const menu = event.target.closest?.("details[open]");
      closeMenus();
      if (menu) one("summary", menu)?.focus();
      if (root.classList.contains("drawer-open")) setDrawer(false);
    }
  });

  /* Selection: the header box selects the page, the bulk bar shows how many. */
  function refreshSelection(table) {
    const boxes = all("[data-select-row]", table);
    const chosen = boxes.filter((box) => box.checked);
    boxes.forEach((box) => box.closest("tr").setAttribute("aria-selected", String(box.checked)));
    const head = one("[data-select-all]", table);
    if (head) {
      head.checked = chosen.length > 0 && chosen.length === boxes.length;
      head.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
    }
    const bar = document.getElementById(table.dataset.selectable);
    if (!bar) return;
    bar.hidden = chosen.length === 0;
    const count = one("[data-selected-count]", bar);
    if (count) count.textContent = new Intl.NumberFormat(root.lang).format(chosen.length);
  }
  document.addEventListener("change", (event) => {
    const table = event.target.closest("[data-selectable]");
    if (table && event.target.matches("[data-select-all]")) {
      all("[data-select-row]", table).forEach((box) => { box.checked = event.target.checked; });
    }
    if (table && event.target.matches("[data-select-all], [data-select-row]")) refreshSelection(table);
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-clear-selection]")) return;
    all("[data-select-row]:checked, [data-select-all]:checked").forEach((box) => { box.checked = false; });
    all("[data-selectable]").forEach(refreshSelection);
  });

  /* A GET form leaves its empty fields out of the address. */
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "get") return;
    const empty = all("input[name], select[name]", event.target).filter((field) => field.value === "" && !field.disabled);
    empty.forEach((field) => { field.disabled = true; });
    window.setTimeout(() => empty.forEach((field) => { field.disabled = false; }), 0);
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { parameters, verb } = event.detail;
    if (verb !== "get") return;
    Object.keys(parameters).forEach((key) => { if (parameters[key] === "") delete parameters[key]; });
  });

  /* The side panel is a <dialog> that htmx fills; beside a list it stays open while one walks through the rows. */
  document.addEventListener("htmx:afterSwap", (event) => {
    const panel = one("#panel");
    if (event.detail.target.id !== "panel-content" || !panel || panel.open) return;
    if (one("[data-rows]")) panel.show();
    else panel.showModal();
  });
  document.addEventListener("click", (event) => {
    if (event.target.id === "panel") event.target.close();
  });

  /* A table wider than its place is reached and scrolled by keyboard too. */
  function reachWideTables() {
    all(".table-wrap").forEach((wrap) => {
      if (wrap.scrollWidth > wrap.clientWidth) wrap.tabIndex = 0;
      else wrap.removeAttribute("tabindex");
    });
  }
  reachWideTables();
  window.addEventListener("resize", reachWideTables);
  document.addEventListener("htmx:afterSettle", reachWideTables);
  document.addEventListener("toggle", reachWideTables, true);

  /* A file dropped on the frame is the file of its input. */
  all("[data-drop]").forEach((zone) => {
    const input = one("input[type=file]", zone);
    const name = one("[data-drop-name]", zone);
    const show = () => { if (name) name.textContent = [...input.files].map((file) => file.name).join(", "); };
    input.addEventListener("change", show);
    ["dragover", "dragleave", "drop"].forEach((kind) => zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("is-over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        show();
      }
    }));
  });

  /* Toasts of success leave by themselves; errors stay until read. */
  function retireToasts() {
    all(".toast:not(.toast-error):not([data-timed])").forEach((toast) => {
      toast.dataset.timed = "true";
      window.setTimeout(() => toast.remove(), 7000);
    });
  }
  retireToasts();
  document.addEventListener("htmx:afterSettle", retireToasts);
  document.addEventListener("htmx:responseError", (event) => notify(event.detail.xhr.status));
  document.addEventListener("htmx:sendError", () => notify(0));
  function notify(status) {
    const holder = one(".toasts");
    if (!holder) return;
    const toast = document.createElement("div");
    toast.className = "toast toast-error";
    const text = document.createElement("p");
    text.textContent = status ? holder.dataset.failed.replace("%s", status) : holder.dataset.offline;
    toast.append(text);
    holder.append(toast);
    window.setTimeout(() => toast.remove(), 10000);
  }

  /* The configuration screens remember their theme in the browser: tell them ours. */
  try {
    const theme = root.dataset.theme;
    if (theme) window.localStorage.setItem("_x_adminTheme", JSON.stringify(theme));
  } catch { /* storage may be off */ }
})();
