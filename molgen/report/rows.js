// Which rows are shown, and in what order: filters, sorting, groups. Works on columns, so that 50,000 rows take milliseconds.

const searchTexts = []; // one text a row
const orders = new Map(); // all rows by what they are sorted by: sorted once, not at each filter

/** The rows that pass every filter, in their order. With groups: the best of each, and all of an expanded one. */
function visibleRows() {
  const kept = passingRows();
  return state.group ? grouped(kept) : kept.map((row) => ({ row, more: 0 }));
}

/** The rows that pass every filter, in the order that is asked for. */
function passingRows() {
  const tests = rowTests();
  const kept = [];
  for (const row of ordered()) {
    let passes = true;
    for (let i = 0; passes && i < tests.length; i += 1) passes = tests[i](row);
    if (passes) kept.push(row);
  }
  return kept;
}

/** One function a filter that is set; cheap ones first. */
function rowTests() {
  const tests = [];
  for (const [key, [low, high]] of state.ranges) {
    const { values } = columns.get(key);
    tests.push((row) => values[row] >= low && values[row] <= high); // NaN passes neither
  }
  if (state.noAlerts) tests.push((row) => report.alerts.rows[row].length === 0);
  if (state.hits) tests.push((row) => state.hits.has(row));
  if (state.lasso) tests.push((row) => state.lasso.has(row));
  if (state.verdict !== "all") tests.push(verdictTest(state.verdict));
  const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) {
    prepareSearch(Infinity);
    tests.push((row) => words.every((word) => searchTexts[row].includes(word)));
  }
  return tests;
}

/** Makes the texts of some more rows; true when all are there. */
function prepareSearch(many) {
  const end = Math.min(report.smiles.length, searchTexts.length + many);
  for (let row = searchTexts.length; row < end; row += 1) searchTexts.push(searchText(row));
  return end === report.smiles.length;
}

/** Makes them all while nothing else is to be done, so that the first search is as quick as the others. */
function prepareInBackground() {
  if (!prepareSearch(500)) setTimeout(prepareInBackground, 30);
}

function searchText(row) {
  const texts = [...columns.values()].filter((column) => column.kind === "text").map((column) => column.values[row] ?? "");
  return [report.smiles[row], report.inchikey[row], scaffoldOf(row), ...alertsOf(row), ...texts].join("\n").toLowerCase();
}

/** All rows in the order that is asked for; empty values last, ties by rank. */
function ordered() {
  const name = `${state.sort} ${state.descending}`;
  if (!orders.has(name)) orders.set(name, sortedRows(report.smiles.map((_, row) => row)));
  return orders.get(name);
}

function sortedRows(rows) {
  const { values, kind } = columns.get(state.sort);
  const direction = state.descending ? -1 : 1;
  const empty = (value) => value === null || Number.isNaN(value);
  const compare = kind === "text" ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : (a, b) => a - b;
  return rows.sort((a, b) => {
    const x = values[a], y = values[b];
    if (empty(x) || empty(y)) return empty(x) - empty(y) || a - b;
    return direction * compare(x, y) || a - b;
  });
}

/** The first row of each scaffold or cluster with how many more it has; expanded ones whole. */
function grouped(rows) {
  const codes = state.group === "scaffold" ? report.scaffold.codes : report.group;
  const groups = new Map();
  for (const row of rows) {
    if (!groups.has(codes[row])) groups.set(codes[row], []);
    groups.get(codes[row]).push(row);
  }
  const found = [];
  for (const [code, members] of groups) {
    const open = state.expanded.has(code);
    found.push({ row: members[0], group: code, more: members.length - 1, open });
    if (open) found.push(...members.slice(1).map((row) => ({ row, more: 0, inside: true })));
  }
  return found;
}

function setSort(key, descending) {
  state.sort = key;
  state.descending = descending;
  update();
}

/** Ranks, alerts and difficulty begin low; scores and the rest begin high. */
function bestFirst(key) {
  return !["rank", "alert_count", "SA", "similarity"].includes(key) && columns.get(key).kind === "number";
}
