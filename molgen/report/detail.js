// One candidate: large drawing (atoms can be painted), nearest known molecules, components, alerts, remarks, values.

let opened = null;
let painting = false;
let pointed = 0; // the atom that the keys are at while painting

async function openDetail(row) {
  opened = row;
  showDetail(row, null);
  await draw([row]);
  try {
    const more = await backEnd.molecule(row);
    if (opened === row) showDetail(row, more);
  } catch (error) {
    tell(`More about this candidate could not be had: ${error.message}`);
  }
}

function showDetail(row, more) {
  const dialog = byId("detail");
  const active = dialog.contains(document.activeElement) ? document.activeElement : null;
  const again = active && (active.id || active.textContent);
  dialog.replaceChildren(detailHead(row), el("div", { class: "detail-body" }, detailPictures(row, more), detailValues(row, more)));
  if (!dialog.open) dialog.showModal();
  const same = [...dialog.querySelectorAll("button, input, textarea, #large")].find((node) => again && (node.id || node.textContent) === again);
  (same ?? dialog).focus({ preventScroll: true }); // the keys go on working although the buttons are new
}

function detailHead(row) {
  const step = (by, label) =>
    el("button", { type: "button", "aria-label": `${label} candidate`, title: `${label} (${by < 0 ? "left" : "right"} arrow)`, onclick: () => walk(by) }, label);
  return el("div", { class: "detail-head" },
    el("h2", { id: "detail-title" }, `Candidate ${rankOf(row)}`, el("small", {}, `score ${shownOf(row, "score")}`)),
    verdictButtons(row, true), step(-1, "Previous"), step(1, "Next"),
    el("button", { type: "button", class: "close", onclick: () => byId("detail").close() }, "Close"));
}

/** The next or previous candidate of what is shown behind the panel. */
function walk(by) {
  const place = entries.findIndex((entry) => entry.row === opened) + by;
  if (!entries[place]) return;
  cursor = place;
  byId("detail").scrollTop = 0;
  openDetail(entries[place].row);
}

function detailPictures(row, more) {
  const large = el("figure", { class: "large", id: "large", tabindex: painting ? "0" : null, "aria-label": painting ? "Atoms: arrows move, Space paints" : null }, el("div", { class: "drawing", "data-row": row }, picture(row)));
  const paint = el("button", { id: "paint", type: "button", "aria-pressed": String(painting), disabled: backEnd.readonly, onclick: () => { painting = !painting; showDetail(row, more); } }, painting ? "Painting: click atoms" : "Paint atoms");
  if (painting) {
    large.addEventListener("click", (event) => paintAt(event, row, more));
    large.addEventListener("keydown", (event) => paintKey(event, row, more));
    pointAt(large, row);
  }
  large.classList.toggle("painting", painting);
  const pictures_ = el("div", { class: "pictures" }, large,
    el("div", { class: "buttons" }, paint, myOpinion(row).atoms.length ? el("button", { type: "button", onclick: () => { say(row, "atoms", []); showDetail(row, more); } }, "Clear paint") : null),
    copyLine("SMILES", report.smiles[row]), copyLine("InChIKey", report.inchikey[row]));
  if (scaffoldOf(row)) pictures_.append(copyLine("Scaffold", scaffoldOf(row)));
  for (const one of more?.near ?? []) pictures_.append(nearFigure(row, one));
  return pictures_;
}

/** Adds or removes the atom nearest to a click on the large drawing. */
function paintAt(event, row, more) {
  const image = event.currentTarget.querySelector("svg");
  if (!image) return;
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(image.getScreenCTM().inverse());
  const places = atomPlaces(image);
  const distances = places.map(([x, y]) => Math.hypot(x - point.x, y - point.y));
  const atom = distances.indexOf(Math.min(...distances));
  if (distances[atom] <= 14) paintAtom(row, atom, more);
}

function paintAtom(row, atom, more) {
  pointed = atom;
  const atoms = new Set(myOpinion(row).atoms);
  if (!atoms.delete(atom)) atoms.add(atom);
  say(row, "atoms", [...atoms].sort((a, b) => a - b));
  showDetail(row, more);
}

/** Arrows go to the next atom in their direction, Space paints it. */
function paintKey(event, row, more) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
  const image = event.currentTarget.querySelector("svg");
  if (!image || !(dx || dy || event.key === " ")) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.key === " ") { paintAtom(row, pointed, more); return; }
  const places = atomPlaces(image), [x, y] = places[pointed];
  let best = pointed, least = Infinity;
  places.forEach(([a, b], atom) => {
    const along = (a - x) * dx + (b - y) * dy, aside = Math.abs((a - x) * dy + (b - y) * dx);
    if (along > 1 && along + 2 * aside < least) [best, least] = [atom, along + 2 * aside];
  });
  pointed = best;
  pointAt(event.currentTarget, row);
}

/** A ring around the atom that the keys are at. */
function pointAt(large, row) {
  const image = large.querySelector("svg");
  if (!image) return;
  const places = atomPlaces(image);
  if (!places[pointed]) pointed = 0;
  image.querySelector(".pointer")?.remove();
  image.append(svg("circle", { class: "pointer", cx: places[pointed][0], cy: places[pointed][1], r: 12 }));
}

/** A known molecule beside the candidate, with the atoms that have other surroundings in the other one marked. */
function nearFigure(row, one) {
  const same = one.smiles === report.smiles[row];
  const title = same ? `This molecule is in the ${one.set.replaceAll("_", " ")}` : `Nearest in the ${one.set.replaceAll("_", " ")}${one.name ? `: ${one.name}` : ""}, similarity ${one.similarity.toFixed(2)}`;
  return el("figure", { class: "near" }, el("figcaption", {}, title),
    el("div", { class: "pair" }, drawing(pictures.get(row)?.svg, "The candidate, changed atoms marked", [["changed", same ? [] : one.changed_here]]),
      drawing(one.svg, `The known molecule ${one.smiles}`, [["changed", same ? [] : one.changed_there]])),
    copyLine("SMILES", one.smiles));
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

function detailValues(row, more) {
  const values = el("div", { class: "values" });
  if (report.components.length) values.append(el("h3", {}, "Why it ranks here"), components(row));
  if (more?.predicted.length) values.append(el("h3", {}, "Predictions"), ...more.predicted.map((one) => prediction(one)));
  values.append(el("h3", {}, "Structural alerts"));
  const names = alertsOf(row);
  values.append(names.length
    ? el("ul", { class: "alerts" }, ...names.map((name, i) => el("li", {}, el("button", { type: "button", class: "tag warn", title: "Show its atoms alone", onclick: () => showAlert(row, i) }, name))))
    : el("p", { class: "quiet" }, "None found by the filters used."));
  values.append(el("h3", {}, "Remarks"), remarks(row), el("h3", {}, "All values"), allValues(row));
  const lines = originOf(row);
  if (lines.length) values.append(el("h3", {}, "Where it comes from"), el("ul", { class: "origin" }, ...lines.map((line) => el("li", {}, line))));
  return values;
}

/** The generator, the draw, its seed and settings, and how far the model was trained. */
function originOf(row) {
  const families = Object.keys(report.origin);
  const source = columns.has("source") ? valueOf(row, "source") : families.length === 1 ? families[0] : null;
  const draw = columns.has("index") ? `, draw ${shownOf(row, "index")}` : "";
  return source ? [`${source}${draw}`, ...(report.origin[source] ?? [])] : [];
}

/** A predicted value with its interval on the scale of the measured ones, and whether the predictor knows its like. */
function prediction(one) {
  const percent = Math.round(100 * one.confidence);
  const said = one.classes
    ? [`probability of being active in ${one.target}; at ${percent} % it could be ${one.could_be.join(" or ") || "neither"}`]
    : [`${one.target}; ${percent} % interval ${plain(one.low)} to ${plain(one.high)}`];
  said.push(`nearest measured molecule: similarity ${one.similarity.toFixed(2)} (domain from ${one.limit.toFixed(2)})`);
  return el("figure", { class: "prediction" },
    el("div", { class: "prediction-head" }, el("b", {}, one.name), el("b", { class: "num" }, plain(one.value)),
      el("span", { class: `tag ${one.inside ? "strong" : "warn"}` }, one.inside ? "inside the domain" : "outside the domain")),
    interval(one), ...said.map((text) => el("p", { class: "quiet" }, text)), copyLine("Nearest", one.nearest));
}

function interval(one) {
  const low = Math.min(one.usual[0], one.low), high = Math.max(one.usual[1], one.high);
  const at = (value) => 4 + (292 * (value - low)) / (high - low || 1);
  const label = one.classes ? `probability ${plain(one.value)}` : `${plain(one.low)} to ${plain(one.high)}, value ${plain(one.value)}; measured values lie from ${plain(one.usual[0])} to ${plain(one.usual[1])}`;
  return svg("svg", { class: "interval", viewBox: "0 0 300 16", preserveAspectRatio: "xMinYMid", role: "img", "aria-label": label }, svg("title", {}, label),
    svg("path", { class: "usual", d: `M${at(one.usual[0])} 8H${at(one.usual[1])}` }), svg("path", { class: "held", d: `M${at(one.low)} 8H${at(one.high)}` }),
    svg("circle", { cx: at(one.value), cy: 8, r: 4.5 }));
}

/** Marks the atoms of one alert in the large drawing. */
function showAlert(row, which) {
  const holder = byId("detail").querySelector(".large .drawing");
  holder.replaceChildren(drawing(pictures.get(row)?.svg, "Structure with the atoms of the alert", [["alert", report.alert_atoms[row][which]]]));
}

/** Each component's raw value and what the objective made of it. */
function components(row) {
  const rows = report.components.map((name, i) => {
    const desirability = report.desirability[i][row];
    return el("tr", {}, el("th", { scope: "row" }, name.replaceAll("_", " ")), el("td", { class: "num" }, plain(valueOf(row, name))),
      el("td", { class: "wide" }, bar(desirability, `desirability of ${name}`)),
      el("td", { class: "num" }, Number.isNaN(desirability) ? "–" : desirability.toFixed(2)));
  });
  const head = el("tr", {}, el("th", { scope: "col" }, "Component"), el("th", { scope: "col", class: "num" }, "Value"),
    el("th", { scope: "col", colspan: "2" }, "Desirability, 0 to 1"));
  return el("table", { class: "components" }, el("thead", {}, head), el("tbody", {}, ...rows));
}

/** Reason tags and a comment of one's own, and what others said. */
function remarks(row) {
  const mine = myOpinion(row);
  const tagsOf = REASONS.map((reason) => el("button", { type: "button", class: "tag reason", "aria-pressed": String(mine.tags.has(reason)), disabled: backEnd.readonly, onclick: (event) => {
    say(row, myOpinion(row).tags.has(reason) ? "untag" : "tag", reason);
    event.currentTarget.setAttribute("aria-pressed", String(myOpinion(row).tags.has(reason)));
  } }, reason));
  const comment = el("textarea", { id: "comment", rows: "2", maxlength: LONGEST, placeholder: "Comment", "aria-label": "Comment", disabled: backEnd.readonly, onchange: () => { if (comment.value !== myOpinion(row).comment) say(row, "comment", comment.value); } });
  comment.value = mine.comment;
  const others = [...opinionsOn(row)].filter(([name]) => name !== reviewer()).map(([name, opinion]) =>
    el("li", {}, el("b", {}, name), `: ${verdictName(opinion.verdict)}${opinion.tags.size ? ` (${[...opinion.tags].join(", ")})` : ""}${opinion.comment ? ` – ${opinion.comment}` : ""}`));
  const said = events.filter((event) => event.smiles === report.smiles[row]).map((event) =>
    el("li", {}, `${event.time.slice(0, 16).replace("T", " ")} ${event.reviewer}: ${event.kind} ${event.kind === "undo" ? "" : Array.isArray(event.value) ? event.value.join(" ") : event.value ?? "taken back"}`));
  return el("div", {}, el("div", { class: "tags" }, ...tagsOf), comment, others.length ? el("ul", { class: "others" }, ...others) : null,
    said.length ? el("details", {}, el("summary", {}, `Who said what (${said.length})`), el("ol", { class: "log" }, ...said)) : null);
}

function allValues(row) {
  const items = report.columns.filter((column) => !["rank", "score"].includes(column.key)).map((column) =>
    el("div", { title: column.meaning }, el("dt", {}, column.label),
      el("dd", {}, shownOf(row, column.key), column.unit ? el("small", {}, ` ${column.unit}`) : null)));
  return el("dl", { class: "all" }, ...items);
}

function detailKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, input")) return;
  if (event.key === "ArrowRight") walk(1);
  else if (event.key === "ArrowLeft") walk(-1);
  else if (!decideKey(event, opened)) return;
  event.preventDefault();
}
