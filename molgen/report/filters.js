// Which rows are shown, and in what order: text, likes, alerts, ranges, sorting.

/** The rows that pass every filter, sorted; empty values last. */
function visibleRows() {
  const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = report.rows.filter((row) => passes(row, words));
  const direction = state.descending ? -1 : 1;
  return rows.sort((a, b) => {
    const [x, y] = [a.values[state.sort], b.values[state.sort]];
    if (x === y) return a.values.rank - b.values.rank;
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    return direction * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
  });
}

function passes(row, words) {
  if (state.likedOnly && !isLiked(row)) return false;
  if (state.noAlerts && row.alerts.length) return false;
  for (const [key, [low, high]] of state.ranges) {
    const value = row.values[key];
    if (typeof value !== "number" || value < low || value > high) return false;
  }
  if (!words.length) return true;
  row.text ??= searchText(row);
  return words.every((word) => row.text.includes(word));
}

function searchText(row) {
  const texts = Object.values(row.values).filter((value) => typeof value === "string");
  return [row.smiles, row.inchikey, row.scaffold, ...row.alerts, ...texts].join("\n").toLowerCase();
}

/** The controls above the grid. */
function buildToolbar() {
  const options = report.columns.map((column) => el("option", { value: column.key }, column.label));
  const sort = el("select", { id: "sort", onchange: () => { setSort(sort.value, bestFirst(sort.value)); } }, ...options);
  const search = el("input", {
    id: "search", type: "search", placeholder: "SMILES, alert, any text", autocomplete: "off", spellcheck: "false",
    oninput: () => { state.query = search.value; update(); },
  });
  document.getElementById("toolbar").append(
    el("label", { class: "field grow" }, el("span", {}, "Search"), search),
    el("label", { class: "field" }, el("span", {}, "Sort by"), sort),
    el("button", { id: "direction", type: "button", onclick: () => setSort(state.sort, !state.descending) }),
    el("span", { class: "switch", role: "group", "aria-label": "View" }, viewButton("grid", "Grid"), viewButton("table", "Table")),
    toggle("liked-only", "Liked only", (on) => { state.likedOnly = on; }),
    toggle("no-alerts", "Without alerts", (on) => { state.noAlerts = on; }),
    el("span", { class: "exports" },
      el("button", { id: "liked-csv", type: "button", onclick: () => exportCsv(likedRows(), "liked") }, "Liked as CSV"),
      el("button", { id: "liked-smi", type: "button", onclick: () => exportSmiles(likedRows(), "liked") }, "Liked as SMILES"),
      el("button", { id: "shown-csv", type: "button", onclick: () => exportCsv(visibleRows(), "shown") }, "Shown as CSV")),
  );
}

function viewButton(view, label) {
  const press = () => { state.view = view; update(); };
  return el("button", { type: "button", "data-view": view, onclick: press }, label);
}

function toggle(id, label, set) {
  const box = el("input", { id, type: "checkbox", onchange: () => { set(box.checked); update(); } });
  return el("label", { class: "check" }, box, label);
}

/** Ranks, alerts and difficulty begin low; scores and the rest begin high. */
function bestFirst(key) {
  return !["rank", "alert_count", "SA", "similarity"].includes(key) && columns.get(key).kind === "number";
}

function setSort(key, descending) {
  state.sort = key;
  state.descending = descending;
  update();
}

/** A range with two thumbs under a small histogram for each main property. */
function buildSliders() {
  const holder = document.getElementById("sliders");
  for (const key of report.sliders) {
    const numbers = report.rows.map((row) => row.values[key]).filter((value) => typeof value === "number");
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    if (numbers.length > 1 && high > low) holder.append(slider(columns.get(key), numbers, low, high));
  }
  holder.append(el("button", { type: "button", id: "reset", onclick: resetSliders }, "Reset"));
}

function slider(column, numbers, low, high) {
  const scale = 10 ** column.digits; // thumbs stand on whole numbers of the last digit: fractions would be rounded away
  const [from, to] = [Math.floor(low * scale), Math.ceil(high * scale)];
  const said = el("output", {});
  const thumb = (end, value) =>
    el("input", { type: "range", min: from, max: to, step: 1, value, "aria-label": `${column.label}, ${end}`, oninput: moved });
  const [minimum, maximum] = [thumb("minimum", from), thumb("maximum", to)];
  function moved(event) {
    if (Number(minimum.value) > Number(maximum.value)) {
      if (event.target === minimum) minimum.value = maximum.value;
      else maximum.value = minimum.value;
    }
    show();
    update();
  }
  function show() {
    const [a, b] = [Number(minimum.value), Number(maximum.value)];
    if (a <= from && b >= to) state.ranges.delete(column.key);
    else state.ranges.set(column.key, [(a - 0.5) / scale, (b + 0.5) / scale]);
    for (const [node, value] of [[minimum, a], [maximum, b]]) node.setAttribute("aria-valuetext", shown(value / scale, column));
    said.textContent = `${shown(a / scale, column)} to ${shown(b / scale, column)}${column.unit ? ` ${column.unit}` : ""}`;
  }
  const reset = () => { minimum.value = from; maximum.value = to; show(); };
  const box = el("div", { class: "slider", title: column.meaning },
    el("div", { class: "slider-head" }, el("b", {}, column.label), said),
    sparkline(numbers, from / scale, to / scale), el("div", { class: "thumbs" }, minimum, maximum));
  box.reset = reset;
  show();
  return box;
}

function sparkline(numbers, from, to) {
  const counts = new Array(20).fill(0);
  for (const number of numbers) counts[Math.min(19, Math.floor((20 * (number - from)) / (to - from)))] += 1;
  const most = Math.max(...counts);
  const bars = counts.map((count, i) => `M${i * 15 + 1} 100V${(100 - (96 * count) / most).toFixed(0)}H${i * 15 + 14}V100Z`);
  return svg("svg", { viewBox: "0 0 300 100", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: bars.join("") }));
}

function resetSliders() {
  for (const box of document.querySelectorAll(".slider")) box.reset();
  update();
}
