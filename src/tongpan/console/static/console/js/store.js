/* The store desk: what is done is written down on the device first and sent once, however bad the line is. */
(() => {
  "use strict";
  const body = document.body;
  const { owner, node, actUrl } = body.dataset;
  const said = (name) => body.dataset[`t${name}`] ?? "";
  const KEEP = 200;
  const AGAIN_MS = 15000;

  /* One store of acts on the device: key, owner, node, act, label, args, at, state (waiting, done, refused), sentence. */
  const opened = new Promise((resolve, reject) => {
    const request = indexedDB.open("tongpan-desk", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("acts", { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  async function store(mode, work) {
    const base = await opened;
    return new Promise((resolve, reject) => {
      const change = base.transaction("acts", mode);
      const request = work(change.objectStore("acts"));
      change.oncomplete = () => resolve(request.result);
      change.onabort = change.onerror = () => reject(change.error);
    });
  }
  const put = (act) => store("readwrite", (acts) => acts.put(act));
  const remove = (key) => store("readwrite", (acts) => acts.delete(key));
  const all = async () => (await store("readonly", (acts) => acts.getAll())).sort((a, b) => a.at - b.at);
  const mine = async () => (await all()).filter((act) => act.owner === owner);

  /* What a form says: its own fields, and one object for each element with data-rows. */
  function argsOf(form) {
    const args = {};
    for (const field of form.querySelectorAll("input[name], select[name], textarea[name]")) {
      if ((field.type === "checkbox" || field.type === "radio") && !field.checked) continue;
      const row = field.closest("[data-rows]");
      if (!row) { args[field.name] = field.value; continue; }
      row.said ??= {};
      row.said[field.name] = field.value;
    }
    for (const row of form.querySelectorAll("[data-rows]")) {
      (args[row.dataset.rows] ??= []).push(row.said ?? {});
      delete row.said;
    }
    return args;
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-act]");
    if (!form) return;
    event.preventDefault();
    if (form.hidden) return;
    const args = argsOf(form);
    if (event.submitter?.name) args[event.submitter.name] = event.submitter.value;
    const act = { key: crypto.randomUUID(), owner, node, act: form.dataset.act, label: form.dataset.label ?? "", args, at: Date.now(), state: "waiting", sentence: "", link: "" };
    form.hidden = true;
    await put(act);
    const place = document.createElement("div");
    place.className = "card act-state";
    place.dataset.key = act.key;
    place.setAttribute("role", "status");
    form.after(place);
    await show(act);
    await flush();
  });

  /* The state of an act in words, wherever the page shows it. */
  function fill(place, act) {
    place.dataset.state = act.state;
    const badge = document.createElement("span");
    badge.className = `badge badge-${{ waiting: "warn", done: "good", refused: "bad" }[act.state]}`;
    badge.textContent = said({ waiting: "Waiting", done: "Done", refused: "Refused" }[act.state]);
    const words = document.createElement("p");
    words.textContent = act.sentence || act.label;
    place.replaceChildren(badge, words);
    if (act.link) {
      const link = document.createElement("a");
      link.className = "button";
      link.href = act.link;
      link.textContent = said("Open");
      place.append(link);
    }
  }
  async function show(act) {
    document.querySelectorAll(`.act-state[data-key="${act.key}"]`).forEach((place) => {
      fill(place, act);
      const form = place.previousElementSibling;
      // What was refused is put right and sent again, as an act of its own.
      if (act.state === "refused" && form?.matches("form[data-act]")) form.hidden = false;
    });
    await count();
    const list = document.getElementById("acts");
    if (list) await fillList(list);
  }
  async function fillList(list) {
    const acts = (await mine()).reverse();
    list.replaceChildren(...acts.map((act) => {
      const row = document.createElement("li");
      row.className = "card act-state";
      row.dataset.listed = act.key;
      fill(row, act);
      const when = document.createElement("span");
      when.className = "muted small";
      when.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" }).format(act.at);
      row.append(when);
      if (act.state !== "waiting") {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "button button-quiet";
        button.textContent = said("Remove");
        button.addEventListener("click", async () => { await remove(act.key); await fillList(list); });
        row.append(button);
      }
      return row;
    }));
    if (!acts.length) {
      const row = document.createElement("li");
      row.className = "muted";
      row.textContent = said("Empty");
      list.append(row);
    }
  }
  async function count() {
    const waiting = (await mine()).filter((act) => act.state === "waiting").length;
    document.querySelectorAll("[data-waiting]").forEach((badge) => { badge.textContent = waiting; badge.hidden = !waiting; });
  }
  function line(isUp) {
    const state = document.querySelector("[data-line]");
    if (!state) return;
    state.dataset.line = isUp ? "up" : "down";
    const words = state.querySelector("[data-line-text]");
    words.textContent = isUp ? "" : words.dataset.lineText;
  }

  /* Sending: in the order in which it was done, one after the other, in one tab at a time. */
  async function token() {
    const answer = await fetch(actUrl, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (!answer.ok) return null;
    const known = await answer.json();
    return String(known.owner) === owner ? known.token : null;
  }
  async function sendOne(act, csrf) {
    const { key, node: at, act: name, args } = act;
    const answer = await fetch(actUrl, {
      method: "POST", redirect: "manual", signal: AbortSignal.timeout(20000),
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf, "Idempotency-Key": key },
      body: JSON.stringify({ key, node: at, act: name, args }),
    });
    if (answer.type === "opaqueredirect" || answer.status === 403) return { ...act, sentence: said("Signin") };
    if (answer.status >= 500) return act;
    const known = await answer.json();
    return { ...act, state: known.state === "refused" ? "refused" : "done", sentence: known.sentence, link: known.link };
  }
  async function sendAll() {
    const waiting = (await mine()).filter((act) => act.state === "waiting");
    if (!waiting.length) { line(navigator.onLine); return; }
    let csrf = null;
    try {
      csrf = await token();
      line(true);
      if (csrf === null) {
        for (const act of waiting) { act.sentence = said("Signin"); await put(act); await show(act); }
        return;
      }
      for (const act of waiting) {
        const after = await sendOne(act, csrf);
        await put(after);
        await show(after);
        if (after.state === "waiting") return;
      }
    } catch (error) {
      // The line is down; what was sent and not answered keeps its key and is sent again.
      line(false);
    }
  }
  let running = null;
  function flush() {
    running = (running ?? Promise.resolve()).then(() => navigator.locks ? navigator.locks.request("tongpan-desk", sendAll) : sendAll());
    return running;
  }
  async function forgetOld() {
    const over = (await mine()).filter((act) => act.state !== "waiting");
    for (const act of over.slice(0, Math.max(0, over.length - KEEP))) await remove(act.key);
  }

  addEventListener("online", flush);
  addEventListener("offline", () => line(false));
  setInterval(flush, AGAIN_MS);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-flush]")) flush(); });
  /* Another person may take the device: what was kept of pages goes; what waits stays with its owner. */
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-sign-out]")) globalThis.caches?.keys().then((names) => names.forEach((name) => caches.delete(name)));
  });
  if ("serviceWorker" in navigator && body.dataset.worker) navigator.serviceWorker.register(body.dataset.worker, { scope: "/desk/" }).catch(() => {});

  /* Clocks count down beside their time. */
  function tick() {
    const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "short" });
    document.querySelectorAll("[data-due]").forEach((clock) => {
      const minutes = Math.round((Date.parse(clock.dataset.due) - Date.now()) / 60000);
      if (Number.isNaN(minutes)) return;
      clock.textContent = Math.abs(minutes) < 120 ? words.format(minutes, "minute") : Math.abs(minutes) < 2880 ? words.format(Math.round(minutes / 60), "hour") : words.format(Math.round(minutes / 1440), "day");
      clock.classList.toggle("bad", minutes < 0);
      clock.classList.toggle("warn", minutes >= 0 && minutes < 30);
    });
  }
  tick();
  setInterval(tick, 30000);
  line(navigator.onLine);
  count().then(async () => {
    const list = document.getElementById("acts");
    if (list) await fillList(list);
    await forgetOld();
    await flush();
  });
})();
