/** The page: two tenants to compare, and a query to look at. What is chosen stands in the address. */
import { loadRows, loadState, moveTenant, runQuery } from './api.js';
import { byId, el } from './dom.js';
import { clusterView, planView } from './plan.js';
import { legend, resultView, sqlView } from './sql.js';
import { projectsView } from './tenants.js';
import { stepsView } from './whole.js';

const [left, right, choice, watched] = ['left', 'right', 'choice', 'watched'].map(byId);
const { tenants, queries, cluster } = await attempt(loadState);

for (const select of [left, right]) select.append(...tenants.map((it) => el('option', { value: it.name }, it.name)));
choice.append(...queries.map((it, i) => el('option', { value: it.name }, `${i + 1}. ${it.title}`)));
byId('plan-place').textContent = cluster ? `on a Citus cluster of ${cluster.nodes.length} nodes` : 'on one server';

const chosen = (select, list) => list.find((it) => it.name === select.value);

/** Shows what was asked for last, also when an earlier answer comes later. */
function latest(show) {
  let last = 0;
  return async (...parameters) => {
    const current = ++last;
    await show(() => current === last, ...parameters);
  };
}

const showTenant = (select) => {
  const place = byId(`${select.id}-projects`);
  return latest(async (isLatest) => {
    place.ariaBusy = 'true';
    const rows = await attempt(() => loadRows(chosen(select, tenants)));
    if (isLatest()) place.replaceChildren(...projectsView(rows));
    place.ariaBusy = 'false';
  });
};

const showQuery = latest(async (isLatest) => {
  const query = chosen(choice, queries);
  const pair = [...new Set([left, right].map((it) => chosen(it, tenants)))];
  watched.ariaBusy = 'true';
  const runs = await attempt(() => Promise.all(pair.map((it) => runQuery(query, it))));
  if (!isLatest()) return;
  const [{ sent }] = runs;
  byId('code').textContent = query.code;
  byId('written').replaceChildren(...sent.map(({ written }, i) => sqlView(written, `Statement ${i + 1} as written`)));
  byId('sent').replaceChildren(
    ...sent
      .flatMap(({ words, params }, i) => [sqlView(words, `Statement ${i + 1} as sent`), legend(params)])
      .filter(Boolean),
  );
  byId('results').replaceChildren(...runs.map(({ result }, i) => resultView(pair[i], result)));
  byId('plan').replaceChildren(
    ...(cluster
      ? [
          clusterView(
            cluster,
            sent.flatMap(({ plan }) => plan.touched),
          ),
        ]
      : []),
    ...sent.map(({ plan }, i) => planView(plan, `Plan of statement ${i + 1}`)),
  );
  watched.classList.add('ready');
  watched.ariaBusy = 'false';
});

const remember = () =>
  history.replaceState(
    null,
    '',
    `#${new URLSearchParams({ tenant: left.value, beside: right.value, query: choice.value })}`,
  );

function step(by) {
  choice.selectedIndex = (choice.selectedIndex + by + queries.length) % queries.length;
  choice.dispatchEvent(new Event('change'));
}

async function attempt(load) {
  try {
    const loaded = await load();
    byId('status').textContent = '';
    return loaded;
  } catch (error) {
    byId('status').textContent = `${error.message}.`;
    throw error;
  }
}

const start = new URLSearchParams(location.hash.slice(1));
const restore = (select, name, otherwise) => {
  const value = start.get(name);
  select.value = [...select.options].some((it) => it.value === value) ? value : otherwise;
};
restore(left, 'tenant', tenants[0].name);
restore(right, 'beside', tenants[1].name);
restore(choice, 'query', queries[0].name);

for (const select of [left, right]) {
  const show = showTenant(select);
  select.addEventListener('change', () => (remember(), show(), showQuery()));
  show();
}
choice.addEventListener('change', () => (remember(), showQuery()));
byId('move').addEventListener('click', async ({ currentTarget }) => {
  const steps = byId('steps');
  currentTarget.disabled = true;
  steps.ariaBusy = 'true';
  try {
    steps.replaceChildren(...stepsView((await attempt(moveTenant)).steps));
  } finally {
    currentTarget.disabled = false;
    steps.ariaBusy = 'false';
  }
});
byId('previous').addEventListener('click', () => step(-1));
byId('next').addEventListener('click', () => step(1));
showQuery();
