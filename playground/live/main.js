/** The page: what is written is checked, and run for three tenants, as one types. */
import page from 'virtual:page';
import './live.css';
import { byId, el } from '../web/dom.js';
import { planView } from '../web/plan.js';
import { legend, resultView, sqlView } from '../web/sql.js';
import { openEditor } from './editor.js';
import { fromLink, toLink } from './share.js';
import { worker } from './workers.js';

const [choice, status, faultsPlace, verdict] = ['choice', 'status', 'faults', 'verdict'].map(byId);
const { samples, files } = page;
const state = { types: 'loading', postgres: 'loading' };
const steps = { loading: 'is on its way', ready: 'runs in this page' };

let notice = '';
function tell(words) {
  const parts = [
    `TypeScript ${steps[state.types] ?? state.types}`,
    `PostgreSQL ${steps[state.postgres] ?? state.postgres}`,
  ];
  status.textContent = words ?? `${notice}${parts.join(', ')}.`;
  document.documentElement.dataset.types = state.types;
  document.documentElement.dataset.postgres = state.postgres;
}

const runs = worker(
  'run.worker.js',
  ({ ready, failed }) => {
    if (ready) state.postgres = 'ready';
    if (failed) state.postgres = `cannot start here: ${failed}`;
    tell();
    if (ready) update();
  },
  8000,
);
const types = worker('types.worker.js', ({ failed }) => {
  state.types = failed ? `cannot start here: ${failed}` : 'ready';
  tell();
  startRuns();
  update();
});
let areRunsStarted = false;
/** PostgreSQL is the largest part: what marks mistakes comes before it. */
function startRuns() {
  if (areRunsStarted) return;
  areRunsStarted = true;
  runs.start();
}

const groups = { query: 'Queries', mistake: 'Mistakes' };
choice.append(
  ...Object.entries(groups).map(([kind, label]) =>
    el(
      'optgroup',
      { label },
      samples.filter((it) => it.kind === kind).map((it) => el('option', { value: it.name }, it.title)),
    ),
  ),
  el('option', { value: '', hidden: true }, 'Your own'),
);
byId('schema').textContent = files['schema.ts'];

const link = new URLSearchParams(location.hash.slice(1));
const shared = link.has('code') ? await fromLink(link.get('code')) : undefined;
const first = samples.find((it) => it.name === link.get('sample')) ?? samples[0];
if (link.has('code') && shared === undefined)
  notice = 'The link is damaged: copy it again, as a whole. Here is a sample. ';
const sampleOf = (code) => samples.find((it) => it.code === code);

const editor = openEditor(byId('editor'), shared ?? first.code, {
  changed() {
    notice = '';
    tell();
    later();
  },
  ask: async (method, ...parameters) =>
    state.types === 'ready' ? (await types.ask({ method, parameters })).result : undefined,
});

let timer;
function later() {
  clearTimeout(timer);
  timer = setTimeout(update, 250);
}

let current = 0;
/** Shows what is known at once, then what the workers say; an answer to an older text is left out. */
async function update() {
  clearTimeout(timer);
  const turn = ++current;
  const { code } = editor;
  const isOld = () => turn !== current;
  const sample = sampleOf(code);
  choice.value = sample?.name ?? '';
  if (sample) {
    showFaults(sample.faults);
    if (sample.sights && state.postgres !== 'ready') showSights(sample.sights, sample.faults);
  }
  history.replaceState(null, '', sample ? `#sample=${sample.name}` : `#code=${await toLink(code)}`);
  if (isOld() || state.types !== 'ready') return;
  byId('watched').ariaBusy = 'true';
  const { result, failed } = await types.ask({ method: 'check', parameters: [code] });
  if (isOld()) return;
  if (failed) return tell(`TypeScript failed: ${failed}`);
  showFaults(result.faults);
  if (result.program === undefined) verdict.textContent = 'of what was written before';
  if (result.program === undefined || state.postgres !== 'ready') return done();
  const ran = await runs.ask({ program: result.program });
  if (isOld()) return;
  if (ran.failed) showProblem(ran.failed);
  else {
    try {
      showSights(ran.sights, result.faults);
    } catch (error) {
      showProblem(`What it gives cannot be shown here: ${error.message}`);
    }
  }
  done();
}

function done() {
  byId('watched').ariaBusy = 'false';
  document.documentElement.dataset.shown = String(current);
}

function showFaults(faults) {
  editor.show(faults);
  faultsPlace.replaceChildren(
    ...(faults.length === 0
      ? [el('p', { class: 'good' }, 'It compiles.')]
      : faults.slice(0, 4).map((it) => {
          const line = el('button', { type: 'button' }, `Line ${editor.line(it.from)}`);
          line.addEventListener('click', () => editor.goTo(it.from));
          return el(
            'p',
            { class: 'fault', title: it.message },
            line,
            it.remedy && el('strong', {}, `${it.remedy} `),
            `${it.code}: ${it.words}`,
          );
        })),
  );
}

function showSights(sights, faults) {
  const { sent, more } = sights[0];
  byId('written').replaceChildren(...sent.map(({ written }, i) => sqlView(written, `Statement ${i + 1} as written`)));
  byId('sent').replaceChildren(
    ...(sent.length === 0
      ? [el('p', { class: 'hint' }, 'Nothing was sent.')]
      : sent
          .flatMap(({ words, params }, i) => [sqlView(words, `Statement ${i + 1} as sent`), legend(params)])
          .filter(Boolean)),
    more > 0 ? el('p', { class: 'hint' }, `And ${more} more.`) : '',
  );
  byId('results').replaceChildren(
    ...sights.map(({ tenant, result, left, error }) =>
      error
        ? el(
            'article',
            {},
            el('h4', {}, tenant),
            el('p', { class: 'error' }, error.tag ? `${error.tag}: ` : '', error.message),
          )
        : resultView(
            { name: tenant },
            result,
            left > 0 ? el('p', { class: 'hint' }, `And ${left.toLocaleString('en')} more.`) : '',
          ),
    ),
  );
  const isGood = sights.every((it) => it.isolated) && faults.length === 0;
  const isBad = sights.some((it) => it.isolated === false);
  verdict.className = isGood ? 'good' : '';
  verdict.textContent = isGood
    ? 'each is that of plain Drizzle on a database with this tenant only'
    : isBad
      ? 'another than plain Drizzle gives for this tenant alone'
      : faults.length > 0
        ? 'had it been run without the compiler'
        : 'for each tenant';
  byId('plan').replaceChildren(
    ...sent.filter((it) => it.plan).map(({ plan }, i) => planView(plan, `Plan of statement ${i + 1}`)),
  );
  byId('watched').classList.add('ready');
}

function showProblem(message) {
  for (const id of ['written', 'sent', 'plan']) byId(id).replaceChildren();
  byId('results').replaceChildren(el('p', { class: 'error' }, message));
  verdict.textContent = '';
}

const show = (sample) => ((editor.code = sample.code), update());
choice.addEventListener('change', () => show(samples.find((it) => it.name === choice.value)));
const step = (by) =>
  show(samples[(samples.findIndex((it) => it.name === choice.value) + by + samples.length) % samples.length]);
byId('previous').addEventListener('click', () => step(-1));
byId('next').addEventListener('click', () => step(1));
byId('share').addEventListener('click', async () => {
  await update();
  await navigator.clipboard?.writeText(location.href).catch(() => {});
  tell('The link holds what you wrote. It is in the address, and copied where the browser allows it.');
});

tell();
byId('watched').classList.add('ready');
update();
types.start();
setTimeout(startRuns, 5000);
