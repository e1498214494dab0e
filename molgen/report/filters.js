// The controls above the grid: text, structure, order, groups, decisions, ranges.

function buildToolbar() {
  const options = report.columns.map((column) => el("option", { value: column.key }, column.label));
  const sort = el("select", { id: "sort", onchange: () => { setSort(sort.value, bestFirst(sort.value)); } }, ...options);
  const search = el("input", {
    id: "search", type: "search", placeholder: "name, alert, any text", autocomplete: "off", spellcheck: "false",
    oninput: settled(() => { state.query = search.value; update(); }, 60),
  });
  byId("toolbar").append(
    field("Search", search, "grow"), structureField(), similarField(),
    field("Sort by", sort),
    el("button", { id: "direction", type: "button", onclick: () => setSort(state.sort, !state.descending) }),
    field("Group by", choice("group", [["", "nothing"], ["scaffold", "scaffold"], ["group", "cluster"]], (value) => { state.group = value; state.expanded.clear(); })),
    field("Decided", choice("verdict", [["all", "all"], ["undecided", "undecided"], ["like", "liked"], ["maybe", "maybe"], ["reject", "rejected"], ["anyone", "liked by anyone"], ["disagreement", "disagreement"], ["commented", "with remarks"]], (value) => { state.verdict = value; })),
    el("span", { class: "switch", role: "group", "aria-label": "View" }, viewButton("grid", "Grid"), viewButton("table", "Table")),
    field("Drawings", choice("size", Object.keys(SIZES).map((size) => [size, size]), (size) => { state.size = size; store("size", size); })),
    toggle("no-alerts", "Without alerts", false, (on) => { state.noAlerts = on; update(); }),
    toggle("show-alerts", "Mark alerts", true, (on) => { state.showAlerts = on; paint(true); }),
    toggle("aligned", "Align by scaffold", false, (on) => { state.aligned = on; redraw(); }),
  );
  byId("who").append(reviewerField(), el("button", { type: "button", id: "undo", title: "Undo (U)", onclick: undo, disabled: backEnd.readonly }, "Undo"), allMenu(), exportMenu());
  byId("size").value = state.size;
}

const field = (label, control, more = "") => el("label", { class: `field ${more}` }, el("span", {}, label), control);

/** One verdict on all that is shown. */
function allMenu() {
  const buttons = [...VERDICTS.map(({ key, name }) => [key, name]), [null, "Undecided"]].map(([key, name]) =>
    el("button", { type: "button", "data-all": name, onclick: () => decideShown(key) }, name));
  return el("details", { id: "all-menu", class: "menu", hidden: backEnd.readonly }, el("summary", {}, "All shown"),
    el("div", { class: "menu-body narrow" }, el("p", {}, `Your verdict on every molecule that passes the filters, at most ${MOST_AT_ONCE}:`), el("div", { class: "buttons" }, ...buttons)));
}

function reviewerField() {
  const input = el("input", { id: "reviewer", type: "text", maxlength: "60", placeholder: "me", autocomplete: "off", value: stored("reviewer", "me"), oninput: settled(() => { store("reviewer", input.value.trim()); update(); }, 300) });
  return field("You are", input);
}

function choice(id, options, set) {
  const select = el("select", { id, onchange: () => { set(select.value); update(); } }, ...options.map(([value, label]) => el("option", { value }, label)));
  return select;
}

/** SMARTS or SMILES; what is wrong with it is said beside it and the filter stays as it was. */
function structureField() {
  const input = el("input", { id: "structure", type: "search", placeholder: "SMARTS or SMILES", autocomplete: "off", spellcheck: "false", "aria-describedby": "structure-said", oninput: settled(look, 250) });
  const said = el("small", { id: "structure-said", role: "status" });
  async function look() {
    const query = input.value.trim();
    said.textContent = query ? "searching" : "";
    try {
      const rows = query ? await backEnd.substructure(query) : null;
      if (query !== input.value.trim()) return;
      state.hits = rows && new Set(rows);
      state.structure = query;
      said.textContent = rows ? `${rows.length.toLocaleString("en")} match` : "";
      input.removeAttribute("aria-invalid");
      redrawMatches();
    } catch (error) {
      said.textContent = error.message;
      input.setAttribute("aria-invalid", "true");
    }
  }
  const label = el("label", { class: "field" }, el("span", {}, "Structure ", said), input);
  return el("div", { class: "with-sketch grow" }, label, sketchButton(input));
}

function redrawMatches() {
  pictures.clear();
  waiting.clear();
  update();
}

/** Similarity to a pasted molecule becomes a column, which then sorts the grid. */
function similarField() {
  const input = el("input", { id: "similar", type: "search", placeholder: "SMILES", autocomplete: "off", spellcheck: "false", "aria-describedby": "similar-said", oninput: settled(look, 300) });
  const said = el("small", { id: "similar-said", role: "status" });
  async function look() {
    const smiles = input.value.trim();
    said.textContent = smiles ? "searching" : "";
    try {
      if (!smiles) { if (columns.has("likeness")) { dropLikeness(); setSort("rank", false); } return; }
      const values = Float64Array.from(await backEnd.similar(smiles));
      if (smiles !== input.value.trim()) return;
      const column = { key: "likeness", label: "Similarity", unit: "", meaning: `Tanimoto similarity to ${smiles}`, kind: "number", digits: 2 };
      dropLikeness();
      report.columns.push(column);
      columns.set("likeness", { ...column, values });
      byId("sort").append(el("option", { value: "likeness" }, "Similarity"));
      if (!report.card.includes("likeness")) report.card.push("likeness");
      said.textContent = `nearest ${Math.max(...values).toFixed(2)}`;
      setSort("likeness", true);
    } catch (error) {
      said.textContent = error.message;
    }
  }
  return el("label", { class: "field grow" }, el("span", {}, "Similar to ", said), input);
}

function dropLikeness() {
  report.columns = report.columns.filter((column) => column.key !== "likeness");
  report.card = report.card.filter((key) => key !== "likeness");
  columns.delete("likeness");
  for (const name of [...orders.keys()]) if (name.startsWith("likeness ")) orders.delete(name);
  byId("sort").querySelector('option[value="likeness"]')?.remove();
}

function viewButton(view, label) {
  return el("button", { type: "button", "data-view": view, onclick: () => { state.view = view; update(); } }, label);
}

function toggle(id, label, on, set) {
  const box = el("input", { id, type: "checkbox", checked: on, onchange: () => set(box.checked) });
  return el("label", { class: "check" }, box, label);
}

/** Which values stand under the drawings. */
function buildCardChoice() {
  const boxes = report.columns.filter((column) => column.kind === "number").map((column) => {
    const box = el("input", { type: "checkbox", value: column.key, checked: report.card.includes(column.key), onchange: () => {
      report.card = report.columns.map(({ key }) => key).filter((key) => byId("card-choice").querySelector(`input[value="${CSS.escape(key)}"]`)?.checked);
      store("card", report.card);
      paint(true);
    } });
    return el("label", { class: "check", title: column.meaning }, box, column.label);
  });
  byId("card-choice").append(...boxes);
}

/** A range with two thumbs under a small histogram for each property. */
function buildSliders() {
  const holder = byId("sliders");
  for (const key of report.sliders) {
    const column = columns.get(key);
    const numbers = column.values.filter((value) => !Number.isNaN(value));
    let [low, high] = [Infinity, -Infinity];
    for (const value of numbers) { if (value < low) low = value; if (value > high) high = value; }
    if (numbers.length > 1 && high > low) holder.append(slider(column, numbers, low, high));
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
  const box = el("div", { class: "slider", title: column.meaning },
    el("div", { class: "slider-head" }, el("b", {}, column.label), said),
    sparkline(numbers, from / scale, to / scale), el("div", { class: "thumbs" }, minimum, maximum));
  box.reset = () => { minimum.value = from; maximum.value = to; show(); };
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
