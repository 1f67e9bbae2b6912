/**
 * The page's script: sorts and filters the table of tensors. Without scripts the table is complete, the worst tensor
 * first.
 */
export const script = `
'use strict';
const table = document.getElementById('tensors');
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const filter = document.getElementById('filter');
  const shown = document.getElementById('shown');
  const valueOf = (row, column) => {
    const text = row.cells[column].dataset.value;
    return text === undefined ? row.cells[column].textContent : Number(text);
  };
  const compare = (a, b) => (a === b ? 0 : a < b ? -1 : 1);
  for (const button of table.tHead.querySelectorAll('button')) {
    const heading = button.closest('th');
    button.addEventListener('click', () => {
      const down = heading.getAttribute('aria-sort') === 'ascending';
      for (const other of table.tHead.querySelectorAll('th')) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const column = heading.cellIndex;
      rows.sort((a, b) => (down ? -1 : 1) * compare(valueOf(a, column), valueOf(b, column)));
      body.append(...rows);
    });
  }
  filter.addEventListener('input', () => {
    const wanted = filter.value.toLowerCase();
    for (const row of rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    shown.textContent = rows.filter((row) => !row.hidden).length + ' of ' + rows.length;
  });
  filter.closest('p').hidden = false;
}
`;
