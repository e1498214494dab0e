// An XLSX workbook with a drawing before each row, made where there is no server. It is a zip archive of XML and PNG.

const MOST_DRAWN = 2000; // rows, as on the server
const PICTURE = { width: 220, height: 160, sharp: 1.5 }; // pixels of the sheet; of the picture for each of them
const ON_WHITE = { c: "#000000", n: "#0000ff", o: "#ff0000", s: "#a8a800", f: "#16a0a0", cl: "#009900", br: "#7f4c19", i: "#a01eef", p: "#d96a00" };

/** The workbook: a header, then for each row its drawing and its fields. */
async function xlsxFile(rows, keys, brief) {
  if (rows.length > MOST_DRAWN) throw new Error(`XLSX with drawings holds at most ${MOST_DRAWN.toLocaleString("en")} molecules; filter or take CSV`);
  const images = await Promise.all((await backEnd.pictures(rows, { aligned: false, query: "" })).map(({ svg }) => png(svg)));
  const lines = [["structure", ...fields(rows[0], keys, brief).map(([name]) => name)], ...rows.map((row) => [null, ...fields(row, keys, brief).map(([, value]) => value)])];
  const office = "http://schemas.openxmlformats.org", links = `${office}/officeDocument/2006/relationships`, sheets = "application/vnd.openxmlformats-officedocument";
  const relations = (kinds) => `<Relationships xmlns="${office}/package/2006/relationships">${kinds.map(([kind, target], i) => `<Relationship Id="r${i + 1}" Type="${links}/${kind}" Target="${target}"/>`).join("")}</Relationships>`;
  const parts = {
    "[Content_Types].xml": `<Types xmlns="${office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="png" ContentType="image/png"/>` +
      `<Override PartName="/xl/workbook.xml" ContentType="${sheets}.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${sheets}.spreadsheetml.worksheet+xml"/>` +
      `<Override PartName="/xl/drawings/drawing1.xml" ContentType="${sheets}.drawing+xml"/></Types>`,
    "_rels/.rels": relations([["officeDocument", "xl/workbook.xml"]]),
    "xl/workbook.xml": `<workbook xmlns="${office}/spreadsheetml/2006/main" xmlns:r="${links}"><sheets><sheet name="candidates" sheetId="1" r:id="r1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": relations([["worksheet", "worksheets/sheet1.xml"]]),
    "xl/worksheets/sheet1.xml": `<worksheet xmlns="${office}/spreadsheetml/2006/main" xmlns:r="${links}"><sheetViews><sheetView workbookViewId="0"><pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/></sheetView></sheetViews>` +
      `<cols><col min="1" max="1" width="32" customWidth="1"/></cols><sheetData>${lines.map(sheetLine).join("")}</sheetData><drawing r:id="r1"/></worksheet>`,
    "xl/worksheets/_rels/sheet1.xml.rels": relations([["drawing", "../drawings/drawing1.xml"]]),
    "xl/drawings/drawing1.xml": `<d:wsDr xmlns:d="${office}/drawingml/2006/spreadsheetDrawing" xmlns:a="${office}/drawingml/2006/main" xmlns:r="${links}">${rows.map(anchor).join("")}</d:wsDr>`,
    "xl/drawings/_rels/drawing1.xml.rels": relations(rows.map((_, i) => ["image", `../media/image${i + 1}.png`])),
  };
  const texts = Object.entries(parts).map(([name, text]) => [name, new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${text}`)]);
  return new Blob(zipped([...texts, ...images.map((bytes, i) => [`xl/media/image${i + 1}.png`, bytes])]), { type: `${sheets}.spreadsheetml.sheet` });
}

/** One line of the sheet. Texts are inline strings, which are never formulas or links. */
function sheetLine(line, place) {
  const cells = line.map((value, column) => {
    const name = `${columnName(column)}${place + 1}`;
    if (value === null || value === undefined || value === "" || Number.isNaN(value)) return "";
    if (typeof value === "number") return `<c r="${name}"><v>${value}</v></c>`;
    const text = `<t xml:space="preserve">${xmlText(harmless(value).slice(0, 32767))}</t>`;
    return `<c r="${name}" t="inlineStr"><is>${place ? text : `<r><rPr><b/></rPr>${text}</r>`}</is></c>`;
  });
  return `<row r="${place + 1}"${place ? ` ht="${0.75 * (PICTURE.height + 6)}" customHeight="1"` : ""}>${cells.join("")}</row>`;
}

/** A, B, ... Z, AA, ... */
const columnName = (column) => (column < 26 ? "" : columnName(Math.floor(column / 26) - 1)) + String.fromCharCode(65 + (column % 26));

/** Text between tags: without what XML cannot hold. */
const xmlText = (text) => text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Where the picture of a row lies: three pixels from the corner of its cell. */
function anchor(row, i) {
  const units = 9525, size = `cx="${PICTURE.width * units}" cy="${PICTURE.height * units}"`;
  return `<d:oneCellAnchor><d:from><d:col>0</d:col><d:colOff>${3 * units}</d:colOff><d:row>${i + 1}</d:row><d:rowOff>${3 * units}</d:rowOff></d:from><d:ext ${size}/>` +
    `<d:pic><d:nvPicPr><d:cNvPr id="${i + 1}" name="candidate ${rankOf(row)}"/><d:cNvPicPr/></d:nvPicPr><d:blipFill><a:blip r:embed="r${i + 1}"/><a:stretch><a:fillRect/></a:stretch></d:blipFill>` +
    `<d:spPr><a:xfrm><a:off x="0" y="0"/><a:ext ${size}/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></d:spPr></d:pic><d:clientData/></d:oneCellAnchor>`;
}

/** A drawing as a PNG picture on white, in the colours that it has on paper. */
async function png(markup) {
  const canvas = el("canvas", { width: PICTURE.width * PICTURE.sharp, height: PICTURE.height * PICTURE.sharp }), pen = canvas.getContext("2d", { alpha: false });
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const image = drawing(markup, ""), width = Number(image.getAttribute("width")), height = Number(image.getAttribute("height"));
  const scale = Math.min(PICTURE.sharp, canvas.width / width, canvas.height / height);
  pen.setTransform(scale, 0, 0, scale, (canvas.width - scale * width) / 2, (canvas.height - scale * height) / 2);
  [pen.lineWidth, pen.lineCap, pen.lineJoin] = [1.5, "round", "round"];
  for (const path of image.querySelectorAll("path")) {
    const [kind, colour] = path.classList, shape = new Path2D(path.getAttribute("d"));
    pen.fillStyle = pen.strokeStyle = ON_WHITE[colour];
    if (kind === "l") pen.stroke(shape);
    else pen.fill(shape);
  }
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/png"); });
  return new Uint8Array(await blob.arrayBuffer());
}

/** A zip archive, its files stored as they are: the pictures are packed already. */
function zipped(files) {
  const bytes = (...numbers) => Uint8Array.from(numbers.flatMap(([value, size]) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 255)));
  const start = [[20, 2], [0x0800, 2], [0, 2], [0, 2], [33, 2]]; // version, UTF-8 names, stored, midnight, 1 January 1980
  const chunks = [], directory = [];
  let at = 0, long = 0;
  for (const [path, content] of files) {
    const name = new TextEncoder().encode(path);
    const about = [...start, [crc32(content), 4], [content.length, 4], [content.length, 4], [name.length, 2], [0, 2]];
    const local = bytes([0x04034b50, 4], ...about), entry = bytes([0x02014b50, 4], [20, 2], ...about, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]);
    chunks.push(local, name, content);
    directory.push(entry, name);
    at += local.length + name.length + content.length;
    long += entry.length + name.length;
  }
  return [...chunks, ...directory, bytes([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [long, 4], [at, 4], [0, 2])];
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => { let c = n; for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; return c; });

function crc32(content) {
  let crc = 0xffffffff;
  for (const byte of content) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
