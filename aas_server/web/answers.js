"use strict";

// The table of an answer, in the place of Yasgui's own. That one builds markup out of what it is told, writes styles
// into the page, and replaces {{braces}} in texts; here what is told becomes text as it is, and a link only where it
// leads into this API.

const AT_ONCE = 100; // rows that are drawn at a time: an answer may have hundreds of thousands
const DOCUMENT = /^(?:shells|submodels|concept-descriptions)\/([\w-]+)(?:\/submodel-elements\/(.+))?$/;
const TEXTS = ["http://www.w3.org/2001/XMLSchema#string", "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"];

/** An element with these properties; children that are strings become text. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** What an answer says: its variables, and its rows as terms by variable. */
function solutions(results) {
  const json = results.getType() === "json";
  const told = json ? JSON.parse(results.getOriginalResponseAsString()) : results.getAsJson();
  return { vars: told?.head?.vars ?? [], rows: told?.results?.bindings ?? [] };
}

/** `submodels/dXJuOng6MQ/submodel-elements/Drive.Speed` in words: the path, and the id that it is in. */
function words(path) {
  const [, encoded, inside] = path.match(DOCUMENT) ?? [];
  try {
    const bytes = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    const codes = Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
    const identifier = new TextDecoder("utf-8", { fatal: true }).decode(codes);
    return inside === undefined ? [identifier, ""] : [decodeURIComponent(inside), ` in ${identifier}`];
  } catch {
    return [path, ""]; // no address of a document or an element
  }
}

class Answers {
  static root = ""; // what the server says IRIs of this API begin with
  label = "Table";
  priority = 10;

  constructor(yasr) {
    this.yasr = yasr;
  }

  getIcon() {
    return element("span", { ariaHidden: "true" }, "▦");
  }

  canHandleResults() {
    return (this.yasr.results?.getVariables() ?? []).length > 0;
  }

  draw() {
    Object.assign(this, solutions(this.yasr.results), { wanted: "", shown: AT_ONCE, sorted: null, falling: false });
    this.prefixes = Object.entries(this.yasr.getPrefixes());
    this.head = element("tr");
    this.body = element("tbody");
    this.more = element("button", { type: "button", className: "more" });
    this.more.addEventListener("click", () => this.fill(this.shown + AT_ONCE));
    const table = element("table", { className: "answers" }, element("thead", {}, this.head), this.body);
    this.yasr.resultsEl.replaceChildren(element("div", { className: "scrolled", tabIndex: 0 }, table), this.more);
    this.yasr.pluginControls.replaceChildren(this.finder());
    this.fill();
  }

  finder() {
    const finder = element("input", { type: "search", placeholder: "Find in the answer" });
    finder.setAttribute("aria-label", finder.placeholder);
    finder.addEventListener("input", () => {
      this.wanted = finder.value.toLowerCase();
      this.fill();
    });
    return finder;
  }

  /** Draw the head and as many rows as are to be seen. */
  fill(shown = AT_ONCE) {
    this.shown = shown;
    const rows = this.chosen();
    this.head.replaceChildren(...this.vars.map((name) => this.heading(name)));
    this.body.replaceChildren(...rows.slice(0, shown).map((row) => this.row(row)));
    this.more.hidden = rows.length <= shown;
    this.more.textContent = `More: ${rows.length - shown} rows are not shown`;
  }

  /** The rows that hold what is wanted, in the order that is wanted. */
  chosen() {
    const holds = (term) => `${term.value}\n${this.text(term)}`.toLowerCase().includes(this.wanted);
    const rows = this.wanted ? this.rows.filter((row) => Object.values(row).some(holds)) : [...this.rows];
    if (this.sorted === null) return rows;
    const { compare } = new Intl.Collator(undefined, { numeric: true });
    return rows.sort((one, other) => this.compared(one[this.sorted], other[this.sorted], compare));
  }

  /** Numbers by their size, all else as it is read; what is not bound comes last. */
  compared(one, other, compare) {
    if (!one || !other) return Number(!one) - Number(!other);
    const [size, others] = [one, other].map((term) => (term.datatype ? Number(term.value) : NaN));
    const order = Number.isNaN(size - others) ? compare(this.text(one), this.text(other)) : size - others;
    return this.falling ? -order : order;
  }

  heading(name) {
    const sorted = this.sorted === name;
    const arrow = sorted ? (this.falling ? " ▾" : " ▴") : "";
    const button = element("button", { type: "button", title: "Sort by this column" }, name + arrow);
    button.addEventListener("click", () => this.sort(name));
    const heading = element("th", { scope: "col" }, button);
    if (sorted) heading.setAttribute("aria-sort", this.falling ? "descending" : "ascending");
    return heading;
  }

  sort(name) {
    this.falling = this.sorted === name && !this.falling;
    this.sorted = name;
    this.fill(this.shown);
    this.head.children[this.vars.indexOf(name)].firstChild.focus(); // which has been drawn anew
  }

  row(row) {
    const cells = this.vars.map((name) => (row[name] ? this.cell(row[name]) : []));
    return element("tr", {}, ...cells.map((cell) => element("td", {}, ...cell)));
  }

  cell(term) {
    if (term.type === "uri") return [this.iri(term.value)];
    const text = element("span", { className: "literal" }, this.text(term));
    if (term["xml:lang"]) return [text, element("small", {}, ` @${term["xml:lang"]}`)];
    if (term.datatype && !TEXTS.includes(term.datatype)) text.title = this.short(term.datatype);
    return [text];
  }

  iri(iri) {
    const path = this.inside(iri);
    if (path === null) return element("span", { className: "iri", title: iri }, this.short(iri));
    const [text, where] = words(path);
    // Behind a proxy this API may have another address than it knows of: the link is made from where the page is.
    // `./` keeps a path that looks like an address of its own, as `javascript:…`, a path.
    const href = new URL(`./${path}`, document.baseURI).href;
    const link = element("a", { className: "iri", href, target: "_blank", rel: "noopener", title: iri }, text);
    if (where) link.append(element("small", {}, where));
    return link;
  }

  /** The path of what is in this API; null for everything else. */
  inside(iri) {
    return Answers.root && iri.startsWith(`${Answers.root}/`) ? iri.slice(Answers.root.length + 1) : null;
  }

  text(term) {
    switch (term.type) {
      case "uri": {
        const path = this.inside(term.value);
        return path === null ? this.short(term.value) : words(path).join("");
      }
      case "bnode":
        return `_:${term.value}`;
      case "triple":
        return JSON.stringify(term.value);
      default:
        return term.value;
    }
  }

  /** An IRI with its prefix, where it has one and is readable so. */
  short(iri) {
    const fits = ([, start]) => iri.startsWith(start) && /^[\w-]+$/.test(iri.slice(start.length));
    const found = this.prefixes.find(fits);
    return found ? `${found[0]}:${iri.slice(found[1].length)}` : iri;
  }

  download(filename) {
    return {
      getData: () => this.csv(),
      contentType: "text/csv",
      title: "Download as CSV",
      filename: `${filename || "answer"}.csv`,
    };
  }

  /** The answer as CSV, whole, as SPARQL 1.1 Query Results CSV Format has it. */
  csv() {
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const value = (term) => (term ? quoted(term.type === "uri" ? term.value : this.text(term)) : "");
    const lines = [this.vars, ...this.rows.map((row) => this.vars.map((name) => value(row[name])))];
    return lines.map((line) => `${line.join(",")}\r\n`).join("");
  }
}
