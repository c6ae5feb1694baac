"use strict";
// Sorts and filters tables, shows examples of a configuration, switches colors. The page
// can be read without it, and needs no other file.

const STEP = 200; // rows that are drawn at a time

function number(text) {
  const found = text.replace("−", "-").match(/^[+-]?[\d,]*\.?\d+/);
  return found ? parseFloat(found[0].replaceAll(",", "")) : NaN;
}

class Sortable {
  constructor(table) {
    this.body = table.tBodies[0];
    this.heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    this.names = this.heads.map((head) => head.textContent.trim());
    this.rows = [...this.body.rows].map((row) => ({
      element: row,
      texts: [...row.cells].map((cell) => (cell.firstChild ? cell.firstChild.textContent.trim() : "")),
    }));
    const rest = document.querySelector(`script[data-rows="${table.id}"]`);
    if (rest) this.rows.push(...JSON.parse(rest.textContent).map((texts) => ({ texts })));
    this.rows.forEach((row, place) => {
      row.place = place;
      row.low = row.texts.join("\n").toLowerCase();
    });
    this.first = this.body.rows.length;
    this.shown = this.rows;
    this.limit = this.first;
    this.heads.forEach((head, column) => this.addButton(head, column));
    if (this.rows.length > this.body.rows.length) this.addMore(table);
    table.querySelectorAll(".noscript").forEach((note) => note.remove());
  }

  addButton(head, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => this.sort(column));
  }

  addMore(table) {
    this.more = document.createElement("button");
    this.more.type = "button";
    this.more.className = "quiet more";
    this.more.addEventListener("click", () => {
      this.limit += STEP;
      this.draw();
    });
    table.parentElement.after(this.more);
    this.draw();
  }

  sort(column) {
    const head = this.heads[column];
    // For numbers, the first press puts the largest first.
    const first = head.classList.contains("number") ? "descending" : "ascending";
    const now = head.getAttribute("aria-sort");
    const next = now ? (now === "ascending" ? "descending" : "ascending") : first;
    this.heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const keys = new Map(this.rows.map((row) => [row, number(row.texts[column])]));
    const missing = (row) => row.texts[column] === "–";
    this.rows = [...this.rows].sort((a, b) => {
      if (missing(a) !== missing(b)) return missing(a) ? 1 : -1; // at the end either way
      const [x, y] = [keys.get(a), keys.get(b)];
      const both = !Number.isNaN(x) && !Number.isNaN(y);
      const order = both ? x - y : a.texts[column].localeCompare(b.texts[column], "en");
      return sign * order || a.place - b.place;
    });
    this.filter(this.wanted || "");
  }

  filter(text) {
    this.wanted = text;
    const tests = text.trim().split(/\s+/).filter(Boolean).map((word) => this.test(word));
    this.shown = this.rows.filter((row) => tests.every((test) => test(row)));
    this.limit = this.first;
    this.draw();
  }

  test(word) {
    const parts = word.match(/^([^<>=]+)(<=|>=|=|<|>)(.+)$/);
    const column = parts ? this.column(parts[1]) : -1;
    if (column < 0) return (row) => row.low.includes(word.toLowerCase());
    const [, , sign, value] = parts;
    const limit = number(value);
    return (row) => {
      const [text, own] = [row.texts[column], number(row.texts[column])];
      if (sign === "=") return text.toLowerCase() === value.toLowerCase() || own === limit;
      return { "<": own < limit, ">": own > limit, "<=": own <= limit, ">=": own >= limit }[sign];
    };
  }

  column(name) {
    const wanted = name.toLowerCase();
    const low = this.names.map((own) => own.toLowerCase());
    const exact = low.indexOf(wanted);
    return exact >= 0 ? exact : low.findIndex((own) => own.startsWith(wanted));
  }

  draw() {
    const rows = this.shown.slice(0, this.limit).map((row) => (row.element ??= this.made(row)));
    this.body.replaceChildren(...rows);
    const left = this.shown.length - rows.length;
    if (this.more) {
      this.more.hidden = left === 0;
      this.more.textContent = `Show ${Math.min(STEP, left)} more of ${left.toLocaleString("en")}`;
    }
    this.onDraw?.(this.shown.length, this.rows.length);
  }

  made(row) {
    const element = document.createElement("tr");
    row.texts.forEach((text, column) => {
      const cell = document.createElement(column ? "td" : "th");
      if (!column) cell.scope = "row";
      if (this.heads[column].classList.contains("number")) cell.className = "number";
      cell.textContent = text;
      element.append(cell);
    });
    return element;
  }
}

const tables = new Map();
document.querySelectorAll("table[data-sort]").forEach((table) => {
  tables.set(table.id, new Sortable(table));
});

document.querySelectorAll("[data-filter]").forEach((controls) => {
  const table = tables.get(`t-${controls.dataset.filter}`);
  const input = controls.querySelector("input");
  const count = controls.querySelector("[data-count]");
  controls.hidden = false;
  input.setAttribute("aria-describedby", "filter-help");
  table.onDraw = (shown, all) => {
    count.textContent = `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} rows`;
  };
  input.addEventListener("input", () => table.filter(input.value));
  table.onDraw(table.shown.length, table.rows.length);
});

const found = document.querySelector("[data-found-by]");
if (found) {
  const byConfiguration = JSON.parse(found.textContent);
  const figures = [...document.querySelectorAll(".examples figure")];
  const controls = document.querySelector("[data-choose]");
  const choice = controls.querySelector("select");
  controls.hidden = false;
  choice.addEventListener("change", () => {
    figures.forEach((figure, number) => show(figure, byConfiguration[choice.value]?.[number]));
  });
}

function show(figure, places) {
  figure.querySelectorAll("[data-found]").forEach((group, number) => {
    group.toggleAttribute("hidden", !places);
    if (!places) return;
    const [x, y, right] = places[number];
    const [line, circle] = group.children;
    group.classList.toggle("miss", !right);
    for (const [element, names] of [[line, ["x1", "y1"]], [circle, ["cx", "cy"]]]) {
      element.setAttribute(names[0], x);
      element.setAttribute(names[1], y);
    }
  });
  const right = places?.filter((place) => place[2]).length;
  const score = places ? `${right} of ${places.length} found` : "not measured";
  figure.querySelector("[data-score]").textContent = score;
}

document.querySelectorAll("[data-copy]").forEach((button) => {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
  });
});

const theme = document.querySelector("[data-theme]");
let dark = matchMedia("(prefers-color-scheme: dark)").matches;
function name() {
  theme.textContent = dark ? "Light colors" : "Dark colors";
}
theme.hidden = false;
theme.addEventListener("click", () => {
  dark = !dark;
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
  name();
});
name();
