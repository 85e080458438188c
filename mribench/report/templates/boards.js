const choices = document.getElementById("board-choices");
const boards = Array.from(document.querySelectorAll(".board"));
const wanted = choices.querySelector("input");
const part = choices.querySelector(".part");
const metric = choices.querySelector(".metric");
const COMMON = ["Mean rank", "Cases"];

function headsOf(board) {
  return Array.from(board.querySelectorAll("thead th"), (head) => head.textContent.trim());
}

function nameOf(row) {
  return Array.from(row.querySelectorAll("td.text"), (cell) => cell.textContent).join(" ").toLowerCase();
}

function showBoard() {
  const board = boards[part ? part.value : 0];
  for (const other of boards) other.hidden = other !== board;
  const shown = headsOf(board).map((head) => metric.selectedIndex === 0
    || head === metric.value || !metrics.includes(head));
  const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = Array.from(board.querySelectorAll("tbody tr"));
  for (const row of rows) row.hidden = !words.every((word) => nameOf(row).includes(word));
  for (const row of board.querySelectorAll("tr")) {
    Array.from(row.cells).forEach((cell, column) => { cell.hidden = !shown[column]; });
  }
  choices.querySelector("output").textContent =
    `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
}

const metrics = Array.from(boards[0].querySelectorAll("thead th:not(.text)"), (head) => head.textContent.trim())
  .filter((head) => !COMMON.includes(head));
metric.append(...metrics.map((head) => new Option(head)));
for (const control of [wanted, metric, ...(part ? [part] : [])]) control.addEventListener("input", showBoard);
choices.hidden = false;
showBoard();
