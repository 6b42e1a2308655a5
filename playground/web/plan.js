import { el, scrollable } from './dom.js';

const stepView = ({ name, details, steps }) =>
  el(
    'li',
    {},
    el('strong', {}, name),
    details.map((it) => el('span', { class: 'detail' }, it)),
    steps.length > 0 ? el('ul', {}, steps.map(stepView)) : undefined,
  );

export const planView = ({ tree }, label) => scrollable(label, el('ul', { class: 'plan' }, stepView(tree)));

/** The nodes of the cluster, their shards, and which of these the query touched. */
export function clusterView({ nodes, slots }, touched) {
  const of = (node) => touched.filter((it) => it.node === node);
  return el(
    'figure',
    { class: 'cluster' },
    el(
      'div',
      { class: 'nodes', 'aria-hidden': 'true' },
      nodes.map((node) =>
        el(
          'div',
          { class: of(node.name).length > 0 ? 'node touched' : 'node' },
          el('span', { class: 'name' }, node.isCoordinator ? 'Coordinator' : 'Worker', el('small', {}, node.name)),
          node.slots.length > 0
            ? el(
                'div',
                { class: 'slots' },
                node.slots.map((slot) => slotView(slot, slots, of(node.name))),
              )
            : el('small', {}, 'Sends each query to where its tenant is.'),
        ),
      ),
    ),
    el('figcaption', {}, caption(nodes, touched)),
  );
}

function slotView(slot, slots, touched) {
  const tenants = Object.keys(slots).filter((it) => slots[it] === slot);
  const isTouched = touched.some((it) => it.slot === slot);
  return el('span', { class: isTouched ? 'slot touched' : 'slot' }, tenants.map((it) => it[0]).join(''));
}

function caption(nodes, touched) {
  const count = (values) => new Set(values).size;
  const shards = touched.filter((it) => it.slot !== null);
  const all = nodes.reduce((sum, { slots }) => sum + slots.length, 0);
  const workers = nodes.filter((it) => it.slots.length > 0).length;
  const tables = [...new Set(touched.map((it) => it.table))].join(', ');
  if (shards.length === 0) return 'No shard was touched.';
  const slots = count(shards.map((it) => it.slot));
  const places = count(touched.map((it) => it.node));
  return (
    `Touched: ${slots} of ${all} shards of each table, on ${places} of ${workers} workers. ` +
    `Tables: ${tables}. Letters: where each tenant lives.`
  );
}
