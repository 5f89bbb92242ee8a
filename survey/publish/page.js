"use strict";
// Find your town: search, filters and sorting over rows that stand in the page. Nothing is fetched, built from text or kept.
document.documentElement.classList.add("js");
document.addEventListener("DOMContentLoaded", () => {
  const FIRST = 50;
  const collator = new Intl.Collator("ja", { numeric: true });

  // One spelling for all: full and half width, hiragana and katakana, large and small, no blanks, long marks or hyphens.
  const fold = (text) =>
    text.normalize("NFKC").toLowerCase()
      .normalize("NFD").replace(/[\u0300-\u036f]/g, "").normalize("NFC")
      .replace(/[\u3041-\u3096]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0x60))
      .replace(/[\s\-‐‑–—―'’・]/g, "");

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.s ?? cell.textContent.trim();
  };

  const sortable = (table, changed) => {
    const heads = [...table.querySelectorAll("thead tr:last-child th")];
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      if (head.classList.contains("bar")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const isNumber = head.classList.contains("n");
        const now = head.getAttribute("aria-sort");
        const next = now === "ascending" ? "descending" : now === "descending" ? "ascending" : isNumber ? "descending" : "ascending";
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const rows = [...body.rows].map((row) => [value(row, column), row]);
        rows.sort((a, b) => sign * (isNumber ? Number(a[0]) - Number(b[0]) : collator.compare(a[0], b[0])));
        body.append(...rows.map((pair) => pair[1]));
        changed();
      });
    });
  };

  const find = document.getElementById("towns");
  let show = () => {};
  if (find) {
    const box = document.getElementById("search");
    const selects = [...document.querySelectorAll(".controls select")];
    const status = document.getElementById("count");
    const more = document.getElementById("more");
    const rows = [...find.tBodies[0].rows].map((row) => ({
      row,
      key: fold([row.cells[0].textContent, row.cells[1].textContent, row.dataset.k ?? "", row.dataset.c ?? ""].join("\n")),
      kept: selects.map((one) => value(row, Number(one.dataset.column))),
    }));
    const numbers = new Intl.NumberFormat("ja");
    const fill = (text, places) => text.replace(/\{(\w+)\}/g, (all, name) => numbers.format(places[name] ?? 0));
    let isAll = false;

    show = () => {
      const words = box.value.normalize("NFKC").split(/\s+/).map(fold).filter(Boolean);
      const chosen = selects.map((one) => one.value);
      const matches = new Set();
      for (const { row, key, kept } of rows) {
        const fits = words.every((word) => key.includes(word)) && chosen.every((one, n) => !one || one === kept[n]);
        row.hidden = !fits;
        if (fits) matches.add(row);
      }
      let shown = 0;
      for (const row of find.tBodies[0].rows) {
        if (!matches.has(row)) continue;
        shown += 1;
        row.classList.toggle("later", !isAll && shown > FIRST);
      }
      const hasMore = !isAll && shown > FIRST;
      more.hidden = !hasMore;
      const text = shown === 0 ? status.dataset.none : hasMore ? status.dataset.shown : status.dataset.count;
      status.textContent = fill(text, { n: shown, total: rows.length, shown: FIRST });
    };

    box.addEventListener("input", (event) => { if (!event.isComposing) show(); });
    box.addEventListener("compositionend", show);
    selects.forEach((one) => one.addEventListener("change", show));
    more.addEventListener("click", () => {
      isAll = true;
      show();
      find.focus();
    });
    document.getElementById("find-form").addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("reset").addEventListener("click", () => {
      box.value = "";
      selects.forEach((one) => { one.value = ""; });
      isAll = false;
      show();
      box.focus();
    });
  }
  document.querySelectorAll("table.sortable").forEach((table) => sortable(table, table === find ? show : () => {}));
  show();
});
