/** Draws what is known of a job. Every text is set as text: titles and messages come from users and from operators. */
const at = (id) => document.getElementById(id);

const words = {
  queued: ['Queued', 'waits for a worker'],
  resolve: ['Resolve', 'finds data and operators'],
  download: ['Download', 'fetches the operator'],
  read: ['Read', 'reads pixels'],
  infer: ['Infer', 'runs the operator'],
  write: ['Write', 'writes files'],
};
const marks = { waiting: '○', running: '◐', done: '✓', failed: '✗', skipped: '–', stopped: '■' };
const meaning = { waiting: 'not yet', running: 'under way', done: 'done', failed: 'failed', skipped: 'not needed', stopped: 'stopped' };

export function isEnded({ status }) {
  return status !== 'queued' && status !== 'running';
}

function element(name, text, properties = {}) {
  return Object.assign(document.createElement(name), { textContent: text, ...properties });
}

/** 3_200_000 → '3.2 million' */
function short(count) {
  const [size, word] = count >= 1e9 ? [1e9, ' billion'] : count >= 1e6 ? [1e6, ' million'] : [1, ''];
  return (count / size).toLocaleString('en', { maximumFractionDigits: size === 1 ? 0 : 1 }) + word;
}

function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** From when a stage began to when it was heard of last; while it goes on, to now. */
function timeOf({ state, began, last }) {
  if (began === undefined) return '';
  const end = state === 'running' || last === undefined ? Date.now() : Date.parse(last);
  return duration(Math.max(0, (end - Date.parse(began)) / 1000));
}

function countOf({ count, unit, cached }) {
  if (count === undefined) return '';
  const one = count === 1 ? unit.replace(/s$/, '') : unit;
  return `${short(count)} ${one}${cached === undefined ? '' : `, ${short(cached)} from the cache`}`;
}

/** Cards are made once and then changed, so that the focus stays where it is. */
function cardOf(list, name) {
  const known = list.querySelector(`[data-stage="${name}"]`);
  if (known) return known;
  const item = element('li', '', { className: 'stage' });
  item.dataset.stage = name;
  const button = element('button', '', { type: 'button' });
  button.setAttribute('aria-controls', 'detail');
  for (const part of ['mark', 'name', 'what', 'state', 'count', 'time']) button.append(element('span', '', { className: part }));
  button.querySelector('.name').textContent = words[name][0];
  button.querySelector('.what').textContent = words[name][1];
  button.querySelector('.mark').setAttribute('aria-hidden', 'true');
  button.addEventListener('click', () => item.open());
  item.append(button);
  list.append(item);
  return item;
}

export function drawJob(job, stages, { open }, onOpen) {
  at('title').textContent = job.title ?? `Job ${job.id}`;
  at('status').textContent = job.status;
  at('status').dataset.status = job.status;
  const time = (text) => new Date(text).toLocaleString();
  at('times').textContent = [`created ${time(job.created)}`, ...(job.started ? [`started ${time(job.started)}`] : []), ...(isEnded(job) && job.started ? [`ended ${time(job.updated)}`] : [])].join(' · ');
  at('progress').value = job.progress;
  at('percent').textContent = `${job.progress} %`;
  for (const stage of stages) {
    const card = cardOf(at('stages'), stage.name);
    card.open = () => onOpen(stage.name);
    card.dataset.state = stage.state;
    const button = card.firstElementChild;
    button.setAttribute('aria-expanded', String(open === stage.name));
    const texts = { mark: marks[stage.state], state: meaning[stage.state], count: countOf(stage), time: timeOf(stage) };
    for (const [part, text] of Object.entries(texts)) button.querySelector(`.${part}`).textContent = text;
  }
}

/** What is known of one stage, and the entries of the log that are of it. */
export function drawDetail(stage, entries) {
  at('detail').hidden = stage === null;
  if (stage === null) return;
  const [name, what] = words[stage.name];
  at('detail-title').textContent = name;
  const spent = stage.seconds === undefined ? [] : [`workers spent ${duration(stage.seconds)} on it`];
  const began = stage.began === undefined ? [] : [`began ${new Date(stage.began).toLocaleString()}`];
  at('detail-text').textContent = `This stage ${what}: ${[meaning[stage.state], ...began, ...spent].join('; ')}.`;
  const own = entries.filter(({ data }) => data?.stage === stage.name);
  drawEntries(at('detail-log'), own);
  at('detail').dataset.state = stage.state;
}

/** Entries are only ever added to a log; another log is drawn anew. */
export function drawEntries(list, entries) {
  const isSame = [...list.children].every((child, i) => child.dataset.id === entries[i]?.id);
  if (!isSame) list.replaceChildren();
  for (const entry of entries.slice(list.children.length)) {
    const item = element('li', '');
    Object.assign(item.dataset, { id: entry.id, level: entry.level });
    item.append(element('time', new Date(entry.time).toLocaleTimeString(), { dateTime: entry.time }), element('span', entry.level, { className: 'level' }), element('span', entry.message, { className: 'message' }));
    const facts = [entry.code, ...(entry.path ?? []).map(({ node_id: node }) => `node ${node}`)].filter(Boolean);
    if (facts.length > 0) item.append(element('span', facts.join(' · '), { className: 'facts' }));
    list.append(item);
  }
}
