/* Draws every chart of the console with ECharts.
   The server describes a chart as JSON (ECharts options plus "unit"); colours, type and number formats are added
   here from the design tokens, so that a chart follows theme, language and size without the server's help. */
(() => {
  "use strict";
  const root = document.documentElement;
  const language = root.lang || "zh-hans";
  const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const live = new Map();

  /* A token may be light-dark(…); only a computed colour tells which side holds. */
  function tokenReader() {
    const probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
    const read = (name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    return { read, done: () => probe.remove() };
  }

  function theme() {
    const tokens = tokenReader();
    const colours = {
      text: tokens.read("text"), text2: tokens.read("text-2"), text3: tokens.read("text-3"), line: tokens.read("line"),
      surface: tokens.read("surface"), track: tokens.read("surface-3"),
      palette: Array.from({ length: 10 }, (_, i) => tokens.read(`chart-${i + 1}`)),
    };
    tokens.done();
    return colours;
  }

  function formatters(unit) {
    const digits = unit.digits ?? 0;
    const full = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    const styles = {
      money: { style: "currency", currency: unit.currency || "CNY", currencyDisplay: "narrowSymbol" },
      percent: { style: "percent" },
    };
    const style = styles[unit.kind] || {};
    const exact = new Intl.NumberFormat(language, { ...style, ...full });
    const short = unit.kind === "percent"
      ? new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 })
      : new Intl.NumberFormat(language, { notation: "compact", maximumSignificantDigits: 3 });
    const plain = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
    const text = (format) => (value) => (value === null || value === undefined || value === "-" ? "—" : format.format(value));
    const brief = { format: (value) => (unit.kind !== "percent" && Math.abs(value) < 10000 ? plain : short).format(value) };
    return { exact: text(exact), short: text(brief) };
  }

  function axis(given, colours, format) {
    const isValue = given.type === "value";
    return {
      axisLine: { show: !isValue, lineStyle: { color: colours.line } },
      axisTick: { show: false },
      splitLine: { show: isValue, lineStyle: { color: colours.line, type: [3, 4] } },
      ...given,
      axisLabel: {
        color: colours.text3, fontSize: 11, hideOverlap: true,
        ...(isValue ? { formatter: format.short } : { width: 150, overflow: "truncate" }),
        ...given.axisLabel,
      },
    };
  }

  function styled(spec, colours) {
    const format = formatters(spec.unit || {});
    const option = structuredClone(spec.option);
    const isAxis = Boolean(option.xAxis);
    option.color = colours.palette;
    option.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily, color: colours.text };
    option.animation = !isCalm;
    option.animationDuration = 300;
    option.aria = { enabled: false };
    if (option.legend) {
      option.legend = {
        type: "scroll", top: 0, left: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, itemGap: 14,
        textStyle: { color: colours.text2, fontSize: 12 }, pageTextStyle: { color: colours.text3 },
        pageIconColor: colours.text2, pageIconInactiveColor: colours.line, ...option.legend,
      };
    }
    if (option.tooltip !== false) {
      option.tooltip = {
        trigger: isAxis ? "axis" : "item", confine: true, backgroundColor: colours.surface, borderColor: colours.line, padding: [8, 12],
        textStyle: { color: colours.text, fontSize: 12 }, axisPointer: { type: spec.pointer || "line", lineStyle: { color: colours.text3 }, shadowStyle: { opacity: 0.25 } },
        valueFormatter: format.exact, ...option.tooltip,
      };
    } else {
      delete option.tooltip;
    }
    if (isAxis) {
      option.grid = { left: 4, right: 12, top: option.legend ? 40 : 12, bottom: 4, containLabel: true, ...option.grid };
      option.xAxis = axis(option.xAxis, colours, format);
      option.yAxis = axis(option.yAxis, colours, format);
    }
    option.series = option.series.map((series) => {
      const label = { color: colours.text2, fontSize: 11, ...series.label };
      if (spec.kind === "funnel") return { barWidth: 26, showBackground: true, backgroundStyle: { color: colours.track, borderRadius: 4 }, itemStyle: { borderRadius: 4 }, ...series, label: { ...label, color: colours.text, fontSize: 12, formatter: (point) => (point.data.note ? `${format.exact(point.value)}  (${point.data.note})` : format.exact(point.value)) } };
      if (series.type === "bar") return { barMaxWidth: 28, itemStyle: { borderRadius: spec.kind === "hbar" ? [0, 3, 3, 0] : 0 }, ...series, label: { ...label, formatter: (point) => format.short(point.value) } };
      if (series.type === "line") return { smooth: false, symbol: "circle", symbolSize: 5, showSymbol: (series.data || []).length < 15, lineStyle: { width: 2 }, ...series, label };
      if (series.type === "heatmap") return { ...series, label: { ...label, formatter: (point) => format.short(point.value[2]) } };
      return { ...series, label };
    });
    return option;
  }

  function draw(canvas) {
    const source = document.getElementById(canvas.dataset.chart);
    if (!source || typeof echarts === "undefined") return;
    const spec = JSON.parse(source.textContent);
    const chart = live.get(canvas)?.chart || echarts.init(canvas, null, { renderer: "canvas" });
    chart.setOption(styled(spec, theme()), true);
    if (!live.has(canvas)) {
      const watcher = new ResizeObserver(() => chart.resize());
      watcher.observe(canvas);
      live.set(canvas, { chart, watcher });
      chart.on("click", (point) => {
        const link = point.data?.link;
        if (link) window.location.assign(link);
      });
    }
    canvas.dataset.drawn = "true";
  }

  function drawAll() {
    for (const [canvas, { chart, watcher }] of live) {
      if (!canvas.isConnected) {
        watcher.disconnect();
        chart.dispose();
        live.delete(canvas);
      }
    }
    document.querySelectorAll("[data-chart]").forEach(draw);
  }

  drawAll();
  document.fonts?.ready.then(drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  new MutationObserver(drawAll).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
})();
