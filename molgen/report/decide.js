// Deciding: like, maybe, reject, tags, comments and painted atoms. Everything is an event that is only ever added; what
// holds now is what the events of a reviewer and molecule add up to. Undo is an event too.

const VERDICTS = [
  { key: "like", name: "Like", short: "L", path: "M3 10.5l5 5L17 5" },
  { key: "maybe", name: "Maybe", short: "M", path: "M4 12c2-4 4-4 6-2s4 2 6-2" },
  { key: "reject", name: "Reject", short: "X", path: "M5 5l10 10M15 5L5 15" },
];
const REASONS = ["potency", "novel", "easy to make", "hard to make", "too lipophilic", "too polar", "too flexible", "reactive", "toxic liability", "known chemistry"];
const LONGEST = 2000; // characters of a comment, as on the server
const MOST_AT_ONCE = 500; // molecules that one press decides on

let events = []; // all that are known, in the order they were said
const eventsOn = new Map(); // SMILES -> those about it
const ids = new Set();
const opinions = new Map(); // SMILES -> Map(reviewer -> {verdict, tags, comment, atoms})
let unsent = []; // said here, but not yet acknowledged
let sending = false;
let failed = false; // the last attempt to send

/** Adds events and works out anew what holds for the molecules they are about. */
function learn(more) {
  const touched = new Set();
  for (const event of more) {
    if (ids.has(event.id)) continue;
    ids.add(event.id);
    events.push(event);
    if (!eventsOn.has(event.smiles)) eventsOn.set(event.smiles, []);
    eventsOn.get(event.smiles).push(event);
    touched.add(event.smiles);
  }
  for (const smiles of touched) opinions.set(smiles, addUp(eventsOn.get(smiles)));
  return touched.size;
}

function addUp(mine) {
  const undone = new Set(mine.filter((event) => event.kind === "undo").map((event) => event.value));
  const found = new Map();
  for (const { id, reviewer, kind, value } of mine) {
    if (undone.has(id) || kind === "undo") continue;
    if (!found.has(reviewer)) found.set(reviewer, { verdict: null, tags: new Set(), comment: "", atoms: [] });
    const opinion = found.get(reviewer);
    if (kind === "verdict") opinion.verdict = value;
    else if (kind === "tag") opinion.tags.add(value);
    else if (kind === "untag") opinion.tags.delete(value);
    else if (kind === "comment") opinion.comment = value;
    else if (kind === "atoms") opinion.atoms = value;
  }
  return found;
}

const reviewer = () => byId("reviewer")?.value.trim() || "me";
const opinionsOn = (row) => opinions.get(report.smiles[row]) ?? new Map();
const myOpinion = (row) => opinionsOn(row).get(reviewer()) ?? { verdict: null, tags: new Set(), comment: "", atoms: [] };
const myVerdict = (row) => myOpinion(row).verdict;
const paintedAtoms = (row) => [...new Set([...opinionsOn(row).values()].flatMap((opinion) => opinion.atoms))];
const verdictName = (key) => VERDICTS.find((verdict) => verdict.key === key)?.name.toLowerCase() ?? "undecided";

function verdictsOf(row) {
  return [...opinionsOn(row)].filter(([, opinion]) => opinion.verdict);
}

const disagreement = (row) => new Set(verdictsOf(row).map(([, opinion]) => opinion.verdict)).size > 1;
const verdictsText = (row) => verdictsOf(row).map(([name, opinion]) => `${name}: ${verdictName(opinion.verdict)}`).join(", ");

function verdictTest(wanted) {
  if (wanted === "undecided") return (row) => !myVerdict(row);
  if (wanted === "disagreement") return disagreement;
  if (wanted === "anyone") return (row) => verdictsOf(row).some(([, opinion]) => opinion.verdict === "like");
  if (wanted === "commented") return (row) => [...opinionsOn(row).values()].some((opinion) => opinion.comment || opinion.tags.size || opinion.atoms.length);
  return (row) => myVerdict(row) === wanted;
}

function progressText() {
  if (backEnd.readonly) return "Read-only: decisions are shown, not taken.";
  const me = reviewer(), found = { like: 0, maybe: 0, reject: 0 };
  for (const [smiles, by] of opinions) if (report.rowOf.has(smiles) && by.get(me)?.verdict) found[by.get(me).verdict] += 1;
  const counts = VERDICTS.map(({ key, name }) => `${found[key].toLocaleString("en")} ${name.toLowerCase()}`);
  const decided = found.like + found.maybe + found.reject;
  return `${(report.smiles.length - decided).toLocaleString("en")} of ${report.smiles.length.toLocaleString("en")} left (${counts.join(", ")})${unsent.length ? `; ${unsent.length} not saved yet` : ""}`;
}

/** Says something about a molecule: kept here at once, and saved. */
const say = (row, kind, value) => sayAll([{ row, value }], kind);

/** Says something about several molecules at once, which undo takes back at once: their ids begin alike. */
function sayAll(said, kind) {
  if (backEnd.readonly) { tell("This review is read-only."); return; }
  const id = newId(), time = new Date().toISOString(), name = reviewer();
  const more = said.map(({ row, value }, i) => ({ id: said.length > 1 ? `${id}-${i}` : id, time, reviewer: name, smiles: report.smiles[row], kind, value }));
  learn(more);
  unsent.push(...more);
  save();
  for (const { row } of said) showDecision(row);
}

/** One verdict on everything that is shown. */
function decideShown(verdict) {
  const rows = passingRows().filter((row) => myVerdict(row) !== verdict);
  if (rows.length > MOST_AT_ONCE) { tell(`${rows.length.toLocaleString("en")} molecules are shown; filter to at most ${MOST_AT_ONCE} to decide on all at once.`); return; }
  if (!rows.length) { tell("All of them have that verdict already."); return; }
  sayAll(rows.map((row) => ({ row, value: verdict })), "verdict");
  tell(`${verdictName(verdict)}: ${rows.length.toLocaleString("en")} molecules. U takes it back.`);
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends what is not acknowledged; what fails is sent again, and an event that arrives twice counts once. */
async function save() {
  if (sending || !unsent.length) return;
  sending = true;
  const batch = unsent.slice(0, 200);
  try {
    await backEnd.send(batch, events);
    unsent = unsent.slice(batch.length);
    if (failed) tell("");
    failed = false;
  } catch (error) {
    failed = true;
    tell(`Not saved yet: ${error.message}. It is tried again.`);
    setTimeout(save, 2000);
    return;
  } finally {
    sending = false;
    byId("progress").textContent = progressText();
    showAgreement();
  }
  save();
}

const decide = (row, verdict) => say(row, "verdict", myVerdict(row) === verdict ? null : verdict);

/** Takes back the last thing that this reviewer said and did not take back yet. */
function undo() {
  const undone = new Set(events.filter((event) => event.kind === "undo").map((event) => event.value));
  const last = events.findLast((event) => event.reviewer === reviewer() && event.kind !== "undo" && !undone.has(event.id));
  if (!last) { tell("Nothing to undo."); return; }
  const [batch] = last.id.split("-");
  const together = (event) => event.id.split("-")[0] === batch && event.time === last.time && event.reviewer === last.reviewer;
  const said = events.filter((event) => together(event) && event.kind !== "undo" && !undone.has(event.id))
    .map((event) => ({ row: report.rowOf.get(event.smiles), value: event.id })).filter(({ row }) => row !== undefined);
  if (!said.length) { tell("Nothing to undo."); return; }
  sayAll(said, "undo");
  tell(said.length > 1 ? `Undone for ${said.length} candidates.` : `Undone for candidate ${rankOf(said[0].row)}.`);
}

/** Shows a decision where the molecule is on the screen, without moving anything. */
function showDecision(row) {
  const painted = paintedAtoms(row).join();
  for (const holder of document.querySelectorAll(`.drawing[data-row="${row}"]`)) {
    if ((holder.dataset.painted ?? "") !== painted) holder.replaceChildren(picture(row));
    holder.dataset.painted = painted;
    const entry = holder.closest("[data-place]");
    if (!entry) continue;
    for (const { key } of VERDICTS) entry.classList.toggle(key, myVerdict(row) === key);
  }
  for (const button of document.querySelectorAll(`button.verdict[data-row="${row}"]`)) {
    button.setAttribute("aria-pressed", String(myVerdict(row) === button.dataset.verdict));
  }
  byId("progress").textContent = progressText();
}

function verdictButtons(row, reachable) {
  return el("span", { class: "verdicts", role: "group", "aria-label": `Decide on candidate ${rankOf(row)}` }, ...VERDICTS.map(({ key, name, short, path }) =>
    el("button", {
      class: `verdict ${key}`, type: "button", "data-row": row, "data-verdict": key, "aria-pressed": String(myVerdict(row) === key),
      "aria-label": `${name} candidate ${rankOf(row)}`, title: `${name} (${short})`, tabindex: reachable ? null : "-1", disabled: backEnd.readonly,
      onclick: (event) => { event.stopPropagation(); decide(row, key); },
    }, svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: path })))));
}

/** L, M, X decide; U takes back. True if the key was one of them. */
function decideKey(event, row) {
  const verdict = VERDICTS.find(({ short }) => short === event.key.toUpperCase());
  if (verdict) decide(row, verdict.key);
  else if (event.key.toUpperCase() === "U") undo();
  else return false;
  return true;
}

/** Everything said so far, in the form that `molgen review --import` and the server's Import read. */
function decisionsFile() {
  return JSON.stringify({ format: "molgen decisions 1", run: report.key, title: report.title, events }, null, 1);
}

/** Takes in the decisions of a file: those of other reviewers from a mailed report, or one's own from another machine. */
async function importDecisions(file) {
  try {
    if (file.size > 20e6) throw new Error("larger than 20 MB");
    const record = JSON.parse(await file.text());
    if (!Array.isArray(record.events)) throw new Error("it holds no decisions");
    const good = record.events.filter((event) => typeof event?.id === "string" && typeof event.smiles === "string" && typeof event.reviewer === "string");
    if (backEnd.take) await backEnd.take(record);
    const before = events.length;
    learn(good);
    if (!backEnd.server) await backEnd.send([], events);
    update();
    tell(`${events.length - before} decisions taken in from ${file.name}.`);
  } catch (error) {
    tell(`${file.name} was not taken in: ${error.message}.`);
  }
}

/** What other reviewers say meanwhile. */
async function listen() {
  if (!backEnd.server) return;
  let after = 0;
  const look = async () => {
    try {
      const found = await backEnd.events(after);
      if (found.length) after = found.at(-1).seq;
      if (learn(found)) { paint(true); showAgreement(); }
      byId("progress").textContent = progressText();
    } catch {
      // the server is away; what is said meanwhile waits in `unsent`
    }
  };
  await look();
  setInterval(look, 3000);
}
