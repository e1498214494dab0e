// Who decided how much, and how far reviewers agree. Made when it is looked at.

function buildAgreement() {
  byId("reviewers").addEventListener("toggle", showAgreement);
}

function showAgreement() {
  if (!byId("reviewers").open) return;
  const by = new Map(); // reviewer -> Map(row -> verdict)
  for (const [smiles, said] of opinions) {
    const row = report.rowOf.get(smiles);
    for (const [name, { verdict }] of row === undefined ? [] : said) if (verdict) {
      if (!by.has(name)) by.set(name, new Map());
      by.get(name).set(row, verdict);
    }
  }
  const names = [...by.keys()].sort();
  if (!names.length) { byId("agreement").replaceChildren(el("p", { class: "quiet" }, "Nobody has decided yet.")); return; }
  const head = ["Reviewer", "Decided", ...VERDICTS.map(({ name }) => name)].map((text, i) => el("th", { scope: "col", class: i ? "num" : "" }, text));
  const rows = names.map((name) => {
    const verdicts = [...by.get(name).values()];
    const counts = [verdicts.length, ...VERDICTS.map(({ key }) => verdicts.filter((verdict) => verdict === key).length)];
    return el("tr", {}, el("th", { scope: "row" }, name), ...counts.map((count) => el("td", { class: "num" }, count.toLocaleString("en"))));
  });
  const pairs = names.flatMap((one, i) => names.slice(i + 1).map((two) => pairText(one, two, by.get(one), by.get(two)))).filter(Boolean);
  byId("agreement").replaceChildren(el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows))),
    ...pairs.map((text) => el("p", {}, text)));
}

/** How often two reviewers said the same, and Cohen's kappa, which takes away what chance alone would give. */
function pairText(one, two, mine, theirs) {
  const both = [...mine.keys()].filter((row) => theirs.has(row));
  if (!both.length) return null;
  const same = both.filter((row) => mine.get(row) === theirs.get(row)).length / both.length;
  const share = (verdicts, key) => both.filter((row) => verdicts.get(row) === key).length / both.length;
  const chance = VERDICTS.reduce((sum, { key }) => sum + share(mine, key) * share(theirs, key), 0);
  const kappa = chance < 1 ? `, kappa ${((same - chance) / (1 - chance)).toFixed(2)}` : "";
  return `${one} and ${two}: ${both.length.toLocaleString("en")} molecules judged by both, the same verdict on ${Math.round(100 * same)} %${kappa}.`;
}
