// The candidates as cards or as a table. Only what is on the screen is made, and only that is drawn.

let entries = []; // what is shown: {row, more, group, open, inside}
let cursor = 0; // place among the entries that the keyboard is at
const pictures = new Map(); // row -> its picture, of the way of drawing that is on now
const waiting = new Map(); // row -> its request
let printing = false; // on paper all are made
const LINE_HEIGHT = 98, GAP = 14, MOST_PRINTED = 500, MOST_ASKED = 100; // cards on paper; pictures asked for at once
const SIZES = { small: { width: 196, drawing: 116, scale: 0.72 }, medium: { width: 250, drawing: 166, scale: 1 }, large: { width: 390, drawing: 270, scale: 1.55 } };

/** Shows what the state asks for. */
function update() {
  const before = entries[cursor]?.row;
  entries = visibleRows();
  const again = entries.findIndex((entry) => entry.row === before);
  cursor = Math.max(0, again);
  byId("grid").hidden = state.view === "table";
  byId("table").hidden = state.view !== "table";
  byId(state.view === "table" ? "grid" : "table").replaceChildren();
  if (state.view === "table") tableHead();
  paint(true);
  showStatus();
  updateSet();
}

function showStatus() {
  const groups = state.group ? ` in ${entries.filter((entry) => !entry.inside).length.toLocaleString("en")} groups` : "";
  const rows = state.group ? passingRows().length : entries.length;
  const nothing = rows ? "" : " No candidate passes all filters; relax or reset them.";
  byId("status").textContent = `${rows.toLocaleString("en")} of ${report.smiles.length.toLocaleString("en")} candidates${groups}.${nothing}`;
  byId("progress").textContent = progressText();
  byId("sort").value = state.sort;
  byId("direction").textContent = state.descending ? "High to low" : "Low to high";
  for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
}

/** Where the entries stand: how many beside each other, how high a line is. */
function layout() {
  const holder = byId(state.view === "table" ? "table" : "grid");
  const across = state.view === "table" ? 1 : Math.max(1, Math.floor((holder.clientWidth + GAP) / (SIZES[state.size].width + GAP)));
  const height = state.view === "table" ? LINE_HEIGHT : SIZES[state.size].drawing + 96 + 36 * Math.ceil(report.card.length / 3) + GAP;
  return { holder, across, height, body: state.view === "table" ? holder.querySelector("tbody") : holder };
}

/** Makes the cards between two lines; the space of the others is kept by padding. Unless all are to be made `fresh`,
 *  those that stay are left alone, so that a click while the page still scrolls finds what it began on. */
function paint(fresh = false) {
  if (!report?.smiles.length || (byId("candidates").classList.contains("away") && !printing)) return;
  const { holder, across, height, body } = layout();
  const lines = Math.ceil(entries.length / across);
  const top = holder.getBoundingClientRect().top;
  const first = printing ? 0 : Math.max(0, Math.min(lines - 1, Math.floor(-top / height) - 2));
  const last = printing ? Math.min(lines, Math.ceil(MOST_PRINTED / across)) : Math.min(lines, Math.max(first + 1, Math.ceil((innerHeight - top) / height) + 2));
  const key = `${first} ${last} ${across}`;
  if (!fresh && body.dataset.lines === key) return;
  body.dataset.lines = key;
  const focused = document.activeElement?.closest?.("[data-place]");
  const inside = focused && holder.contains(focused);
  const from = first * across, to = Math.min(entries.length, last * across);
  const there = new Map(fresh ? [] : [...body.querySelectorAll("[data-place]")].map((node) => [Number(node.dataset.place), node]));
  const make = state.view === "table" ? tableRow : card;
  const nodes = entries.slice(from, to).map((entry, i) => there.get(from + i) ?? make(entry, from + i));
  if (state.view === "table") {
    setChildren(body, [spacer(first * height), ...nodes, spacer((lines - last) * height)]);
  } else {
    holder.style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
    holder.style.paddingTop = `${first * height}px`;
    holder.style.paddingBottom = `${Math.max(0, lines - last) * height}px`;
    holder.style.setProperty("--drawing", `${SIZES[state.size].drawing}px`);
    holder.style.setProperty("--scale", SIZES[state.size].scale);
    holder.style.gridAutoRows = `${height - GAP}px`;
    setChildren(holder, nodes);
  }
  if (inside) focusCursor(false);
  draw(entries.slice(from, to).map((entry) => entry.row));
}

/** Makes nodes the children of another. Those that it has are in this order already, and are not moved. */
function setChildren(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const node of nodes) {
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
}

function spacer(height) {
  const line = el("tr", { "aria-hidden": "true" }, el("td", { colspan: report.columns.length + 2 }));
  line.style.height = `${Math.max(0, height)}px`;
  line.hidden = height <= 0;
  return line;
}

/** Gets the pictures that are missing and puts them in their places. */
async function draw(rows) {
  const missing = rows.filter((row) => !pictures.has(row) && !waiting.has(row));
  for (let i = 0; i < missing.length; i += MOST_ASKED) {
    const part = missing.slice(i, i + MOST_ASKED), drawn = drawPart(part);
    for (const row of part) waiting.set(row, drawn);
  }
  await Promise.all(rows.map((row) => waiting.get(row)));
}

async function drawPart(missing) {
  const [aligned, query] = [state.aligned, state.structure];
  try {
    const found = await backEnd.pictures(missing, { aligned, query });
    if (aligned !== state.aligned || query !== state.structure) return; // asked for otherwise by now
    missing.forEach((row, i) => pictures.set(row, found[i]));
    for (const row of missing) for (const holder of document.querySelectorAll(`.drawing[data-row="${row}"]`)) holder.replaceChildren(picture(row));
  } catch (error) {
    tell(`Drawings could not be had: ${error.message}`);
  } finally {
    for (const row of missing) waiting.delete(row);
  }
}

function redraw() {
  pictures.clear();
  waiting.clear();
  paint(true);
}

/** The drawing of a row as the state wants it, with marks for alerts, the structure searched for, and painted atoms. */
function picture(row) {
  const found = pictures.get(row);
  const marks = [["hit", found?.match]];
  if (state.showAlerts) marks.push(["alert", report.alert_atoms[row].flat()]);
  marks.push(["painted", paintedAtoms(row)]);
  return drawing(found?.svg, `Structure of candidate ${rankOf(row)}`, marks);
}

function drawingBox(row) {
  return el("div", { class: "drawing", "data-row": row, "data-painted": paintedAtoms(row).join() }, picture(row));
}

function card(entry, place) {
  const { row } = entry;
  const score = valueOf(row, "score");
  const label = `Candidate ${rankOf(row)}, score ${shownOf(row, "score")}, ${verdictName(myVerdict(row))}`;
  return el("article", {
    class: `card ${myVerdict(row) ?? ""} ${entry.inside ? "inside" : ""}`, role: "listitem", tabindex: place === cursor ? "0" : "-1", "data-place": place,
    "aria-label": `${label}, ${report.smiles[row]}`, "aria-setsize": entries.length, "aria-posinset": place + 1,
    onclick: () => { cursor = place; openDetail(row); }, onkeydown: (event) => entryKey(event, row), onfocus: () => { cursor = place; },
  },
    el("div", { class: "card-head" }, el("span", { class: "rank" }, String(rankOf(row))), profile(row), bar(score, label), el("b", { class: "num" }, shownOf(row, "score"))),
    drawingBox(row),
    el("dl", { class: "facts" }, ...report.card.map((key) => fact(row, key))),
    el("div", { class: "card-foot" }, verdictButtons(row, false), tags(entry)));
}

/** A small bar for each component's desirability. */
function profile(row) {
  if (report.components.length < 2) return null;
  const said = report.components.map((name, i) => `${name.replaceAll("_", " ")} ${report.desirability[i][row].toFixed(2)}`).join(", ");
  const bars = report.components.map((_, i) => {
    const height = 13 * (report.desirability[i][row] || 0);
    return svg("rect", { x: i * 5, y: 14 - height, width: 4, height: height + 1 });
  });
  const image = svg("svg", { class: "profile", viewBox: `0 0 ${5 * bars.length} 15`, width: 5 * bars.length, height: 15, role: "img", "aria-label": `Desirabilities: ${said}` }, svg("title", {}, `Desirabilities: ${said}`), ...bars);
  return image;
}

/** Whether a value is a prediction for a molecule unlike all that the predictor knows. */
const outside = (row, key) => report.predictors.find(({ name }) => name === key)?.inside[row] === "0";

function fact(row, key) {
  const column = columns.get(key);
  const title = [column.meaning, column.unit].filter(Boolean).join(", ");
  const doubt = outside(row, key) ? el("small", { class: "doubt", title: "outside the predictor's domain" }, " outside") : null;
  return el("div", { title: `${column.label}: ${title}` }, el("dt", {}, column.label), el("dd", {}, shownOf(row, key), doubt));
}

/** How many more the group has, how near the nearest known molecule is, alerts, and who disagrees. */
function tags(entry) {
  const { row } = entry;
  const found = [];
  if (entry.more) {
    const flip = (event) => { event.stopPropagation(); if (!state.expanded.delete(entry.group)) state.expanded.add(entry.group); update(); };
    found.push(el("button", { type: "button", class: "tag more", tabindex: "-1", "aria-expanded": String(entry.open), title: "Show the whole group (G)", onclick: flip }, entry.open ? "fold" : `+${entry.more} alike`));
  }
  if (disagreement(row)) found.push(el("span", { class: "tag strong", title: verdictsText(row) }, "disagreement"));
  if (report.nearest[row] === report.smiles[row]) found.push(el("span", { class: "tag strong" }, "in training set"));
  const names = alertsOf(row);
  if (names.length) found.push(el("span", { class: "tag warn", title: names.join("; ") }, names.length > 1 ? `${names.length} alerts` : alertName(names[0])));
  return el("div", { class: "tags" }, ...found);
}

/** "BRENK: nitro_group" as "nitro group". */
function alertName(name) {
  return name.replace(/^\w+: /, "").replace(/\(\d+\)$/, "").replaceAll("_", " ");
}

function entryKey(event, row) {
  if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
  const { across } = layout();
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, PageDown: 3 * across, PageUp: -3 * across, Home: -entries.length, End: entries.length };
  if (event.key in moves) moveTo(Math.min(entries.length - 1, Math.max(0, cursor + moves[event.key])));
  else if (event.key === "Enter" || event.key === " ") openDetail(row);
  else if (event.key === "g" && entries[cursor].more) document.activeElement.querySelector(".more")?.click();
  else if (!decideKey(event, row)) return;
  event.preventDefault();
}

function moveTo(place) {
  cursor = place;
  focusCursor(true);
}

/** Gives the focus to the entry at the cursor, scrolling to it if it is not there. */
function focusCursor(scroll) {
  const { holder, across, height } = layout();
  const top = holder.getBoundingClientRect().top + scrollY + Math.floor(cursor / across) * height;
  if (scroll && (top < scrollY + 70 || top + height > scrollY + innerHeight)) scrollTo(0, top < scrollY + 70 ? top - 70 : top + height - innerHeight + 20);
  if (scroll) paint();
  for (const node of holder.querySelectorAll("[data-place]")) node.tabIndex = Number(node.dataset.place) === cursor ? 0 : -1;
  holder.querySelector(`[data-place="${cursor}"]`)?.focus({ preventScroll: true });
}

function tableHead() {
  const head = report.columns.map((column) => {
    const sorted = column.key === state.sort ? (state.descending ? "descending" : "ascending") : "none";
    const flip = () => setSort(column.key, column.key === state.sort ? !state.descending : bestFirst(column.key));
    return el("th", { scope: "col", class: column.kind === "number" ? "num" : "", "aria-sort": sorted, title: column.meaning },
      el("button", { type: "button", onclick: flip }, column.label, column.unit ? el("small", {}, ` ${column.unit}`) : null));
  });
  head.splice(1, 0, el("th", { scope: "col" }, "Structure"));
  byId("table").replaceChildren(el("table", { class: "rows" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Decision"), ...head)), el("tbody")));
}

function tableRow(entry, place) {
  const { row } = entry;
  const cells = report.columns.map((column) => el("td", { class: column.kind === "number" ? "num" : "" }, shownOf(row, column.key)));
  const open = el("button", { type: "button", class: "thumb", tabindex: "-1", "aria-label": `Open candidate ${rankOf(row)}`, onclick: () => { cursor = place; openDetail(row); } }, drawingBox(row));
  cells.splice(1, 0, el("td", {}, open));
  return el("tr", { "data-place": place, class: myVerdict(row) ?? "", tabindex: place === cursor ? "0" : "-1", onkeydown: (event) => entryKey(event, row), onfocus: () => { cursor = place; } },
    el("td", {}, verdictButtons(row, false)), ...cells);
}

