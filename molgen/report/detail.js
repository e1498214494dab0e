// One candidate: large drawing, nearest known molecule, every component and property.

let opened = null;

function openDetail(row) {
  opened = row;
  const dialog = document.getElementById("detail");
  const pressed = dialog.contains(document.activeElement) ? document.activeElement.textContent : null;
  dialog.replaceChildren(detailHead(row), el("div", { class: "detail-body" }, detailPictures(row), detailValues(row)));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  const again = [...dialog.querySelectorAll(".detail-head button")].find((button) => pressed && button.textContent === pressed);
  (again ?? dialog).focus(); // the keys go on working although the buttons are new
}

function detailHead(row) {
  const { rank, score } = row.values;
  const step = (by, label) =>
    el("button", { type: "button", "aria-label": `${label} candidate`, title: `${label} (${by < 0 ? "left" : "right"} arrow)`, onclick: () => walk(by) }, label);
  return el("div", { class: "detail-head" },
    el("h2", { id: "detail-title" }, `Candidate ${rank}`, el("small", {}, `score ${shown(score, columns.get("score"))}`)),
    step(-1, "Previous"), step(1, "Next"), likeButton(row, true),
    el("button", { type: "button", class: "close", onclick: () => document.getElementById("detail").close() }, "Close"));
}

/** The next or previous candidate of what is shown behind the panel. */
function walk(by) {
  const rows = visibleRows();
  const next = rows[rows.indexOf(opened) + by];
  if (next) openDetail(next);
}

function detailPictures(row) {
  const pictures = el("div", { class: "pictures" },
    el("figure", { class: "large" }, drawing(row.smiles, `Structure of candidate ${row.values.rank}`)),
    copyLine("SMILES", row.smiles), copyLine("InChIKey", row.inchikey));
  if (row.scaffold) pictures.append(copyLine("Scaffold", row.scaffold));
  if (row.nearest) {
    const similarity = shown(row.values.similarity, columns.get("similarity"));
    const says = row.nearest === row.smiles ? "This molecule is in the training set" : `Nearest training molecule, similarity ${similarity}`;
    pictures.append(el("figure", { class: "near" }, el("figcaption", {}, says), drawing(row.nearest, "Nearest training molecule")), copyLine("SMILES", row.nearest));
  }
  return pictures;
}

function copyLine(label, text) {
  const button = el("button", { type: "button", onclick: async () => {
    button.textContent = (await copyText(text)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } }, "Copy");
  return el("div", { class: "copy" }, el("span", {}, label), el("code", {}, text), button);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const found = [...document.querySelectorAll(".copy code")].find((node) => node.textContent === text);
    if (found) getSelection().selectAllChildren(found);
    return false;
  }
}

function detailValues(row) {
  const values = el("div", { class: "values" });
  if (row.components.length) values.append(el("h3", {}, "Why it ranks here"), components(row));
  values.append(el("h3", {}, "Structural alerts"));
  values.append(row.alerts.length
    ? el("ul", { class: "alerts" }, ...row.alerts.map((name) => el("li", {}, el("span", { class: "tag warn" }, name))))
    : el("p", { class: "quiet" }, "None found by the filters used."));
  values.append(el("h3", {}, "All values"), allValues(row));
  return values;
}

/** Each component's raw value and what the objective made of it. */
function components(row) {
  const rows = row.components.map(([name, value, desirability]) =>
    el("tr", {}, el("th", { scope: "row" }, name.replaceAll("_", " ")), el("td", { class: "num" }, plain(value)),
      el("td", { class: "wide" }, bar(desirability, `desirability of ${name}`)),
      el("td", { class: "num" }, desirability === null ? "–" : desirability.toFixed(2))));
  const head = el("tr", {}, el("th", { scope: "col" }, "Component"), el("th", { scope: "col", class: "num" }, "Value"),
    el("th", { scope: "col", colspan: "2" }, "Desirability, 0 to 1"));
  return el("table", { class: "components" }, el("thead", {}, head), el("tbody", {}, ...rows));
}

function allValues(row) {
  const items = report.columns.filter((column) => !["rank", "score"].includes(column.key)).map((column) =>
    el("div", { title: column.meaning }, el("dt", {}, column.label),
      el("dd", {}, shown(row.values[column.key], column), column.unit ? el("small", {}, ` ${column.unit}`) : null)));
  return el("dl", { class: "all" }, ...items);
}

function detailKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowRight") walk(1);
  else if (event.key === "ArrowLeft") walk(-1);
  else if (event.key === "l" || event.key === "L") toggleLike(opened);
  else return;
  event.preventDefault();
}
