/** Follows a job: asks the API for its state and for new entries of its log, every moment while it is under way. */
import { drawEntries, drawJob, drawDetail, isEnded } from './stages.js';

const { api, job } = document.body.dataset;
const address = `${api}/jobs/${encodeURIComponent(job)}`;
const at = (id) => document.getElementById(id);
const TOKEN = 'lamina-token';
const [SOON_MS, LATER_MS] = [1500, 10_000];

/** Entries of the log so far, the stage whose card is open, and the run they belong to. */
const state = { entries: [], open: null, run: null };
let timer;

class Refused extends Error {}

async function ask(path) {
  const response = await fetch(path, { headers: { Accept: 'application/json', Authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` } });
  if (response.status === 401 || response.status === 403) throw new Refused((await response.json()).message);
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).message ?? `The service answers ${response.status}.`);
  return response.json();
}

/** The log is read on from the last entry; a job that is started again has a new one. */
async function readLog({ queued }) {
  if (state.run !== queued) Object.assign(state, { entries: [], run: queued });
  const last = state.entries.at(-1)?.id;
  const { logs } = await ask(`${address}/logs${last === undefined ? '' : `?offset=${encodeURIComponent(last)}`}`);
  state.entries.push(...logs);
}

async function look() {
  clearTimeout(timer);
  try {
    const found = await ask(address);
    await readLog(found);
    at('notice').textContent = '';
    show(found);
    timer = setTimeout(() => void look(), isEnded(found) ? LATER_MS : SOON_MS);
  } catch (error) {
    if (error instanceof Refused) return askForLogin(error.message);
    at('notice').textContent = `${error.message} Trying again.`;
    timer = setTimeout(() => void look(), LATER_MS);
  }
}

function show(found) {
  at('login').hidden = true;
  at('job').hidden = false;
  at('leave').hidden = false;
  const stages = found['lamina:stages'];
  const failed = stages.find((stage) => stage.state === 'failed');
  drawJob(found, stages, state, (name) => {
    state.open = state.open === name ? null : name;
    show(found);
  });
  drawDetail(stages.find((stage) => stage.name === state.open) ?? null, state.entries);
  drawEntries(at('log'), state.entries);
  at('count').textContent = String(state.entries.length);
  document.title = `${failed ? '✗ ' : ''}${found.title ?? `Job ${job}`}`;
}

function askForLogin(problem) {
  sessionStorage.removeItem(TOKEN);
  at('job').hidden = true;
  at('leave').hidden = true;
  at('login').hidden = false;
  at('login-problem').textContent = problem ?? '';
}

async function logIn(form) {
  const [user, password, token] = ['user', 'password', 'token'].map((name) => form.elements[name]?.value ?? '');
  if (token !== '') return token.replace(/^Bearer\s+/i, '').trim();
  const name = new TextEncoder().encode(`${user}:${password}`);
  const response = await fetch(`${api}/credentials/basic`, { headers: { Authorization: `Basic ${btoa(String.fromCharCode(...name))}` } });
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer.message);
  return `basic//${answer.access_token}`;
}

async function enter(form) {
  try {
    sessionStorage.setItem(TOKEN, await logIn(form));
    form.reset();
    await look();
  } catch (error) {
    askForLogin(error.message);
  }
}

at('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void enter(event.target);
});
at('leave').addEventListener('click', () => {
  clearTimeout(timer);
  askForLogin();
});

if (sessionStorage.getItem(TOKEN) === null) askForLogin();
else await look();
