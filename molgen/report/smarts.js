// A small structure matcher for a report that has no server: SMILES as RDKit writes them, and SMARTS without chirality
// and reactions. What it does not know is refused with a message; it never guesses. Tested against RDKit.

const SYMBOLS = ("H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb " +
  "Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U").split(" ");
const NUMBER = new Map(SYMBOLS.map((symbol, i) => [symbol, i + 1]));
const AROMATIC = ["as", "se", "te", "b", "c", "n", "o", "p", "s"];
const VALENCES = { B: [3], C: [4], N: [3, 5], O: [2], P: [3, 5], S: [2, 4, 6], F: [1], Cl: [1], Br: [1], I: [1, 3, 5] };
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** The skeleton that SMILES and SMARTS share: atoms, bonds, branches and ring closures. `atom` and `bond` read a token. */
function readLine(text, atom, bond) {
  const atoms = [], bonds = [], branches = [], rings = new Map();
  let last = -1, pending = null, at = 0;
  const fail = (why) => { throw new Error(`${why} at character ${at + 1}`); };
  const join = (a, b, kind) => bonds.push({ a, b, kind });
  while (at < text.length) {
    const letter = text[at];
    if (letter === "(") { if (last < 0) fail("a branch without an atom"); branches.push(last); at += 1; }
    else if (letter === ")") { if (!branches.length) fail("a bracket too many"); last = branches.pop(); at += 1; }
    else if (letter === ".") { last = -1; pending = null; at += 1; }
    else if (/[0-9%]/.test(letter)) {
      const label = letter === "%" ? text.slice(at + 1, at + 3) : letter;
      if (!/^\d+$/.test(label) || last < 0) fail("a ring number that says nothing");
      if (rings.has(label)) { const open = rings.get(label); rings.delete(label); join(open.atom, last, pending ?? open.pending); }
      else rings.set(label, { atom: last, pending });
      pending = null;
      at += letter === "%" ? 3 : 1;
    } else {
      const found = bond(text, at);
      if (found) { pending = found.kind; at += found.length; continue; }
      const next = atom(text, at);
      if (!next) fail(`"${letter}" is not understood`);
      atoms.push(next.atom);
      if (last >= 0) join(last, atoms.length - 1, pending);
      pending = null;
      last = atoms.length - 1;
      at += next.length;
    }
  }
  if (branches.length) fail("a branch is not closed");
  if (rings.size) fail("a ring is not closed");
  if (!atoms.length) fail("no atom");
  return { atoms, bonds };
}

/** A molecule from its SMILES: each atom with element, aromaticity, charge, hydrogens, isotope and bonds. */
function readSmiles(smiles) {
  const { atoms, bonds } = readLine(smiles, smilesAtom, (text, at) => ("-=#:/\\$".includes(text[at]) ? { kind: text[at], length: 1 } : null));
  for (const node of atoms) node.bonds = [];
  for (const { a, b, kind } of bonds) {
    // RDKit writes "/" inside a ring beside a double bond that leaves it, and "-" between rings.
    const aromatic = kind === ":" || ([null, "/", "\\"].includes(kind) && atoms[a].aromatic && atoms[b].aromatic);
    const bond = { order: { "=": 2, "#": 3, $: 4 }[kind] ?? 1, aromatic, ring: false, a, b };
    atoms[a].bonds.push(bond);
    atoms[b].bonds.push(bond);
  }
  for (const node of atoms) node.hydrogens ??= implicitHydrogens(node);
  markRings(atoms);
  return atoms;
}

function smilesAtom(text, at) {
  if (text[at] === "[") {
    const found = /^\[(\d*)([A-Z][a-z]?|[a-z]{1,2}|\*)(@{0,2})(H\d*)?([+-]+\d*)?(?::\d+)?\]/.exec(text.slice(at));
    if (!found) return null;
    const [whole, isotope, symbol, , hydrogens, charge] = found;
    return { length: whole.length, atom: { number: symbol === "*" ? 0 : NUMBER.get(capital(symbol)), symbol: capital(symbol), aromatic: /^[a-z]/.test(symbol), isotope: Number(isotope), hydrogens: hydrogens ? Number(hydrogens.slice(1) || 1) : 0, charge: chargeOf(charge) } };
  }
  const symbol = plainAtom(text, at);
  return symbol && { length: symbol.length, atom: { number: NUMBER.get(capital(symbol)), symbol: capital(symbol), aromatic: /^[a-z]/.test(symbol), isotope: 0, charge: 0 } };
}

const plainAtom = (text, at) => /^(Cl|Br|[BCNOPSFI]|[bcnops])/.exec(text.slice(at))?.[0];

function chargeOf(text) {
  if (!text) return 0;
  const digits = text.replace(/[+-]/g, "");
  return (text[0] === "+" ? 1 : -1) * (digits ? Number(digits) : text.length);
}

function implicitHydrogens(node) {
  if (node.aromatic) return node.symbol === "C" ? Math.max(0, 3 - node.bonds.length) : 0;
  const used = node.bonds.reduce((sum, bond) => sum + bond.order, 0);
  return Math.max(0, (VALENCES[node.symbol]?.find((valence) => valence >= used) ?? used) - used);
}

const other = (bond, atom) => (bond.a === atom ? bond.b : bond.a);

/** A bond is in a ring unless its removal would part the molecule (Tarjan's bridges, without recursion). */
function markRings(atoms) {
  const order = new Array(atoms.length).fill(-1), low = new Array(atoms.length).fill(0);
  let count = 0;
  for (let root = 0; root < atoms.length; root += 1) {
    if (order[root] >= 0) continue;
    const stack = [{ atom: root, from: null, next: 0 }];
    order[root] = low[root] = count++;
    while (stack.length) {
      const top = stack.at(-1);
      if (top.next < atoms[top.atom].bonds.length) {
        const bond = atoms[top.atom].bonds[top.next++];
        if (bond === top.from) continue;
        const to = other(bond, top.atom);
        if (order[to] < 0) { order[to] = low[to] = count++; stack.push({ atom: to, from: bond, next: 0 }); }
        else { low[top.atom] = Math.min(low[top.atom], order[to]); bond.ring = true; }
      } else {
        stack.pop();
        if (!stack.length) continue;
        const parent = stack.at(-1).atom;
        low[parent] = Math.min(low[parent], low[top.atom]);
        top.from.ring = low[top.atom] <= order[parent];
      }
    }
  }
}

/** The size of the smallest ring through an atom; 0 without one. */
function ringSize(atoms, atom) {
  const mine = atoms[atom];
  if (mine.ringSize !== undefined) return mine.ringSize;
  let best = 0;
  for (const first of mine.bonds.filter((bond) => bond.ring)) {
    const far = new Map([[atom, 0], [other(first, atom), 1]]), queue = [other(first, atom)];
    search: while (queue.length) {
      const here = queue.shift();
      for (const bond of atoms[here].bonds) {
        if (!bond.ring || bond === first) continue;
        const to = other(bond, here);
        if (to === atom) { if (!best || far.get(here) + 1 < best) best = far.get(here) + 1; break search; }
        if (!far.has(to)) { far.set(to, far.get(here) + 1); queue.push(to); }
      }
    }
  }
  mine.ringSize = best;
  return best;
}

const tests = new Map(); // query text -> what it was read to

/** A query: for each atom a test, and the bonds to atoms before it. */
function readSmarts(text) {
  if (!tests.has(text)) {
    const { atoms, bonds } = readLine(text.trim(), smartsAtom, smartsBond);
    const back = atoms.map(() => []);
    for (const { a, b, kind } of bonds) back[Math.max(a, b)].push({ to: Math.min(a, b), test: kind ?? ANY_SINGLE });
    tests.set(text, { atoms, back });
  }
  return tests.get(text);
}

const ANY_SINGLE = (bond) => bond.aromatic || bond.order === 1;
const BONDS = {
  "-": (bond) => !bond.aromatic && bond.order === 1, "/": (bond) => !bond.aromatic && bond.order === 1, "\\": (bond) => !bond.aromatic && bond.order === 1,
  "=": (bond) => !bond.aromatic && bond.order === 2, "#": (bond) => bond.order === 3, ":": (bond) => bond.aromatic, "~": () => true, "@": (bond) => bond.ring,
};

function smartsBond(text, at) {
  const found = /^[-=#:~@/\\!,;&]+/.exec(text.slice(at))?.[0];
  if (!found) return null;
  const primitive = (part, from) => (BONDS[part[from]] ? { test: BONDS[part[from]], length: 1 } : null);
  return { length: found.length, kind: logic(found, primitive) };
}

function smartsAtom(text, at) {
  if (text[at] === "[") {
    let depth = 0, end = at;
    do { if (text[end] === "[") depth += 1; if (text[end] === "]") depth -= 1; end += 1; } while (depth && end < text.length);
    if (depth) return null;
    const inner = text.slice(at + 1, end - 1).replace(/:\d+$/, "");
    const hydrogen = /^(\d*)H([+-]?\d*)$/.exec(inner); // the element only where nothing else stands there; a count otherwise
    if (hydrogen && (hydrogen[1] || !/\d/.test(hydrogen[2]))) return { length: end - at, atom: hydrogenAtom(hydrogen[1], hydrogen[2]) };
    return { length: end - at, atom: logic(inner, atomPrimitive) };
  }
  if (text[at] === "*") return { length: 1, atom: () => true };
  const symbol = plainAtom(text, at);
  if (symbol) return { length: symbol.length, atom: element(symbol) };
  if (text[at] === "a") return { length: 1, atom: (mine) => mine.aromatic };
  return text[at] === "A" ? { length: 1, atom: (mine) => !mine.aromatic } : null;
}

function hydrogenAtom(isotope, charge) {
  return (mine) => mine.number === 1 && (!isotope || mine.isotope === Number(isotope)) && (!charge || mine.charge === chargeOf(charge));
}

/** `;` binds least, then `,`, then `&` or nothing between, then `!`. Commas within `$(...)` are not ours. */
function logic(text, primitive) {
  if (!text) throw new Error("an empty [ ]");
  for (const [sign, join] of [[";", "every"], [",", "some"]]) {
    const parts = splitOutside(text, sign);
    if (parts.length > 1) { const all = parts.map((part) => logic(part, primitive)); return (...given) => all[join]((test) => test(...given)); }
  }
  const all = [];
  for (let at = 0; at < text.length;) {
    if (text[at] === "&") { at += 1; continue; }
    let not = false;
    while (text[at] === "!") { not = !not; at += 1; }
    const found = primitive(text, at);
    if (!found) throw new Error(`"${text.slice(at)}" is not understood`);
    all.push(not ? (...given) => !found.test(...given) : found.test);
    at += found.length;
  }
  return all.length === 1 ? all[0] : (...given) => all.every((test) => test(...given));
}

function splitOutside(text, sign) {
  const parts = [""];
  let depth = 0;
  for (const letter of text) {
    if (letter === "(") depth += 1;
    if (letter === ")") depth -= 1;
    if (letter === sign && !depth) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts;
}

function element(symbol) {
  const number = NUMBER.get(capital(symbol)), aromatic = /^[a-z]/.test(symbol);
  return (mine) => mine.number === number && mine.aromatic === aromatic;
}

const hydrogensOf = (mine, atoms, at) => mine.hydrogens + mine.bonds.filter((bond) => atoms[other(bond, at)].number === 1).length;
const ringBonds = (mine) => mine.bonds.filter((bond) => bond.ring).length;
const COUNTS = {
  D: (mine) => mine.bonds.length, H: hydrogensOf, h: (mine) => mine.hydrogens, X: (mine) => mine.bonds.length + mine.hydrogens, x: ringBonds,
  v: (mine) => Math.round(mine.hydrogens + mine.bonds.reduce((sum, bond) => sum + (bond.aromatic ? 1.5 : bond.order), 0)), r: (mine, atoms, at) => ringSize(atoms, at),
};

/** One primitive of a bracket atom; `first` tells an element H from a count of hydrogens. */
function atomPrimitive(text, at) {
  const rest = text.slice(at);
  let found;
  if (rest.startsWith("$(")) {
    let depth = 0, end = 1;
    do { if (rest[end] === "(") depth += 1; if (rest[end] === ")") depth -= 1; end += 1; } while (depth && end < rest.length);
    if (depth) throw new Error("$( is not closed");
    const inner = readSmarts(rest.slice(2, end - 1));
    return { length: end, test: (mine, atoms, place) => matchFrom(inner, atoms, place) !== null };
  }
  if ((found = /^#(\d+)/.exec(rest))) { const number = Number(found[1]); return { length: found[0].length, test: (mine) => mine.number === number }; }
  if ((found = /^(\++|-+)(\d*)/.exec(rest))) { const charge = chargeOf(found[0]); return { length: found[0].length, test: (mine) => mine.charge === charge }; }
  if ((found = /^\d+/.exec(rest))) { const isotope = Number(found[0]); return { length: found[0].length, test: (mine) => mine.isotope === isotope }; }
  if ((found = /^@{1,2}/.exec(rest))) return { length: found[0].length, test: () => true }; // chirality is not compared, as in RDKit's default
  if (rest[0] === "*") return { length: 1, test: () => true };
  const symbol = [...AROMATIC, ...SYMBOLS].filter((one) => one !== "H" && rest.startsWith(one)).sort((a, b) => b.length - a.length)[0];
  if (symbol) return { length: symbol.length, test: element(symbol) };
  if ((found = /^R(\d*)/.exec(rest))) {
    if (found[1] > 0) throw new Error("R with a number of rings is not known here; r (size) and x (ring bonds) are");
    const none = found[1] === "0";
    return { length: found[0].length, test: (mine) => (ringBonds(mine) === 0) === none };
  }
  if ((found = /^([DHhXxvr])(\d*)/.exec(rest))) {
    const [whole, kind, digits] = found, count = COUNTS[kind], wanted = digits === "" ? 1 : Number(digits);
    const any = digits === "" && "rxh".includes(kind);
    return { length: whole.length, test: (mine, atoms, place) => (any ? count(mine, atoms, place) > 0 : count(mine, atoms, place) === wanted) };
  }
  if (rest[0] === "a") return { length: 1, test: (mine) => mine.aromatic };
  return rest[0] === "A" ? { length: 1, test: (mine) => !mine.aromatic } : null;
}

/** The atoms of the first match of a query, or null. */
function firstMatch(query, atoms) {
  for (let at = 0; at < atoms.length; at += 1) {
    const found = matchFrom(query, atoms, at);
    if (found) return found;
  }
  return null;
}

/** A match whose first query atom is the atom `start`, or null: depth first, one query atom after the other. */
function matchFrom(query, atoms, start) {
  const taken = [], used = new Set();
  const fits = (place, at) => !used.has(at) && query.atoms[place](atoms[at], atoms, at) &&
    query.back[place].every(({ to, test }) => { const bond = atoms[at].bonds.find((one) => other(one, at) === taken[to]); return bond && test(bond); });
  const extend = (place) => {
    if (place === query.atoms.length) return true;
    const anchor = query.back[place][0];
    const choices = place === 0 ? [start] : anchor ? atoms[taken[anchor.to]].bonds.map((bond) => other(bond, taken[anchor.to])) : atoms.keys();
    for (const at of choices) {
      if (!fits(place, at)) continue;
      taken[place] = at;
      used.add(at);
      if (extend(place + 1)) return true;
      used.delete(at);
    }
    taken.length = place;
    return false;
  };
  return extend(0) ? taken : null;
}
