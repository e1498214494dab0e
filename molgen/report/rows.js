// Which rows are shown, and in what order: filters, sorting, groups. Works on columns, so that 50,000 rows take milliseconds.

let searchTexts = null; // one text a row, made when something is first searched for

/** The rows that pass every filter, in their order. With groups: the best of each, and all of an expanded one. */
function visibleRows() {
  const kept = passingRows();
  sortRows(kept);
  return state.group ? grouped(kept) : kept.map((row) => ({ row, more: 0 }));
}

function passingRows() {
  const tests = rowTests();
  const kept = [];
  for (let row = 0; row < report.smiles.length; row += 1) {
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
    searchTexts ??= report.smiles.map((_, row) => searchText(row));
    tests.push((row) => words.every((word) => searchTexts[row].includes(word)));
  }
  return tests;
}

function searchText(row) {
  const texts = [...columns.values()].filter((column) => column.kind === "text").map((column) => column.values[row] ?? "");
  return [report.smiles[row], report.inchikey[row], scaffoldOf(row), ...alertsOf(row), ...texts].join("\n").toLowerCase();
}

/** Sorts rows in place; empty values last, ties by rank. */
function sortRows(rows) {
  const { values, kind } = columns.get(state.sort);
  const direction = state.descending ? -1 : 1;
  const empty = (value) => value === null || Number.isNaN(value);
  const compare = kind === "text" ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : (a, b) => a - b;
  rows.sort((a, b) => {
    const [x, y] = [values[a], values[b]];
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
