"use strict";

function cellValue(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace(/^[<\s]+/, "").replace("−", "-"));
  return Number.isNaN(number) ? text : number;
}

function compareCells(first, second) {
  const numbers = [first, second].map((value) => typeof value === "number");
  if (numbers[0] && numbers[1]) return first - second;
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
  return String(first).localeCompare(String(second));
}

function sortTable(header) {
  const table = header.closest("table");
  const column = header.cellIndex;
  const upward = header.getAttribute("aria-sort") !== "ascending";
  const rows = Array.from(table.tBodies[0].rows).map((row) => [cellValue(row, column), row]);
  const sign = upward ? 1 : -1;
  rows.sort((first, second) => sign * compareCells(first[0], second[0]));
  table.tBodies[0].append(...rows.map((pair) => pair[1]));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", upward ? "ascending" : "descending");
}

for (const header of document.querySelectorAll("table.sortable thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sortTable(header));
  header.append(button);
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

addEventListener("hashchange", openTarget);
openTarget();
