"use strict";

const table = document.querySelector("table");
const heads = Array.from(table.tHead.rows[0].cells);
const rows = Array.from(table.tBodies[0].rows);

function valueOf(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace(/^[<\s]+/, "").replace("−", "-"));
  const counts = heads[column].classList.contains("number");
  if (counts) return Number.isNaN(number) ? Infinity : number;
  return text;
}

function sortBy(column) {
  const upward = heads[column].getAttribute("aria-sort") !== "ascending";
  const compare = (first, second) => {
    if (first === second) return 0;
    // What has no value stays last whichever way the others stand.
    if (first === Infinity || second === Infinity) return first === Infinity ? 1 : -1;
    const order = typeof first === "number" ? first - second : first.localeCompare(second);
    return upward ? order : -order;
  };
  rows.sort((first, second) => compare(valueOf(first, column), valueOf(second, column)));
  table.tBodies[0].append(...rows);
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", upward ? "ascending" : "descending");
}

function filterRows(text, status) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const content = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => content.includes(word));
  }
  status.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
}

heads.forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  button.addEventListener("click", () => sortBy(column));
  head.append(button);
});

const label = document.createElement("label");
const field = document.createElement("input");
const status = document.createElement("output");
field.type = "search";
field.addEventListener("input", () => filterRows(field.value, status));
label.append("Show rows with", field, " ", status);
table.parentElement.before(label);
