// Charts, each drawn from the data beside it; tables that sort by a column; trials that are looked for.
addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll(".chart")) {
    const chart = JSON.parse(place.firstElementChild.textContent);
    const width = place.clientWidth;
    chart.config.legend.columns = Math.max(1, Math.floor(width / 230));
    chart.config.axisY = {labelLimit: width * 0.45};
    vegaEmbed(place, chart, {actions: false, renderer: "svg"});
  }

  // A cell may lie across several columns; values sort as numbers, by what they begin with.
  const cellAt = (row, column) => {
    for (const cell of row.cells) if ((column -= cell.colSpan) < 0) return cell;
  };
  const value = (row, column) => {
    const text = cellAt(row, column)?.innerText.trim().replace("−", "-") ?? "";
    const number = parseFloat(text);
    return Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
  for (const head of document.querySelectorAll("thead tr:last-child")) {
    let column = 0;
    for (const title of head.cells) {
      const own = column;
      column += title.colSpan;
      title.addEventListener("click", () => {
        const sign = title.ariaSort === "descending" ? 1 : -1;
        for (const other of head.cells) other.ariaSort = null;
        title.ariaSort = sign === 1 ? "ascending" : "descending";
        for (const body of head.closest("table").tBodies) {
          const rows = [...body.rows];
          rows.sort((a, b) => sign * compare(value(a, own), value(b, own))).forEach((row) => body.append(row));
        }
      });
    }
  }

  for (const field of document.querySelectorAll(".trials input")) {
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/);
      const area = field.closest(".trials");
      area.querySelector(".others").open = field.value !== "";
      for (const trial of area.querySelectorAll("details[id]")) {
        const text = trial.firstElementChild.innerText.toLowerCase();
        trial.hidden = !words.every((word) => text.includes(word));
      }
    });
  }

  // A served page asks what is new; where nobody answers any more, it stays as it is.
  if ("live" in document.body.dataset) {
    let seen = null;
    setInterval(async () => {
      const answer = await fetch("state", {cache: "no-store"}).catch(() => null);
      if (!answer?.ok) return;
      const state = await answer.text();
      if (seen !== null && state !== seen) location.reload();
      seen = state;
    }, 3000);
  }
});
