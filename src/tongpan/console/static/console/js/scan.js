/* Scan-to-buy: what a customer scans stays on the phone; the store learns of it when the code for the till is made. */
(() => {
  "use strict";
  const { store, currency, goods, quote, basket } = document.body.dataset;
  const said = (name) => document.body.dataset[`t${name}`] ?? "";
  const one = (selector) => document.querySelector(selector);
  const money = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency });
  const unit = 10 ** money.resolvedOptions().maximumFractionDigits;
  const shown = (minor) => money.format(minor / unit);
  const place = `tongpan-scan-${store}`;
  let cart = [];
  let asked = 0;
  try { cart = JSON.parse(localStorage.getItem(place)) ?? []; } catch (error) { cart = []; }

  function tell(words) { one("[data-said]").textContent = words; }
  function keep() {
    try { localStorage.setItem(place, JSON.stringify(cart)); } catch (error) { /* a phone that keeps nothing still works */ }
    draw();
  }
  function button(words, label, work) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button";
    made.textContent = words;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", work);
    return made;
  }
  function row(line) {
    const item = document.createElement("li");
    item.className = "desk-row";
    const main = document.createElement("span");
    main.className = "desk-row-main";
    const name = document.createElement("b");
    name.textContent = line.name || line.sku;
    const sub = document.createElement("span");
    sub.className = "cell-sub";
    sub.textContent = `${shown(line.price)} · ${said("Left")} ${line.free}`;
    sub.dataset.cost = line.sku;
    main.append(name, sub);
    const units = document.createElement("b");
    units.textContent = line.qty;
    const less = button("−", `${said("Fewer")} ${line.name}`, () => { line.qty -= 1; cart = cart.filter((other) => other.qty > 0); keep(); });
    const more = button("+", `${said("More")} ${line.name}`, () => { line.qty += 1; keep(); });
    more.disabled = line.qty >= line.free;
    item.append(main, less, units, more);
    return item;
  }
  function draw() {
    one("[data-code]").hidden = true;
    one("[data-cart]").hidden = !cart.length;
    one("[data-cart-lines]").replaceChildren(...cart.map(row));
    one("[data-total]").textContent = shown(cart.reduce((sum, line) => sum + line.qty * line.price, 0));
    one("[data-offers]").hidden = one("[data-before]").hidden = true;
    reprice();
  }
  function send(address) {
    return fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": one("[name=csrfmiddlewaretoken]").value },
      body: JSON.stringify({ lines: cart.map(({ sku, qty }) => ({ sku, qty })) }),
    });
  }
  function item(words) {
    const made = document.createElement("li");
    made.textContent = words;
    return made;
  }
  function tellCost(found) {
    for (const { sku, unit: list, net } of found.lines) {
      const line = cart.find((other) => other.sku === sku);
      const sub = document.querySelector(`[data-cost="${CSS.escape(sku)}"]`);
      if (!line || !sub) continue;
      line.price = list;
      const before = list * line.qty;
      const now = net === before ? "" : ` · ${shown(before)} → ${shown(net)}`;
      sub.textContent = `${shown(list)}${now} · ${said("Left")} ${line.free}`;
    }
    one("[data-offers]").replaceChildren(
      ...found.offers.map(({ name, off }) => item(off ? `${name} −${shown(off)}` : name)),
      ...found.gifts.map(({ name, qty }) => item(`${said("Gift")} ${name} × ${qty}`)),
    );
    one("[data-offers]").hidden = !found.offers.length;
    one("[data-total]").textContent = shown(found.total);
    one("[data-before]").textContent = `${said("Before")} ${shown(found.before)}`;
    one("[data-before]").hidden = found.before === found.total;
  }
  async function reprice() {
    asked += 1;
    const mine = asked;
    if (!cart.length) return;
    try {
      const answer = await send(quote);
      const found = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : null;
      if (mine !== asked || !found) return;
      if (answer.ok) tellCost(found); else tell(found.sentence);
    } catch (error) { tell(said("Failed")); }
  }
  async function add(code) {
    tell("");
    try {
      const answer = await fetch(`${goods}?code=${encodeURIComponent(code)}`, { headers: { Accept: "application/json" } });
      if (answer.status === 429) { tell(await answer.text()); return; }
      const found = await answer.json();
      if (!answer.ok) { tell(found.sentence); return; }
      if (found.price === null) { tell(said("Noprice")); return; }
      const known = cart.find((line) => line.sku === found.sku);
      if ((known?.qty ?? 0) >= found.free) { tell(said("None")); return; }
      if (known) Object.assign(known, { price: found.price, free: found.free, qty: known.qty + 1 });
      else cart.push({ ...found, qty: 1 });
      tell(`${found.name || found.sku} · ${shown(found.price)}`);
      keep();
    } catch (error) { tell(said("Failed")); }
  }
  async function pay() {
    tell("");
    try {
      const answer = await send(basket);
      if (answer.status === 429) { tell(await answer.text()); return; }
      const made = await answer.json();
      if (!answer.ok) { tell(made.sentence); return; }
      one("[data-qr]").innerHTML = made.qr;
      one("[data-code-text]").textContent = made.code;
      tellCost(made);
      one("[data-code-total]").textContent = shown(made.total);
      const until = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date(made.until));
      one("[data-code-until]").textContent = `${said("Until")} ${until}`;
      one("[data-code]").hidden = false;
      one("[data-code]").scrollIntoView({ block: "nearest" });
    } catch (error) { tell(said("Failed")); }
  }
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-scan-form]")) return;
    event.preventDefault();
    const field = event.target.elements.code;
    const code = field.value.trim();
    field.value = "";
    if (code) add(code);
  });
  one("[data-pay]").addEventListener("click", pay);
  one("[data-again]").addEventListener("click", () => { cart = []; keep(); });
  draw();
})();
