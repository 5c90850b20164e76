/* Scanning: with a scanner that types, with the camera, or by hand; all three end in scanned(code). */
(() => {
  "use strict";
  const FAST_MS = 40;
  const SHORTEST = 4;
  const FORMATS = ["ean_13", "ean_8", "upc_a", "upc_e", "code_128", "code_39", "itf", "qr_code"];
  const one = (selector, from = document) => from.querySelector(selector);

  function scanned(code) {
    const form = one("form[data-act]:not([hidden])");
    const lines = form && one("[data-lines]", form);
    const row = form && [...form.querySelectorAll("[data-rows]")].find((line) => line.dataset.sku === code || (line.dataset.barcode && line.dataset.barcode === code));
    if (row) { addUnit(row); return; }
    if (lines) { addLine(form, lines, code); return; }
    const target = one("[data-scan-target]");
    if (target) { target.value = code; target.form.requestSubmit(); return; }
    if (document.body.dataset.find) location.assign(`${document.body.dataset.find}?q=${encodeURIComponent(code)}`);
  }
  function addUnit(row) {
    const field = one("[data-units]", row);
    field.value = String((Number.parseInt(field.value, 10) || 0) + 1);
    document.querySelectorAll(".is-hit").forEach((line) => line.classList.remove("is-hit"));
    row.classList.add("is-hit");
    row.scrollIntoView({ block: "nearest" });
  }
  function addLine(form, lines, code) {
    const row = one("template[data-new-line]", form).content.firstElementChild.cloneNode(true);
    row.dataset.sku = code;
    one("[name=sku]", row).value = code;
    one("[data-name]", row).textContent = code;
    lines.append(row);
    addUnit(row);
  }

  /* A scanner types faster than anybody and ends with Enter. */
  let typed = "";
  let last = 0;
  document.addEventListener("keydown", (event) => {
    const isFast = event.timeStamp - last < FAST_MS;
    last = event.timeStamp;
    if (event.key === "Enter") {
      const code = typed;
      typed = "";
      if (isFast && code.length >= SHORTEST && !event.target.matches("[data-scan-target]")) {
        event.preventDefault();
        event.stopPropagation();
        // What the scanner typed into a field of units is no number of units.
        if (event.target.matches("input") && event.target.value.endsWith(code)) event.target.value = event.target.value.slice(0, -code.length);
        scanned(code);
      } else if (event.target.matches("[data-add-line]")) {
        event.preventDefault();
        addTyped();
      }
      return;
    }
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return;
    typed = isFast ? typed + event.key : event.key;
  }, true);
  function addTyped() {
    const field = one("[data-add-line]");
    if (!field?.value.trim()) return;
    scanned(field.value.trim());
    field.value = "";
  }

  /* The camera. Browsers that read codes themselves do; for others a reader is fetched when it is needed first. */
  let stream = null;
  async function reader() {
    if ("BarcodeDetector" in globalThis) {
      const known = await BarcodeDetector.getSupportedFormats();
      const detector = new BarcodeDetector({ formats: FORMATS.filter((format) => known.includes(format)) });
      return async (video) => (await detector.detect(video))[0]?.rawValue;
    }
    if (!globalThis.ZXing) {
      await new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = document.body.dataset.reader;
        script.onload = resolve;
        script.onerror = reject;
        document.head.append(script);
      });
    }
    const { ZXing } = globalThis;
    const formats = FORMATS.map((format) => ZXing.BarcodeFormat[format.toUpperCase()]);
    const decoder = new ZXing.MultiFormatReader();
    decoder.setHints(new Map([[ZXing.DecodeHintType.POSSIBLE_FORMATS, formats], [ZXing.DecodeHintType.TRY_HARDER, true]]));
    const canvas = document.createElement("canvas");
    return async (video) => {
      if (!video.videoWidth) return undefined;
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d", { willReadFrequently: true }).drawImage(video, 0, 0);
      try {
        const picture = new ZXing.BinaryBitmap(new ZXing.HybridBinarizer(new ZXing.HTMLCanvasElementLuminanceSource(canvas)));
        return decoder.decode(picture).getText();
      } catch (error) {
        return undefined;
      }
    };
  }
  async function look() {
    const dialog = one("#camera");
    const words = one("[data-camera-said]", dialog);
    words.textContent = "";
    dialog.showModal();
    if (!navigator.mediaDevices) { words.textContent = document.body.dataset.tCamera; return; }
    try {
      const read = await reader();
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const video = one("video", dialog);
      video.srcObject = stream;
      await video.play();
      while (stream && dialog.open) {
        const code = await read(video);
        if (code) { close(); navigator.vibrate?.(60); scanned(code); return; }
        await new Promise((resolve) => { setTimeout(resolve, 120); });
      }
    } catch (error) {
      words.textContent = document.body.dataset.tCamera;
    }
  }
  function close() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    one("#camera").close();
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-camera]")) look();
    if (event.target.closest("[data-camera-close]")) close();
    if (event.target.closest("[data-add]")) addTyped();
  });
  one("#camera")?.addEventListener("close", () => close());
})();
