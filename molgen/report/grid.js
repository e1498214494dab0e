// The candidates as cards or as a table.

const severalSources = new Set(report.rows.map((row) => row.values.source)).size > 1;
const cards = new Map(); // row -> its card, made once and moved about afterwards

/** Shows what the state asks for. */
function update() {
  const rows = visibleRows();
  const asTable = state.view === "table";
  document.getElementById("grid").hidden = asTable;
  document.getElementById("table").hidden = !asTable;
  if (asTable) showTable(rows);
  else showGrid(rows);
  showStatus(rows);
}

function showStatus(rows) {
  const liked = likedRows().length;
  const nothing = rows.length ? "" : " No candidate passes all filters; relax or reset them.";
  document.getElementById("status").textContent = `${rows.length} of ${report.rows.length} candidates, ${liked} liked.${nothing}`;
  document.getElementById("sort").value = state.sort;
  document.getElementById("direction").textContent = state.descending ? "High to low" : "Low to high";
  for (const id of ["liked-csv", "liked-smi"]) document.getElementById(id).disabled = !liked;
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
  }
}

function showGrid(rows) {
  const grid = document.getElementById("grid");
  const focused = document.activeElement?.closest?.(".card");
  grid.replaceChildren(...rows.map(card));
  const reachable = focused && rows.some((row) => cards.get(row) === focused) ? focused : grid.firstElementChild;
  for (const node of grid.children) node.tabIndex = node === reachable ? 0 : -1;
  if (focused && reachable === focused) focused.focus();
}

function card(row) {
  if (!cards.has(row)) cards.set(row, makeCard(row));
  return cards.get(row);
}

function makeCard(row) {
  const { rank, score } = row.values;
  const label = `Candidate ${rank}, score ${shown(score, columns.get("score"))}`;
  return el("article", { class: "card", role: "listitem", tabindex: "-1", "aria-label": `${label}, ${row.smiles}`, onclick: () => openDetail(row), onkeydown: (event) => cardKey(event, row) },
    el("div", { class: "card-head" }, el("span", { class: "rank" }, String(rank)), bar(score, label),
      el("b", { class: "num" }, shown(score, columns.get("score"))), likeButton(row, false)),
    el("div", { class: "drawing" }, drawing(row.smiles, `Structure of candidate ${rank}`)),
    el("dl", { class: "facts" }, ...report.card.map((key) => fact(row, key))),
    tags(row));
}

function fact(row, key) {
  const column = columns.get(key);
  const title = [column.meaning, column.unit].filter(Boolean).join(", ");
  return el("div", { title }, el("dt", {}, column.label), el("dd", {}, shown(row.values[key], column)));
}

/** The generator where there are several, how near the nearest training molecule is, and the alerts. */
function tags(row) {
  const { similarity } = row.values;
  const known = row.nearest === row.smiles ? "in training set" : `nearest known ${shown(similarity, columns.get("similarity"))}`;
  const found = row.alerts.slice(0, 2).map((name) => el("span", { class: "tag warn", title: `Structural alert: ${name}` }, alertName(name)));
  if (row.alerts.length > 2) found.push(el("span", { class: "tag warn" }, `${row.alerts.length - 2} more alerts`));
  const source = severalSources ? el("span", { class: "tag", title: "Generator" }, row.values.source ?? "") : null;
  return el("div", { class: "tags" }, source, row.nearest ? el("span", { class: row.nearest === row.smiles ? "tag strong" : "tag" }, known) : null, ...found);
}

/** "BRENK: nitro_group" as "nitro group". */
function alertName(name) {
  return name.replace(/^\w+: /, "").replace(/\(\d+\)$/, "").replaceAll("_", " ");
}

function cardKey(event, row) {
  if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = [...document.getElementById("grid").children];
  const place = all.indexOf(event.currentTarget);
  const across = all.filter((node) => node.offsetTop === all[0].offsetTop).length;
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
  if (event.key in moves) {
    const next = all[place + moves[event.key]];
    if (next) { event.currentTarget.tabIndex = -1; next.tabIndex = 0; next.focus(); }
  } else if (event.key === "Enter" || event.key === " ") openDetail(row);
  else if (event.key === "l" || event.key === "L") toggleLike(row);
  else return;
  event.preventDefault();
}

function showTable(rows) {
  const head = report.columns.map((column) => {
    const sorted = column.key === state.sort ? (state.descending ? "descending" : "ascending") : "none";
    const flip = () => setSort(column.key, column.key === state.sort ? !state.descending : bestFirst(column.key));
    return el("th", { scope: "col", class: column.kind === "number" ? "num" : "", "aria-sort": sorted, title: column.meaning },
      el("button", { type: "button", onclick: flip }, column.label, column.unit ? el("small", {}, ` ${column.unit}`) : null));
  });
  head.splice(1, 0, el("th", { scope: "col" }, "Structure"));
  document.getElementById("table").replaceChildren(
    el("table", { class: "rows" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Like"), ...head)), el("tbody", {}, ...rows.map(tableRow))));
}

function tableRow(row) {
  const cells = report.columns.map((column) =>
    el("td", { class: column.kind === "number" ? "num" : "" }, shown(row.values[column.key], column)));
  const open = el("button", { type: "button", class: "thumb", "aria-label": `Open candidate ${row.values.rank}`, onclick: () => openDetail(row) },
    drawing(row.smiles, `Structure of candidate ${row.values.rank}`));
  cells.splice(1, 0, el("td", {}, open));
  return el("tr", {}, el("td", {}, likeButton(row, true)), ...cells);
}
