import { el, scrollable } from './dom.js';
import { valueView } from './sql.js';

/** The steps of a move: what was called, what came of it, and the rows of each tenant by then. */
export const stepsView = (steps) =>
  steps.map(({ title, code, says, rows }, i) =>
    el(
      'li',
      { class: 'panel' },
      el('h3', {}, `${i + 1}. ${title}`),
      el('pre', { tabindex: '0', 'aria-label': `Code of step ${i + 1}` }, code),
      el('p', { class: 'says' }, says),
      scrollable(`Rows after step ${i + 1}`, valueView(rows, `Rows after step ${i + 1}`)),
    ),
  );
