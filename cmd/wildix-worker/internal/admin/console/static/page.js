// The page. It keeps the data of every frame, and draws it unless it is paused.
import { follow, keepToken } from './stream.js';
import { Rows, callRow, duration, element, milliseconds, noteRow, setClass, setText, textOf } from './rows.js';
import { Plot } from './plot.js';

const $ = (selector) => document.querySelector(selector);
const few = 100; // rows of calls that are shown at first
// The order of the stacked outcomes, frequent ones at the bottom.
const stack = ['handled', 'ignored', 'duplicate', 'malformed', 'rejected', 'failed'];

const calls = new Map();
const notes = new Map();
const points = new Map(); // by time
let frame, whole, clockAhead = 0; // the worker's clock minus ours, in milliseconds
let following, paused = false, open = false, all = false, due = false;
let callRows, noteRows;
const rates = new Plot($('#rates'), 'area', stack);
const times = new Plot($('#times'), 'line', ['p50', 'p95']);
const count = (n) => n.toLocaleString('en');

function take(next) {
  if (next.whole) begin(next.whole);
  frame = next;
  clockAhead = frame.now - Date.now();
  for (const number of frame.calls.gone ?? []) calls.delete(number);
  for (const call of frame.calls.set ?? []) {
    call.text = textOf(call);
    calls.set(call.number, call);
  }
  for (const note of frame.notes) {
    note.text = textOf(note, whole.outcomes[note.outcome]);
    note.trouble = !['handled', 'ignored', 'duplicate'].includes(whole.outcomes[note.outcome]);
    notes.set(note.number, note);
  }
  for (const trouble of [true, false]) trim(trouble);
  for (const point of frame.points) points.set(point[0], point);
  const from = frame.now - whole.step * (whole.length + 1);
  for (const at of points.keys()) if (at < from) points.delete(at);
  drawSoon();
}

// begin discards the data of a previous worker.
function begin(what) {
  whole = what;
  for (const kept of [calls, notes, points]) kept.clear();
  callRows ??= new Rows($('.calls tbody'), callRow);
  noteRows?.show([]);
  noteRows = new Rows($('.notes tbody'), () => noteRow(whole.outcomes));
  $('.board').classList.toggle('no-queue', !whole.queue);
  $('#outcomes').replaceChildren(...stack.map((word) => element('li', word, `${word} `, element('b'))));
  setText($('#version'), `version ${whole.version}, since ${new Date(whole.started).toLocaleString('en-GB')}`);
  setText($('#masked'), whole.masked ? 'Names, numbers and emails are masked by the worker.' : 'Names, numbers and emails are shown as they are.');
}

function trim(trouble) {
  const kept = [...notes.values()].filter((note) => note.trouble === trouble).sort((a, b) => b.number - a.number);
  for (const note of kept.slice(whole.notes)) notes.delete(note.number);
}

function drawSoon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    if (frame) draw();
  });
}

function draw() {
  const needle = $('#filter').value.trim().toLowerCase();
  const found = (item) => item.text.includes(needle);
  drawCalls(found, needle);
  const listed = [...notes.values()].filter((note) => found(note) && (note.trouble || !$('#trouble').checked));
  listed.sort((a, b) => b.number - a.number);
  noteRows.show(listed.slice(0, whole.notes));
  const nothing = $('.notes').nextElementSibling;
  nothing.hidden = listed.length > 0;
  setText(nothing, notes.size > 0 ? 'Nothing matches.' : 'No events yet.');
  drawPlots();
  drawTiles();
  drawWork();
  tick();
}

function drawCalls(found, needle) {
  const { total, full } = frame.calls;
  const fitting = [...calls.values()].filter(found).sort((a, b) => b.start - a.start || b.number - a.number);
  const shown = all ? fitting : fitting.slice(0, few);
  callRows.show(shown);
  const among = total > calls.size ? `the newest ${count(calls.size)} of ` : '';
  setText($('#calls-count'), needle ? `${count(fitting.length)} fit, of ${among}${count(total)}` : `${among}${count(total)}${full ? ' or more' : ''}`);
  const nothing = $('#calls .empty');
  nothing.hidden = fitting.length > 0;
  setText(nothing, calls.size > 0 ? 'No call fits.' : 'No calls at the moment.');
  $('.more').hidden = fitting.length <= few;
  setText($('.more button'), all ? `Show the newest ${few} only` : `and ${count(fitting.length - few)} more: show all`);
}

// drawPlots leaves out the current step, which is not complete.
function drawPlots() {
  const last = Math.floor(frame.now / whole.step) * whole.step - whole.step;
  const list = Array.from({ length: whole.length - 1 }, (_, i) => points.get(last - (whole.length - 2 - i) * whole.step));
  const outcome = (word) => 1 + whole.outcomes.indexOf(word);
  const perSecond = (point, word) => (point ? (1000 * point[outcome(word)]) / whole.step : 0);
  rates.draw(stack.map((word) => list.map((point) => perSecond(point, word))), (n) => `${short(n)}/s`);
  const happened = (point) => point && stack.some((word) => point[outcome(word)] > 0);
  const time = (which) => list.map((point) => (happened(point) ? point[1 + whole.outcomes.length + which] : NaN));
  const [half, most] = [time(0), time(1)];
  times.draw([half, most], milliseconds);
  const latest = (values) => values.slice(-5).findLast((value) => !Number.isNaN(value));
  const shown = (value) => (value === undefined ? '–' : milliseconds(value));
  setText($('#p50-now'), shown(latest(half)));
  setText($('#p95-now'), shown(latest(most)));
  setText($('#p95'), shown(latest(most)));
  setText($('#rate'), rate(list, last, perSecond));
}

// rate is the rate of the last ten seconds, or since the worker started.
function rate(list, last, perSecond) {
  const steps = Math.min(5, Math.floor((last + whole.step - whole.started) / whole.step));
  if (steps < 1) return '–';
  const sum = list.slice(-steps).reduce((sum, point) => sum + stack.reduce((s, word) => s + perSecond(point, word), 0), 0);
  return short(sum / steps);
}

function short(n) {
  return n >= 100 ? count(Math.round(n)) : String(Number(n.toFixed(1)));
}

function drawTiles() {
  setText($('#live'), count(frame.calls.total) + (frame.calls.full ? '+' : ''));
  for (const item of $('#outcomes').children) {
    const total = frame.totals[whole.outcomes.indexOf(item.className)];
    setText(item.lastChild, count(total));
    item.hidden = total === 0 && item.className !== 'handled';
  }
  if (!frame.work) return;
  setText($('#in-hand'), count(frame.work.inHand));
  const shown = (messages) => (messages === undefined ? '–' : count(messages));
  setText($('#depth'), shown(depth('main')));
  setText($('#dead'), shown(depth('dead_letter')));
  setClass($('#dead').parentElement, depth('dead_letter') > 0 ? 'queue bad' : 'queue');
}

// depth returns how many messages a queue holds, or undefined if that is not known.
function depth(queue) {
  const known = (frame.depths ?? []).filter((d) => d.queue === queue);
  return known.length > 0 ? known.reduce((sum, d) => sum + d.messages, 0) : undefined;
}

function drawWork() {
  const { work } = frame;
  const facts = [];
  if (work) {
    facts.push(['In hand', work.inHand], ['Receives under way', work.polls], ['Deleted', work.deleted], ['Returned', work.returned],
      ['Left', work.left], ['Quarantined', work.quarantined], ['Leases extended', work.leasesExtended], ['Leases lost', work.leasesLost],
      ['Deletes retried', work.deletesFailed], ['Calls of SQS', work.requests], ['Calls failed', work.requestsFailed]);
    facts.push(['SQS answered', work.answered ? `${duration(frame.now - work.answered)} ago` : 'not yet']);
  }
  facts.push(['Up', duration(frame.now - whole.started)]);
  const list = $('#work');
  if (list.children.length !== facts.length) {
    list.replaceChildren(...facts.map(([name]) => element('div', '', element('dt', '', name), element('dd'))));
  }
  facts.forEach(([, value], i) => setText(list.children[i].lastChild, typeof value === 'number' ? count(value) : value));
}

// tick updates the durations of calls.
function tick() {
  if (paused || !open || !callRows) return;
  const now = Date.now() + clockAhead;
  for (const row of callRows.rows.values()) row.tick(now);
}

// say shows the state of the connection.
function say(state, why, pause) {
  open = state === 'open';
  $('.board').classList.toggle('stale', !open);
  $('.board').hidden = state === 'token';
  $('#token-form').hidden = state !== 'token';
  switch (state) {
    case 'lost':
      tell(`connection lost, trying again in ${Math.round(pause / 1000)} s: ${why}`, 'bad');
      break;
    case 'token':
      tell(why || 'a token is required');
      $('#token').focus();
      break;
    default:
      sayState();
  }
}

function sayState() {
  if (paused) tell('display paused');
  else if (!open) tell('connecting');
  else if (frame) tell(frame.state, frame.trouble ? 'bad' : 'good');
}

// tell shows the state. For screen readers it leaves durations out, so that the state is not
// read out every second.
function tell(text, how = '') {
  setText($('#state'), text);
  setClass($('#state'), `state ${how}`.trim());
  setText($('#said'), text.replace(/\b\d[\dhm.]* ?s\b/g, 'a while'));
}

// setPaused stops or resumes drawing and the stream.
function setPaused(value) {
  paused = value;
  setClass($('#pause'), paused ? 'on' : ''); // the label says what the button does, so that aria-pressed would be wrong
  setText($('#pause'), paused ? 'Go on' : 'Pause');
  following.abort();
  if (!paused) watch();
  sayState();
}

function watch() {
  open = false;
  following = new AbortController();
  follow((next) => { take(next); sayState(); }, say, following.signal);
}

$('#pause').addEventListener('click', () => setPaused(!paused));
$('#filter').addEventListener('input', drawSoon);
$('#trouble').addEventListener('change', drawSoon);
$('.more button').addEventListener('click', () => {
  all = !all;
  drawSoon();
});
$('#token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken($('#token').value);
  $('#token').value = '';
  setPaused(false);
});
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const filter = $('#filter');
  if (event.key === 'Escape' && document.activeElement === filter) {
    filter.value = '';
    filter.blur();
    drawSoon();
    return;
  }
  if (event.target.matches('input:not([type=checkbox])')) return;
  if (event.key === '/') {
    event.preventDefault();
    filter.focus();
  } else if (event.key === 'p') {
    setPaused(!paused);
  }
});
setInterval(tick, 1000);
watch();
