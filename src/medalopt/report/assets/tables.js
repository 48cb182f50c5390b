"use strict";
// Sorts a table by the column whose head is clicked, and filters the rows of a long one; the total stays last.
const written = (row, column) => row.cells[column].textContent.trim();
const valued = (text) => {
  const match = text.replace(/\u2212/g, "-").replace(/,/g, "").match(/^-?[0-9]+(\.[0-9]+)?/);
  return match ? Number(match[0]) : NaN;
};
const compared = (one, other) => {
  const [a, b] = [valued(one), valued(other)];
  if (Number.isNaN(a) && Number.isNaN(b)) return one.localeCompare(other);
  return Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b;
};
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0];
  const rows = () => [...body.rows].filter((row) => !row.classList.contains("total"));
  const sort = (head, column) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sorted = rows().sort((a, b) => (down ? -1 : 1) * compared(written(a, column), written(b, column)));
    for (const row of sorted) body.append(row);
    for (const row of body.querySelectorAll("tr.total")) body.append(row);
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sort(head, column));
  });
  if (rows().length <= 12 || table.closest(".first")) continue;
  const filter = document.createElement("input");
  filter.type = "search";
  filter.className = "filter";
  filter.placeholder = "Filter rows";
  filter.setAttribute("aria-label", "Filter rows");
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    for (const row of rows()) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
  table.parentElement.before(filter);
}
// The contents are folded where they stand above the text, not beside it.
const narrow = matchMedia("(max-width: 70rem)");
const fold = () => { for (const contents of document.querySelectorAll("details.contents")) contents.open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
// A link to a folded table or order opens it.
const unfold = () => {
  const target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  for (const details of target ? target.querySelectorAll("article > details, details.rows") : []) details.open = true;
};
addEventListener("hashchange", unfold);
unfold();
