// Molecules as people paste them: hydrogens written out, nitro groups with five bonds, rings with double bonds. They are
// brought to the form of the candidates (RDKit's), so that they can be searched for and compared. Tested against RDKit.

/** A molecule from any SMILES. */
function readPasted(smiles) {
  const atoms = withoutHydrogens(readSmiles(smiles.trim().split(/\s+/)[0]));
  separateCharges(atoms);
  aromatise(atoms);
  return atoms;
}

/** A query from SMARTS, or from a SMILES whose rings have double bonds: these are then aromatic, or would match nothing. */
function readQuery(text) {
  const query = readSmarts(text);
  let drawn = null;
  try {
    drawn = readSmiles(text.trim());
    if (!aromatise(drawn)) return query;
  } catch {
    return query; // SMARTS, but no SMILES
  }
  const atoms = query.atoms.map((test, at) => (drawn[at].aromatic ? (mine) => mine.aromatic && mine.number === drawn[at].number : test));
  const back = query.back.map((bonds, at) => bonds.map(({ to, test }) => {
    const bond = drawn[at].bonds.find((one) => other(one, at) === to);
    return { to, test: bond.aromatic ? (one) => one.aromatic : test };
  }));
  return { atoms, back };
}

/** Hydrogens that are written as atoms become counts. */
function withoutHydrogens(atoms) {
  const plain = (atom, at) => atom.number === 1 && !atom.isotope && !atom.charge && atom.bonds.length === 1 && atoms[other(atom.bonds[0], at)].number > 1;
  const kept = [...atoms.keys()].filter((at) => !plain(atoms[at], at));
  const place = new Map(kept.map((at, i) => [at, i])), bonds = new Set();
  for (const at of kept) {
    const mine = atoms[at].bonds;
    atoms[at].bonds = mine.filter((bond) => place.has(other(bond, at)));
    atoms[at].hydrogens += mine.length - atoms[at].bonds.length;
    for (const bond of atoms[at].bonds) bonds.add(bond);
  }
  for (const bond of bonds) [bond.a, bond.b] = [place.get(bond.a), place.get(bond.b)];
  return kept.map((at) => atoms[at]);
}

/** N(=O)=O as [N+](=O)[O-]. */
function separateCharges(atoms) {
  atoms.forEach((atom, at) => {
    const oxygens = atom.bonds.filter((bond) => bond.order === 2 && atoms[other(bond, at)].number === 8);
    if (atom.number !== 7 || atom.charge || oxygens.length !== 2) return;
    oxygens[1].order = 1;
    atom.charge = 1;
    atoms[other(oxygens[1], at)].charge = -1;
  });
}

/** Marks the rings that RDKit would call aromatic (4n + 2 electrons in a ring, or in two or three that share bonds);
 * whether there were any. A molecule that has aromatic letters is left as it is. */
function aromatise(atoms) {
  if (atoms.some((atom) => atom.aromatic)) return false;
  const rings = smallRings(atoms).filter((ring) => ring.every(({ at }) => electrons(atoms, at) !== null));
  const fused = (one, two) => one.some(({ bond }) => two.some((its) => its.bond === bond));
  const done = new Set();
  let unions = rings.map((_, i) => [i]);
  for (let size = 1; size <= 3; size += 1) {
    for (const union of unions) {
      if (union.every((i) => done.has(i))) continue;
      if (!huckel(atoms, union.map((i) => rings[i]))) continue;
      for (const i of union) done.add(i);
    }
    unions = unions.flatMap((union) => rings.map((_, i) => i).filter((i) => i > union.at(-1) && union.some((j) => fused(rings[i], rings[j]))).map((i) => [...union, i]));
  }
  for (const bond of new Set(atoms.flatMap((atom) => atom.bonds))) if (bond.aromatic) bond.order = 1;
  return done.size > 0;
}

function huckel(atoms, union) {
  const counts = new Map(), places = new Map();
  for (const ring of union) for (const { at, bond } of ring) {
    counts.set(bond, (counts.get(bond) ?? 0) + 1);
    places.set(at, (places.get(at) ?? 0) + 1);
  }
  let sum = 0;
  for (const [at, times] of places) if (times < 3) sum += electrons(atoms, at);
  if (sum % 4 !== 2) return false;
  for (const [bond, times] of counts) if (times === 1) { bond.aromatic = true; atoms[bond.a].aromatic = atoms[bond.b].aromatic = true; }
  return true;
}

/** How many electrons an atom gives to its ring; null if it cannot be part of an aromatic one. */
function electrons(atoms, at) {
  const atom = atoms[at], connected = atom.bonds.length + atom.hydrogens;
  const multiple = atom.bonds.filter((bond) => bond.order > 1);
  if (connected > 3 || multiple.length > 1 || multiple.some((bond) => bond.order > 2) || ![5, 6, 7, 8, 16, 34].includes(atom.number)) return null;
  if (multiple.length) {
    if (multiple[0].ring) return 1;
    return atom.number === 6 ? (atoms[other(multiple[0], at)].number === 6 ? 1 : 0) : null;
  }
  if (atom.number === 6) return { "-1": 2, 1: 0 }[atom.charge] ?? null;
  if (atom.number === 5) return connected === 3 ? 0 : null;
  if (atom.number === 7) return (connected === 3 && !atom.charge) || (connected === 2 && atom.charge === -1) ? 2 : null;
  return connected === 2 && !atom.charge ? 2 : null;
}

/** The smallest ring through each ring bond, up to eight atoms: lists of {at, bond}, the bond to the next atom. */
function smallRings(atoms) {
  const found = new Map();
  for (const bond of new Set(atoms.flatMap((atom) => atom.bonds.filter((one) => one.ring)))) {
    const from = new Map([[bond.a, null]]), queue = [bond.a];
    for (let next = 0; next < queue.length && !from.has(bond.b); next += 1) {
      for (const step of atoms[queue[next]].bonds) {
        const to = other(step, queue[next]);
        if (step !== bond && step.ring && !from.has(to)) { from.set(to, { at: queue[next], bond: step }); queue.push(to); }
      }
    }
    const ring = [{ at: bond.a, bond }];
    for (let at = bond.b; at !== bond.a; at = from.get(at).at) ring.push({ at, bond: from.get(at).bond });
    if (ring.length <= 8) found.set(ring.map(({ at }) => at).sort((a, b) => a - b).join(), ring);
  }
  return [...found.values()];
}

// Morgan fingerprints (Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742), bit for bit those of RDKit: radius 2, 2,048
// bits. Isotopes are not seen.

const PRINT_BITS = 2048;
const combine = (seed, value) => (seed ^ (value + 0x9e3779b9 + (seed << 6) + (seed >>> 2))) >>> 0;

/** The fingerprint of a molecule, as 64 words of 32 bits. */
function morgan(atoms) {
  const words = new Uint32Array(PRINT_BITS / 32);
  const set = (hash) => { const bit = hash % PRINT_BITS; words[bit >>> 5] |= 1 << (bit & 31); };
  let current = atoms.map((atom) => [atom.number, atom.bonds.length + atom.hydrogens, atom.hydrogens, atom.charge, 0, ...(atom.bonds.some((bond) => bond.ring) ? [1] : [])].reduce(combine, 0));
  current.forEach(set);
  const mark = new Map([...new Set(atoms.flatMap((atom) => atom.bonds))].map((bond, i) => [bond, 1n << BigInt(i)]));
  let around = atoms.map(() => 0n);
  const seen = new Set(), dead = new Set();
  for (let layer = 0; layer < 2; layer += 1) {
    const next = atoms.map(() => 0), wider = [...around], found = [];
    atoms.forEach((atom, at) => {
      if (dead.has(at) || !atom.bonds.length) return;
      const beside = atom.bonds.map((bond) => [bond.aromatic ? 12 : bond.order, current[other(bond, at)]]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      for (const bond of atom.bonds) wider[at] |= mark.get(bond) | around[other(bond, at)];
      next[at] = beside.reduce((hash, pair) => combine(hash, pair.reduce(combine, 0)), combine(layer, current[at]));
      found.push({ at, bonds: wider[at], hash: next[at] });
    });
    found.sort((a, b) => (a.bonds < b.bonds ? -1 : a.bonds > b.bonds ? 1 : a.hash - b.hash || a.at - b.at));
    for (const { at, bonds, hash } of found) {
      if (seen.has(bonds)) dead.add(at);
      else { seen.add(bonds); set(hash); }
    }
    [current, around] = [next, wider];
  }
  return words;
}

function bitsIn(word) {
  let left = word - ((word >>> 1) & 0x55555555);
  left = (left & 0x33333333) + ((left >>> 2) & 0x33333333);
  return (((left + (left >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** Tanimoto similarity of two fingerprints, 0 to 1. */
function tanimoto(one, two) {
  let both = 0, either = 0;
  for (let i = 0; i < one.length; i += 1) { both += bitsIn(one[i] & two[i]); either += bitsIn(one[i] | two[i]); }
  return either ? both / either : 0;
}
