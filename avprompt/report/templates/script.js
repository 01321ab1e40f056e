// Lists of clips can be sorted by a column and filtered; without this script they stand there, worst first.
for (const list of document.querySelectorAll(".clips")) {
  const form = list.querySelector(".filter");
  const body = list.querySelector("tbody");
  const rows = [...body.rows];
  const heads = [...list.querySelectorAll("thead th")];
  const text = (row, column) => row.cells[column].textContent.trim();

  function compare(column, a, b) {
    const [x, y] = [text(a, column), text(b, column)];
    if (column === 0) return x.localeCompare(y, undefined, {numeric: true});
    if (!x || !y) return Number(!x) - Number(!y); // what does not count comes last
    return Number(x) - Number(y);
  }

  function sort(column, downwards) {
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", downwards ? "descending" : "ascending");
    rows.sort((a, b) => (downwards ? compare(column, b, a) : compare(column, a, b)));
    body.append(...rows);
  }

  function filter() {
    const {from, to, id} = form.elements;
    let shown = 0;
    for (const row of rows) {
      const score = text(row, 1);
      const high = !from.value || (score && Number(score) >= Number(from.value));
      const low = !to.value || (score && Number(score) <= Number(to.value));
      row.hidden = !(high && low && text(row, 0).toLowerCase().includes(id.value.toLowerCase()));
      shown += !row.hidden;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} clips`;
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column, head.getAttribute("aria-sort") === "ascending"));
    head.append(button);
  });
  heads[1].setAttribute("aria-sort", "ascending");
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}

// A link to a run opens it.
function open() {
  const run = document.querySelector("details.run:target");
  if (run) run.open = true;
}
addEventListener("hashchange", open);
open();
